// What every engine trains: the model, the initial weights, one batch of tokens and AdamW's
// constants, written by the export task of bench/step.ts. Weights are float32 copies of
// retrograd's, so that all engines begin at the same point.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** { model, batch, adamw, inputs, targets, weights: [{ name, shape, data }] }. */
export function readTask(folder) {
  const { table, tokens, ...task } = JSON.parse(readFileSync(join(folder, 'task.json'), 'utf8'));
  const file = readFileSync(join(folder, 'weights.f32'));
  const values = new Float32Array(
    file.buffer.slice(file.byteOffset, file.byteOffset + file.byteLength),
  );
  const weights = table.map(({ name, shape, offset }) => ({
    name,
    shape,
    data: values.slice(offset, offset + shape.reduce((a, b) => a * b)),
  }));
  return { ...task, inputs: tokens.slice(0, -1), targets: tokens.slice(1), weights };
}

/** Rows of zeros with a one where an id says. */
export function oneHot(ids, width) {
  const rows = new Float32Array(ids.length * width);
  ids.forEach((id, i) => {
    rows[i * width + id] = 1;
  });
  return rows;
}

/** Added to the attention's scores: 0 up to the diagonal, far below beyond it. */
export const causalMask = (t) =>
  Float32Array.from({ length: t * t }, (_, i) => (i % t <= Math.floor(i / t) ? 0 : -1e9));

/** 1 - beta^t for both moments, which AdamW divides by; t = 1, 2, ... */
export const corrections = ({ beta1, beta2 }, t) => [1 - beta1 ** t, 1 - beta2 ** t];

/** Decayed are matrices and embeddings, not gains. */
export const isDecayed = ({ shape }) => shape.length > 1;

/** A matrix as [in, out], the way x @ W reads it. */
export function transposed({ shape: [rows, columns], data }) {
  const out = new Float32Array(data.length);
  for (let i = 0; i < rows; i++)
    for (let j = 0; j < columns; j++) out[j * rows + i] = data[i * columns + j];
  return { shape: [columns, rows], data: out };
}

/** Runs warm-up and timed steps of `step`, which resolves to the loss before its update. Ends after
 *  `seconds` with fewer. */
export async function timeSteps(step, { warmup, steps, seconds = 100 }) {
  const times = [];
  const losses = [];
  const end = performance.now() + seconds * 1000;
  for (let i = 0; i < warmup + steps && (times.length === 0 || performance.now() < end); i++) {
    const start = performance.now();
    losses.push(await step(i + 1));
    if (i >= warmup) times.push(performance.now() - start);
  }
  return { times, losses };
}
