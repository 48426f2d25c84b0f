// The counter-based generator against the known answers that Random123 publishes
// (tests/kat_vectors, philox4x32 10).
import { describe, expect, it } from 'vitest';
import { PURPOSE, philox4x32, randomU32 } from '../../src/core/random.ts';

type Four = [number, number, number, number];
const KNOWN_ANSWERS: { name: string; counter: Four; key: [number, number]; block: Four }[] = [
  {
    name: 'zeros',
    counter: [0, 0, 0, 0],
    key: [0, 0],
    block: [0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8],
  },
  {
    name: 'ones',
    counter: [0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff],
    key: [0xffffffff, 0xffffffff],
    block: [0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd],
  },
  {
    name: 'digits of pi',
    counter: [0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344],
    key: [0xa4093822, 0x299f31d0],
    block: [0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1],
  },
];

/** Philox in BigInt, written from the paper's definition: a second implementation. */
function philoxBigInt(counter: readonly number[], key: readonly number[]): number[] {
  const mask = 0xffffffffn;
  let [x0, x1, x2, x3] = counter.map(BigInt) as [bigint, bigint, bigint, bigint];
  let [k0, k1] = key.map(BigInt) as [bigint, bigint];
  for (let round = 0; round < 10; round++) {
    const p0 = 0xd2511f53n * x0;
    const p1 = 0xcd9e8d57n * x2;
    [x0, x1, x2, x3] = [(p1 >> 32n) ^ x1 ^ k0, p1 & mask, (p0 >> 32n) ^ x3 ^ k1, p0 & mask];
    k0 = (k0 + 0x9e3779b9n) & mask;
    k1 = (k1 + 0xbb67ae85n) & mask;
  }
  return [x0, x1, x2, x3].map(Number);
}

describe('philox4x32', () => {
  for (const { name, counter, key, block } of KNOWN_ANSWERS) {
    it(`gives the published block for ${name}`, () => {
      expect(philox4x32(...counter, ...key)).toEqual(block);
    });
  }

  it('equals the definition in BigInt for 2,000 counters and keys', () => {
    let words: Four = [1, 2, 3, 4];
    for (let i = 0; i < 2000; i++) {
      const next = philox4x32(...words, i, ~i);
      expect(next).toEqual(philoxBigInt(words, [i, ~i >>> 0]));
      words = next;
    }
  });
});

describe('randomU32', () => {
  it(
    'is word 0 of the block with key (seed low 32, seed high 21) and counter (index, sample, ' +
      'step, purpose)',
    () => {
      const seed = 2 ** 53 - 1 - 2 ** 40;
      expect(randomU32(seed, PURPOSE.gamma, 7, 5, 3)).toBe(
        philox4x32(3, 5, 7, PURPOSE.gamma, 0xffffffff, 0x1ffeff)[0],
      );
      expect(randomU32(1, PURPOSE.batch, 0, 0, 0)).toBe(philox4x32(0, 0, 0, 2, 1, 0)[0]);
    },
  );

  it('gives 8 x 8 x 8 different numbers of each purpose for as many different places', () => {
    const seen = new Set<number>();
    for (const purpose of Object.values(PURPOSE))
      for (let step = 0; step < 8; step++)
        for (let sample = 0; sample < 8; sample++)
          for (let index = 0; index < 8; index++)
            seen.add(randomU32(42, purpose, step, sample, index));
    // 5,120 of 2^32: a collision by chance has probability 3e-3, and the seed is fixed
    expect(seen.size).toBe(Object.values(PURPOSE).length * 8 * 8 * 8);
  });
});
