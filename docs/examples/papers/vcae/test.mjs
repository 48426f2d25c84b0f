// What is so of VCAE and its baseline, and a short run of both.

import { sha256Hex, Trainer } from 'retrograd';
import { variance } from './model.mjs';
import { constrained, variational } from './networks.mjs';
import { divergence, sampled } from './vae.mjs';

export const layers = {
  'latents of a mean and a log variance': [
    sampled(),
    { input: { kind: 'branch', rows: 4, columns: 6 }, wanted: 'operand' },
  ],
};

const [rows, columns] = [5, 4];
const latents = Int32Array.from(
  { length: rows * columns },
  (_, i) => (((i * 37) % 23) - 11) * 2 ** 13,
);

/** Whether a penalty's slopes are those of differences. */
function isSloped(penalty) {
  const of = penalty({ rows, columns });
  const slopes = new Float64Array(rows * columns);
  of(latents, slopes);
  const found = slopes.slice();
  return found.every((slope, i) => {
    const [above, below] = [2 ** 12, -(2 ** 12)].map((change) =>
      of(
        latents.map((z, k) => (k === i ? z + change : z)),
        slopes,
      ),
    );
    return Math.abs((above - below) * 8 - slope) < 0.01 * Math.abs(slope) + 0.001;
  });
}

export const facts = {
  'slopes of the variance are those of differences, above the wanted one and below': () =>
    isSloped(variance(0.1)) && isSloped(variance(100)),
  'slopes of the divergence are those of differences': () => isSloped(divergence),
  'a variance is the exact one': () => {
    const steps = Int32Array.from([1, 2, 3, 4, 5, 0, 0, 0, 0, 0], (z) => z * 2 ** 16);
    const across = Int32Array.from({ length: 10 }, (_, i) => steps[(i % 2) * 5 + (i >> 1)]);
    return variance(1)({ rows: 5, columns: 2 })(across, new Float64Array(10)) === 1.5;
  },
  'nothing diverges from a normal distribution that is one': () =>
    divergence({ rows, columns })(
      new Int32Array(rows * columns),
      new Float64Array(rows * columns),
    ) === 0,
};

/** Ten steps of both networks. */
export async function brief(given) {
  const shape = { rows: 8, dimensions: 3 };
  const models = [constrained({ ...shape, deviation: 0.2, weight: 0.1 }), variational(shape)];
  const images = Uint8Array.from({ length: 1024 }, (_, i) => (i * 89) % 256);
  const digests = [];
  for (const model of models) {
    const trainer = Trainer.create({ model, batch: 2, steps: 10, ...given });
    while (trainer.steps < 10) trainer.step({ images });
    digests.push(await trainer.weightsSha256());
  }
  return sha256Hex(new TextEncoder().encode(digests.join()));
}
