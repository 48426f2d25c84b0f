// random_u32 against Philox4x32-10 of src/random.ts (whose known answers are in test/random.test.ts), random_normal_i32 against its
// formula and its first two moments.
import { describe, expect, it } from 'vitest';
import { philox4x32 } from '../../src/random.ts';
import { output } from '../helpers/calls.ts';
import { Source } from '../helpers/data.ts';
import { equal } from '../helpers/suite.ts';

describe('random', () => {
  equal('random_u32 writes the blocks of Philox for 0..68 numbers', 18, (check) => {
    const source = new Source(31);
    for (let n = 0; n <= 68; n += 4) {
      const [c1, c2, c3, key0, key1] = Array.from({ length: 5 }, () => source.u32());
      const out = output(new Uint32Array(n));
      const expected = Array.from({ length: n / 4 }, (_, b) => philox4x32(b, c1, c2, c3, key0, key1)).flat();
      expect([...check({ kernel: 'random_u32', args: [out, n, c1, c2, c3, key0, key1] }).of(out)]).toEqual(expected);
    }
  });

  equal('random_u32 gives the published answers for zeros', 1, (check) => {
    const out = output(new Uint32Array(4));
    expect([...check({ kernel: 'random_u32', args: [out, 4, 0, 0, 0, 0, 0] }).of(out)]).toEqual([0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8]);
  });

  equal('random_normal_i32 equals its formula for 0..20 numbers x 4 scales', 21 * 4, (check) => {
    const source = new Source(32);
    for (let n = 0; n <= 20; n++) for (const scale of [0, 1, 65536, 2 ** 29 - 1]) {
      const [c1, c2, c3, key0, key1] = Array.from({ length: 5 }, () => source.u32());
      const out = output(new Int32Array(n));
      const expected = Array.from({ length: n }, (_, i) => {
        const h = philox4x32(i, c1, c2, c3, key0, key1).flatMap((word) => [word % 65536, Math.floor(word / 65536)]).reduce((a, b) => a + b);
        return Number((BigInt(h - 262140) * BigInt(scale) + 32768n) >> 16n);
      });
      expect([...check({ kernel: 'random_normal_i32', args: [out, n, c1, c2, c3, key0, key1, scale] }).of(out)]).toEqual(expected);
    }
  });

  it('the sum of eight 16-bit numbers has standard deviation sqrt(8 (65536^2 - 1) / 12) = 53509.9', () => {
    expect(Math.sqrt((8 * (65536 ** 2 - 1)) / 12)).toBeCloseTo(53509.92, 2);
  });

  equal('40,000 normal numbers have mean 0 and deviation 1 within 2 %', 1, (check) => {
    const n = 40000, out = output(new Int32Array(n)), unit = 53509.92 * 2 ** 4;
    const numbers = [...check({ kernel: 'random_normal_i32', args: [out, n, 1, 2, 3, 4, 5, 2 ** 20] }).of(out)].map((v) => v / unit);
    const mean = numbers.reduce((a, b) => a + b) / n, variance = numbers.reduce((a, b) => a + b * b, 0) / n - mean * mean;
    expect(Math.abs(mean)).toBeLessThan(0.02);
    expect(Math.abs(Math.sqrt(variance) - 1)).toBeLessThan(0.02);
  });
});
