// random_u32 against Philox4x32-10 of src/random.ts (whose known answers are in
// test/random.test.ts), random_normal_i32 against its formula and its first two moments,
// dropout_i32 against its formula with the words of Philox, at its thresholds and limits.
import { describe, expect, it } from 'vitest';
import { philox4x32 } from '../../src/core/random.ts';
import { inout, output } from '../helpers/calls.ts';
import { int32s, KINDS, Source } from '../helpers/data.ts';
import { equal } from '../helpers/suite.ts';

describe('random', () => {
  equal('random_u32 writes the blocks of Philox for 0..68 numbers', 18, (check) => {
    const source = new Source(31);
    for (let n = 0; n <= 68; n += 4) {
      const [c1, c2, c3, key0, key1] = Array.from({ length: 5 }, () => source.u32());
      const out = output(new Uint32Array(n));
      const expected = Array.from({ length: n / 4 }, (_, b) =>
        philox4x32(b, c1, c2, c3, key0, key1),
      ).flat();
      expect([
        ...check({ kernel: 'random_u32', args: [out, n, c1, c2, c3, key0, key1] }).of(out),
      ]).toEqual(expected);
    }
  });

  equal('random_u32 gives the published answers for zeros', 1, (check) => {
    const out = output(new Uint32Array(4));
    expect([...check({ kernel: 'random_u32', args: [out, 4, 0, 0, 0, 0, 0] }).of(out)]).toEqual([
      0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8,
    ]);
  });

  equal('random_normal_i32 equals its formula for 0..20 numbers x 4 scales', 21 * 4, (check) => {
    const source = new Source(32);
    for (let n = 0; n <= 20; n++)
      for (const scale of [0, 1, 65536, 2 ** 29 - 1]) {
        const [c1, c2, c3, key0, key1] = Array.from({ length: 5 }, () => source.u32());
        const out = output(new Int32Array(n));
        const expected = Array.from({ length: n }, (_, i) => {
          const h = philox4x32(i, c1, c2, c3, key0, key1)
            .flatMap((word) => [word % 65536, Math.floor(word / 65536)])
            .reduce((a, b) => a + b);
          return Number((BigInt(h - 262140) * BigInt(scale) + 32768n) >> 16n);
        });
        expect([
          ...check({
            kernel: 'random_normal_i32',
            args: [out, n, c1, c2, c3, key0, key1, scale],
          }).of(out),
        ]).toEqual(expected);
      }
  });

  it(
    'the sum of eight 16-bit numbers has standard deviation sqrt(8 (65536^2 - 1) / 12) = ' +
      '53509.9',
    () => {
      expect(Math.sqrt((8 * (65536 ** 2 - 1)) / 12)).toBeCloseTo(53509.92, 2);
    },
  );

  equal('40,000 normal numbers have mean 0 and deviation 1 within 2 %', 1, (check) => {
    const n = 40000;
    const out = output(new Int32Array(n));
    const unit = 53509.92 * 2 ** 4;
    const numbers = [
      ...check({ kernel: 'random_normal_i32', args: [out, n, 1, 2, 3, 4, 5, 2 ** 20] }).of(out),
    ].map((v) => v / unit);
    const mean = numbers.reduce((a, b) => a + b) / n;
    const variance = numbers.reduce((a, b) => a + b * b, 0) / n - mean * mean;
    expect(Math.abs(mean)).toBeLessThan(0.02);
    expect(Math.abs(Math.sqrt(variance) - 1)).toBeLessThan(0.02);
  });

  const THRESHOLDS = [0, 1, 429496730, 2 ** 31, 2 ** 32 - 1];
  const FACTORS = [2 ** 15, 36409, 2 ** 16, 2 ** 20];
  const LIMITS = [0, 1000, 2 ** 24, 2 ** 31 - 1];

  equal(
    'dropout_i32 equals its formula for 0..36 numbers x 5 thresholds x 4 factors x 4 limits, ' +
      'full range',
    37 * 5 * 4 * 4,
    (check) => {
      const source = new Source(33);
      for (let n = 0; n <= 36; n++)
        for (const threshold of THRESHOLDS)
          for (const factor of FACTORS)
            for (const limit of LIMITS) {
              const [c1, c2, c3, key0, key1] = Array.from({ length: 5 }, () => source.u32());
              const x = inout(int32s(source.u32(), n, source.pick(KINDS), 2 ** 31 - 1, -(2 ** 31)));
              const bound = BigInt(limit);
              let clamped = 0;
              const expected = Array.from(x.data, (value, i) => {
                const exact = (BigInt(value) * BigInt(factor) + 16384n) >> 15n;
                const isBeyond = exact > bound || exact < -bound;
                if (philox4x32(Math.floor(i / 4), c1, c2, c3, key0, key1)[i % 4] < threshold)
                  return 0;
                if (isBeyond) clamped++;
                if (!isBeyond) return Number(exact);
                return Number(exact > 0n ? bound : -bound);
              });
              const outcome = check({
                kernel: 'dropout_i32',
                args: [x, n, c1, c2, c3, key0, key1, threshold, factor, limit],
              });
              expect([...outcome.of(x)]).toEqual(expected);
              expect(outcome.result).toBe(clamped);
            }
    },
  );

  equal(
    'dropout_i32 drops a word just below the threshold and keeps one equal to it, by the ' +
      'published answers for zeros',
    2,
    (check) => {
      const drop = (threshold: number): number[] => {
        const x = inout(Int32Array.of(1000, -1000, 7, -7));
        return [
          ...check({
            kernel: 'dropout_i32',
            args: [x, 4, 0, 0, 0, 0, 0, threshold, 49152, 2000],
          }).of(x),
        ];
      };
      // words 6627e8d5 e169c58d bc57ac4c 9b00dbd8; 10.5 and -10.5 up
      expect(drop(0xbc57ac4c)).toEqual([0, -1500, 11, 0]);
      expect(drop(0xbc57ac4d)).toEqual([0, -1500, 0, 0]);
    },
  );

  equal(
    'dropout_i32 counts what the limit changes: at it, one beyond, and beyond int32',
    9,
    (check) => {
      const top = 2 ** 31 - 1;
      const cases = [
        // value, factor, limit, result, count
        [500, 2 ** 16, 1000, 1000, 0],
        [-500, 2 ** 16, 1000, -1000, 0],
        [500, 2 ** 16, 999, 999, 1],
        [-500, 2 ** 16, 999, -999, 1],
        [top, 2 ** 15, top, top, 0],
        [-top - 1, 2 ** 15, top, -top, 1],
        [top, 2 ** 15 + 1, top, top, 1],
        [-top - 1, 2 ** 20, top, -top, 1],
        [top, 2 ** 20, 5, 5, 1],
      ];
      for (const [value, factor, limit, result, count] of cases) {
        const x = inout(new Int32Array(11).fill(value));
        const outcome = check({
          kernel: 'dropout_i32',
          args: [x, 11, 1, 2, 3, 4, 5, 0, factor, limit],
        });
        expect([...outcome.of(x)]).toEqual(new Array(11).fill(result));
        expect(outcome.result).toBe(11 * count);
      }
    },
  );

  equal('40,000 numbers keep their mean within 1 % and lose 10 % of themselves', 1, (check) => {
    const n = 40000;
    const x = inout(new Int32Array(n).fill(100000));
    const p = 429496730;
    const after = [
      ...check({
        kernel: 'dropout_i32',
        args: [x, n, 1, 2, 3, 4, 5, p, Math.round(2 ** 15 / (1 - p / 2 ** 32)), 2 ** 30],
      }).of(x),
    ];
    expect(Math.abs(after.reduce((a, b) => a + b) / n / 100000 - 1)).toBeLessThan(0.01);
    expect(Math.abs(after.filter((value) => value === 0).length / n - 0.1)).toBeLessThan(0.005);
  });
});
