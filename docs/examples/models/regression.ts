// Regression on a table of numbers: a small network of three layers, mean squared error.
//   node regression.ts

import {
  Trainer,
  adamw,
  cosine,
  defineModel,
  features,
  gelu,
  linear,
  meanSquaredError,
} from 'retrograd';

export interface Rows {
  /** Five columns, standardised. */
  values: number[];
  targets: number[];
}

export const regression = defineModel('regression', ({ width }: { width: number }) => ({
  input: features<Rows>({ count: 5 }),
  layers: [
    linear(width, { name: 'first', deviation: 0.4, bias: true }),
    gelu(),
    linear(width, { name: 'second', deviation: 0.2, bias: true }),
    gelu(),
    linear(1, { name: 'last', deviation: 0.2, bias: true }),
  ],
  loss: meanSquaredError<Rows>(),
}));

/** Rows of a table: Friedman's function of five uniform numbers, about standardised. */
export function table(rows: number, seed: number): Rows {
  let state = seed;
  const random = (): number => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
  const all = Array.from({ length: rows }, () => Array.from({ length: 5 }, random));
  const target = ([a, b, c, d, e]: number[]): number =>
    (10 * Math.sin(Math.PI * a * b) + 20 * (c - 0.5) ** 2 + 10 * d + 5 * e - 14.4) / 4.9;
  return { values: all.flat().map((x) => (x - 0.5) * 3.46), targets: all.map(target) };
}

export const options = {
  model: regression({ width: 32 }),
  batch: 32,
  steps: 1500,
  learningRate: cosine(0.01),
  optimizer: adamw({ weightDecay: 0.01 }),
};

/** Trains, and returns R^2 on rows that were not seen. */
export function run(trainer: Trainer<Rows> = Trainer.create(options)): number {
  while (trainer.steps < options.steps) trainer.step(table(32, 1 + trainer.steps));
  const unseen = table(512, 2 ** 31);
  const mean = unseen.targets.reduce((a, b) => a + b) / 512;
  const variance = unseen.targets.reduce((sum, t) => sum + (t - mean) ** 2, 0) / 512;
  return 1 - trainer.evaluate(unseen).loss / variance;
}

if (process.argv[1] === import.meta.filename) console.log(`R^2 ${run().toFixed(4)}`);
