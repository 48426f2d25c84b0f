// Regression on a table of numbers: a small network of three layers, mean squared error.

import {
  adamw,
  cosine,
  defineModel,
  features,
  gelu,
  linear,
  meanSquaredError,
  Trainer,
} from 'retrograd';

export interface Rows {
  /** Five columns, about standardised. */
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

export const options = {
  model: regression({ width: 32 }),
  batch: 32,
  steps: 1500,
  learningRate: cosine(0.01),
  optimizer: adamw({ weightDecay: 0.01 }),
};

/** Rows of a table: five uniform numbers, and a function of them (after Friedman, 1991). */
export function table(rows: number, seed: number): Rows {
  let state = seed;
  const random = (): number => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
  const all = Array.from({ length: rows }, () => Array.from({ length: 5 }, random));
  const target = ([a = 0, b = 0, c = 0, d = 0, e = 0]: number[]): number =>
    (10 * a * b + 20 * (c - 0.5) ** 2 + 10 * d + 5 * e - 11.7) / 4.6;
  return { values: all.flat().map((x) => (x - 0.5) * 3.46), targets: all.map(target) };
}

/** Trains, and returns R^2 (1 is perfect) on rows that were not seen. */
export function train(trainer = Trainer.create(options)): number {
  while (trainer.steps < options.steps) trainer.step(table(32, 1 + trainer.steps));
  const unseen = table(512, 2 ** 31);
  const square = unseen.targets.reduce((sum, t) => sum + t * t, 0) / 512;
  return 1 - trainer.evaluate(unseen).loss / square;
}
