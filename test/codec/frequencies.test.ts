// Tables against BigInt: exactly 2^24, the specified rounding, ties by index; and the softmax that
// they stand for, in float64.

import { describe, expect, test } from 'vitest';
import { logitSizes, sizesInPlace } from '../../src/codec/frequencies.ts';
import { FrequencyTable, RangeDecoder, RangeEncoder, TOTAL } from '../../src/codec/index.ts';
import { weightsOf } from '../../src/generate/sampling.ts';
import { UsageError } from '../../src/index.ts';
import { bigSizes } from './big-coder.ts';
import { Draws } from './draws.ts';

const MOST = 2 ** 29;
const sum = (values: ArrayLike<number>): number => Array.from(values).reduce((a, b) => a + b, 0);

describe('sizes of weights', () => {
  test.each([1, 2])('800 tables are those of exact arithmetic, seed %i', (seed) => {
    const draws = new Draws(seed);
    for (let n = 0; n < 400; n++) {
      const length = 2 + draws.below(n % 50 === 0 ? 65535 : 400);
      const most = [1, 2, 1000, MOST][draws.below(4)];
      const weights = Array.from({ length }, () => draws.below(most + 1));
      if (sum(weights) === 0) weights[draws.below(length)] = 1;
      const sizes = Float64Array.from(weights);
      sizesInPlace(sizes);
      const expected = bigSizes(weights.map(BigInt));
      if (!expected.every((size, i) => size === sizes[i])) expect([...sizes]).toEqual(expected);
      expect(sum(sizes)).toBe(TOTAL);
    }
  });

  test('at the corner: 65,536 of the largest weights, and quotients that are whole', () => {
    for (const weights of [
      Array.from({ length: 65536 }, () => MOST),
      [MOST, ...Array.from({ length: 65535 }, () => 1)],
      Array.from({ length: 255 }, (_, i) => MOST - i),
      [MOST, MOST, MOST],
      [1, 1],
    ]) {
      const sizes = Float64Array.from(weights);
      sizesInPlace(sizes);
      expect([...sizes]).toEqual(bigSizes(weights.map(BigInt)));
    }
  });

  test('what is missing goes to the first of the largest', () => {
    const sizes = Float64Array.of(1, 3, 3);
    sizesInPlace(sizes);
    // 2^24 - 3 = 16,777,213; / 7 * 3 = 7,190,234.14; / 7 = 2,396,744.7; 1 is missing
    expect([...sizes]).toEqual([2396745, 7190236, 7190235]);
  });
});

describe('sizes of logits', () => {
  test('of two equal ones halves, the first with nothing more: 2^24 is even', () => {
    const table = FrequencyTable.fromLogits(Int32Array.of(7, 7), { fraction: 3 });
    expect([table.size(0), table.size(1)]).toEqual([TOTAL / 2, TOTAL / 2]);
  });

  test('of a sure one all but one for each other', () => {
    const logits = new Int32Array(257).fill(-(2 ** 31));
    logits[3] = 2 ** 31 - 1;
    const table = FrequencyTable.fromLogits(logits, { fraction: 10 });
    expect([table.size(3), table.size(0), table.size(256)]).toEqual([TOTAL - 256, 1, 1]);
  });

  test.each([0, 10, 16, 23, 30])('are those of the integer softmax, fraction %i', (fraction) => {
    const draws = new Draws(fraction);
    for (let n = 0; n < 200; n++) {
      const spread = 2 ** Math.min(31, fraction + draws.below(5));
      const logits = Int32Array.from({ length: 2 + draws.below(300) }, () =>
        Math.floor((draws.u32() / 2 ** 32 - 0.5) * spread),
      );
      const sizes = new Float64Array(logits.length);
      logitSizes(logits, fraction, sizes);
      const largest = logits.reduce((a, b) => Math.max(a, b));
      const weight = weightsOf(largest, fraction, 1);
      const weights = Array.from(logits, (value) => BigInt(Math.floor(weight(value) / 2)));
      expect([...sizes]).toEqual(bigSizes(weights));
    }
  });

  test('cost at most 1e-5 bits a symbol more than the float64 softmax', () => {
    const draws = new Draws(4);
    let worst = 0;
    for (let n = 0; n < 200; n++) {
      const logits = Int32Array.from({ length: 257 }, () => (draws.u32() >>> 8) - 2 ** 23);
      const scale = 2 ** 20; // logits of -8 .. 8
      const exact = Array.from(logits, (value) => Math.exp(value / scale));
      const all = sum(exact);
      const table = FrequencyTable.fromLogits(logits, { fraction: 20 });
      const more = exact.map((p, i) => (p / all) * Math.log2(p / all / (table.size(i) / TOTAL)));
      worst = Math.max(worst, sum(more));
    }
    console.log(`worst: ${worst} bits`);
    expect(worst).toBeLessThan(1e-5);
  });
});

describe('tables', () => {
  test('what is encoded is decoded, 2 to 65,536 symbols', () => {
    const draws = new Draws(8);
    for (const length of [2, 3, 256, 257, 5000, 65536]) {
      const table = FrequencyTable.fromCounts(Array.from({ length }, () => draws.below(9)));
      expect(table.symbols).toBe(length);
      const symbols = Array.from({ length: 500 }, () => draws.below(length));
      const encoder = new RangeEncoder();
      for (const symbol of symbols) table.encode(encoder, symbol);
      const decoder = new RangeDecoder(encoder.finish());
      expect(symbols.map(() => table.decode(decoder))).toEqual(symbols);
      decoder.finish();
    }
  });

  test.each([[[1]], [[0, 0]], [[1, -1]], [[1, MOST + 1]], [[1, 0.5]], ['ab'], [null]])(
    'counts %j are refused',
    (counts) => {
      expect(() => FrequencyTable.fromCounts(counts as number[])).toThrow(UsageError);
    },
  );

  test('symbols and targets that are not in the table are refused', () => {
    const table = FrequencyTable.fromCounts([1, 1]);
    expect(() => table.encode(new RangeEncoder(), 2)).toThrow(UsageError);
    expect(() => table.symbolAt(TOTAL)).toThrow(UsageError);
    expect(() => table.size(-1)).toThrow(UsageError);
  });
});
