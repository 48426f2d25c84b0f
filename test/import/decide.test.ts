// The scales of outlier neurons keep every number of theirs in its range, whatever the neuron.

import { expect, test } from 'vitest';
import { decide, scaleOutlier } from '../../src/import/decide.ts';
import type { BlockMeasures } from '../../src/import/measure.ts';
import { floorLog2, toFit } from '../../src/import/ranges.ts';

const of = (value: number) => Float64Array.of(value);
const norm = { most: of(1), wide: 0, powers: Int8Array.of(0), rows: of(1) };
/** A block of one neuron. */
const block = (u: number, row: number, column: number, bias: number): BlockMeasures => ({
  norm1: norm,
  query: of(1),
  key: of(1),
  bareKey: of(1),
  value: of(1),
  norm2: norm,
  argument: of(u),
  activation: of(u),
  row: of(row),
  column: of(column),
  bias: of(bias),
  attention: 1,
  mlp: u * column,
  residual: 1,
});
const SHAPE = {
  vocabulary: 2,
  context: 1,
  layers: 1,
  channels: 1,
  heads: 1,
  inner: 1,
  bias: true,
  tied: true,
  epsilon: 1e-5,
};

test('4,000 outlier neurons: u, weights, bias and activation within their ranges', () => {
  let cases = 0;
  for (const u of [8.1, 20, 85, 300, 2000])
    for (const row of [0.001, 0.1, 1, 6, 30])
      for (const column of [1e-5, 0.004, 0.3, 5, 24])
        for (const bias of [0, 1, 56, 200])
          for (const branch of [0, 1, 100, 1000, 1900, 3000, 6000, 12000]) {
            const one = { ...block(u, row, column, bias), mlp: Math.max(branch, u * column) };
            const blocks = [one];
            const scales = decide(SHAPE, { blocks, residual: 1, norm: of(1) });
            const { residual } = scales;
            const [, i, j] = scaleOutlier(one, 0, residual);
            expect(2 * u * 2 ** -i).toBeLessThanOrEqual(1024);
            expect(Math.max(row, bias) * 2 ** -i).toBeLessThan(16);
            expect(2 * u * 2 ** j).toBeLessThanOrEqual(128);
            expect(column * 2 ** -residual * 2 ** -j).toBeLessThan(16);
            expect(2 * u * column * 2 ** -residual).toBeLessThanOrEqual(1024);
            cases++;
          }
  expect(cases).toBe(4000);
});

test('an epsilon becomes the nearest power of four', () => {
  const magnifiedOf = (epsilon: number) => decide({ ...SHAPE, epsilon }, undefined).magnified;
  expect([1e-5, 1e-6, 1e-12, 4e-5, 1.6e-4, 2.5e-6].map(magnifiedOf)).toEqual([0, 2, 12, -1, -2, 1]);
});

test('whole logarithms and least powers are exact at their borders', () => {
  expect([1, 1.99, 2, 0.5, 0.49, 1024].map(floorLog2)).toEqual([0, 0, 1, -1, -2, 10]);
  expect([1, 8, 8.01, 16, 17].map((value) => toFit(value, 16))).toEqual([0, 0, 1, 1, 2]);
});
