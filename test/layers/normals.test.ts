// Noise of a layer's own: a function of its place, and of nothing else.

import { expect, test } from 'vitest';
import { LAYER_PURPOSE, PURPOSE } from '../../src/core/random.ts';
import { createWasmBackend } from '../../src/kernels/wasm.ts';
import { normals } from '../../src/ops/normals.ts';
import { Run } from '../../src/ops/run.ts';

const N = 4096;
const run = new Run(createWasmBackend({ pages: 4 }));
const { base } = run.backend;

function drawn(place: { seed?: number; step?: number; sample?: number; stream?: number }) {
  const { seed = 1, step = 2, sample = 3, stream = 4 } = place;
  run.pass = { seed, step };
  run.sample = sample;
  normals(run, base, N, 2 ** 16, stream);
  return Array.from(run.view(base, N));
}

test('is the same at the same place, and another at any other', () => {
  const first = drawn({});
  expect(drawn({})).toEqual(first);
  for (const place of [
    { seed: 2 },
    { seed: 1 + 2 ** 32 },
    { step: 3 },
    { sample: 4 },
    { stream: 5 },
  ])
    expect(drawn(place).filter((value, i) => value === first[i]).length).toBeLessThan(4);
});

test('has mean 0 and the deviation asked for, to five standard errors', () => {
  const values = drawn({}).map((raw) => raw / 2 ** 16);
  const mean = values.reduce((a, b) => a + b) / N;
  const variance = values.reduce((sum, v) => sum + (v - mean) ** 2, 0) / N;
  expect(Math.abs(mean)).toBeLessThan(5 / Math.sqrt(N));
  expect(Math.abs(variance - 1)).toBeLessThan(5 * Math.sqrt(2 / N));
});

test('writes n numbers and not one more', () => {
  run.view(base, 8).fill(7);
  normals(run, base, 5, 2 ** 16);
  expect(Array.from(run.view(base, 8)).slice(5)).toEqual([7, 7, 7]);
});

test('no other purpose of the generator is its', () => {
  expect(LAYER_PURPOSE).toBeLessThan(16);
  expect(Object.values(PURPOSE)).not.toContain(LAYER_PURPOSE);
});
