// Noise of rounding by chance: the same words on every back end, every bit of them as often 1 as 0,
// neighbours and the words of other keys not like each other.

import { describe, expect, it } from 'vitest';
import { inout, run } from '../helpers/calls.ts';
import { Source } from '../helpers/data.ts';
import { int8Parties, PARTY_NAMES } from '../helpers/int8.ts';
import { SEED } from '../helpers/suite.ts';

/** The contract's words, in 64 bit integers. */
function wordsOf(n: number, s0: number, s1: number): number[] {
  const low = (x: bigint): bigint => BigInt.asUintN(32, x);
  return Array.from({ length: n }, (_, i) => {
    let x = low(BigInt(i) + BigInt(s0));
    x ^= x >> 17n;
    x = low(x * 0xed5ad4bbn) ^ low(BigInt(s1));
    x ^= x >> 11n;
    x = low(x * 0xac4c1b51n);
    x ^= x >> 15n;
    x = low(x * 0x31848babn);
    return Number(x ^ (x >> 14n)) | 0;
  });
}

/** What a back end makes of two words. */
function spread(party: ReturnType<typeof int8Parties>[number], n: number, s0: number, s1: number) {
  const words = inout(new Int32Array(n));
  words.data.set([s0, s1]);
  return run(party.backend, { kernel: 'spread_u32', args: [words, n] }, n).of(words);
}

describe(`noise on ${PARTY_NAMES.join(', ')}`, () => {
  it(`every multiple of 4 up to 100, any two words and the extreme ones (seed ${SEED})`, () => {
    const source = new Source(SEED, 3);
    const word = (): number => source.between(-(2 ** 31), 2 ** 31 - 1);
    const extremes = [0, -1, 2 ** 31 - 1, -(2 ** 31), -3];
    for (let n = 4; n <= 100; n += 4)
      for (const party of int8Parties())
        for (const [s0, s1] of [
          [word(), word()],
          [extremes[n % 5], extremes[(n >> 3) % 5]],
        ])
          expect(Array.from(spread(party, n, s0, s1))).toEqual(wordsOf(n, s0, s1));
  });
});

describe('its statistics', () => {
  const N = 2 ** 16;
  const party = int8Parties().at(-1)!;
  /** A bit of each word, as 1 or -1. */
  const signs = (words: Int32Array, bit: number): number[] =>
    Array.from(words, (word) => ((word >>> bit) & 1) * 2 - 1);
  /** Standard deviations of the mean of products from 0. */
  const likeness = (a: number[], b: number[], lag: number): number => {
    let sum = 0;
    for (let i = lag; i < a.length; i++) sum += a[i] * b[i - lag];
    return Math.abs(sum) / Math.sqrt(a.length - lag);
  };
  const words = spread(party, N, 0x2545f491, 0x5851f42d);

  it('every bit is as often 1 as 0, and not like that of words nearby (4.5 deviations)', () => {
    for (let bit = 0; bit < 32; bit++) {
      const own = signs(words, bit);
      expect(likeness(own, new Array<number>(N).fill(1), 0)).toBeLessThan(4.5);
      for (const lag of [1, 2, 3, 4, 8, 16, 32, 128])
        expect(likeness(own, own, lag)).toBeLessThan(4.5);
    }
  });

  it('words of another key are others, be only one of the two another', () => {
    for (const [s0, s1] of [
      [0x2545f492, 0x5851f42d],
      [0x2545f491, 0x1b873593],
      [0x7feb352d, 0x5851f42d],
      [0x7feb352d, 0x1b873593],
    ]) {
      const others = spread(party, N, s0, s1);
      for (let bit = 0; bit < 32; bit++)
        expect(likeness(signs(words, bit), signs(others, bit), 0)).toBeLessThan(4.5);
    }
  });
});
