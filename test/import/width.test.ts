// The width of a layer norm's output is the one by which the product that reads it is most exact,
// as rounding it for every width shows.

import { describe, expect, test } from 'vitest';
import { fits } from '../../src/import/ranges.ts';
import type { Rows } from '../../src/import/real.ts';
import { widthOf } from '../../src/import/width.ts';

const [TOKENS, C, OUT] = [40, 96, 192];

/** Numbers by seed: xorshift32, nearly normal. */
function normals(seed: number): () => number {
  let state = seed;
  return () => {
    let sum = -6;
    for (let i = 0; i < 12; i++) {
      state ^= state << 13;
      state ^= state >>> 17;
      state ^= state << 5;
      sum += (state >>> 0) / 2 ** 32;
    }
    return sum;
  };
}

/** Channels that are as many times larger than usual ones. */
function outputs(gains: (c: number) => number): { rows: Rows; weight: Float32Array } {
  const normal = normals(7);
  const values = Float64Array.from({ length: TOKENS * C }, (_, i) => normal() * gains(i % C));
  const weight = Float32Array.from({ length: OUT * C }, () => 0.1 * normal());
  return { rows: { rows: TOKENS, columns: C, values }, weight };
}

/** The relative square error of the product if the output is 2^wide times as wide. */
function measured({ values }: Rows, weight: Float32Array, most: Float64Array, wide: number) {
  const powers = fits(most.map((value) => value * 2 ** -wide));
  const scaled = Array.from(weight, (w, i) => w * 2 ** powers[i % C]);
  const columns = Array.from({ length: C }, (_, c) =>
    scaled.reduce((sum, w, i) => (i % C === c ? sum + Math.abs(w) : sum), 0),
  );
  const largest = Math.max(...scaled.map(Math.abs));
  const longest = Math.max(...columns);
  let fraction = 24;
  while (largest * 2 ** fraction > 4095 || longest * 2 ** fraction > 524416) fraction--;
  const round = (value: number, bits: number): number => Math.round(value * 2 ** bits) / 2 ** bits;
  const copy = scaled.map((w) => round(w, fraction));
  let error = 0;
  for (let t = 0; t < TOKENS; t++) {
    const x = values.subarray(t * C, (t + 1) * C);
    const own = x.map((value, c) => round(value * 2 ** -powers[c], 8 - wide));
    const size = x.reduce((sum, value) => sum + value * value, 0);
    for (let o = 0; o < OUT; o++) {
      let difference = 0;
      for (let c = 0; c < C; c++) difference += copy[o * C + c] * own[c] - weight[o * C + c] * x[c];
      error += difference ** 2 / size;
    }
  }
  return error / TOKENS / OUT;
}

describe('the width that is chosen has the least error', () => {
  test.each<[string, (c: number) => number, number]>([
    ['no channel is wide', () => 1, 0],
    ['a third is 8 times as wide', (c) => (c % 3 === 0 ? 8 : 1), 0],
    ['one in sixteen is 40 times as wide', (c) => (c % 16 === 0 ? 40 : 1), 1],
    ['all channels are 10 times as wide', () => 10, 2],
    ['all channels are 20 times as wide', () => 20, 3],
  ])('%s', (_, gains, expected) => {
    const { rows, weight } = outputs(gains);
    const { most, wide, powers } = widthOf([rows], weight, () => []);
    const errors = [0, 1, 2, 3, 4].map((k) => measured(rows, weight, most, k));
    expect(wide).toBe(errors.indexOf(Math.min(...errors)));
    expect(wide).toBe(expected);
    most.forEach((value, c) => {
      expect(2 * value).toBeLessThanOrEqual(2 ** (wide + powers[c]) * 16);
    });
  });
});
