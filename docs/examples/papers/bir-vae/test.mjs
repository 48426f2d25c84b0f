// What is so of BIR-VAE, and a short run of it.

import { linear, Trainer } from 'retrograd';
import { apply } from '../apply.mjs';
import { bitsOf } from '../covariance.mjs';
import { beside, noisy } from '../latent.mjs';
import { deviationOf, discrepancy } from './model.mjs';
import { channel } from './networks.mjs';
import { codebookOf, nearest } from './quantise.mjs';

const branch = { kind: 'branch', rows: 4, columns: 3 };
export const layers = {
  noisy: [noisy({ deviation: 0.5 }), { input: branch, wanted: 'operand' }],
  'a decoder beside what it decodes': [
    beside(linear(5)),
    { input: { ...branch, kind: 'operand' } },
  ],
  'a noisy decoder beside a branch': [
    beside(noisy({ deviation: 0.1 }), linear(5)),
    { input: branch },
  ],
};

const [n, d] = [6, 3];
const latents = Int32Array.from({ length: n * d }, (_, i) => (((i * 37) % 23) - 11) * 2 ** 13);
/** The discrepancy of latents, and its slopes. */
function found(values) {
  const slopes = new Float64Array(n * d);
  const value = discrepancy([1.5, 9])({ rows: n, columns: d })(values, slopes);
  return { value, slopes };
}

export const facts = {
  'a set rate is the rate of normal latents of unit power': () => {
    const unit = [0, 1, 2].map((a) => [0, 1, 2].map((b) => (a === b ? 1 : 0)));
    return Math.abs(bitsOf(unit, deviationOf(7, 3)) - 7) < 1e-9;
  },
  'latents that depend on one another carry fewer bits': () =>
    Math.abs(
      bitsOf(
        [
          [1, 0.6],
          [0.6, 1],
        ],
        0.5,
      ) - Math.log2(0.8 / 0.25),
    ) < 1e-9,
  'slopes of the discrepancy are those of differences': () =>
    found(latents).slopes.every((slope, i) => {
      const [above, below] = [2 ** 13, -(2 ** 13)].map((change) =>
        found(latents.map((z, k) => (k === i ? z + change : z))),
      );
      return Math.abs((above.value - below.value) * 4 - slope) < 0.001;
    }),
  'the discrepancy is smaller at unit power': () => {
    const at = (share) => found(latents.map((z) => Math.round(z * share))).value;
    return at(1) < at(0.3) && at(1) < at(4);
  },
  'beside a decoder stand the latents, to the bit': () => {
    const values = Int16Array.from({ length: 12 }, (_, i) => 100 * i - 500);
    const out = apply(beside(linear(2)), { kind: 'operand', rows: 4, columns: 3 }, values, () => 1);
    return values.every((v, i) => out[Math.floor(i / 3) * 5 + 2 + (i % 3)] === v * 2 ** 7);
  },
  'a codebook has 2^bits words, and points are near theirs': () => {
    const points = Array.from({ length: 64 }, (_, i) => [i % 4, Math.floor(i / 16)]);
    const below = (k) => k - 1;
    const words = codebookOf(points, 4, { from: { below, uniform: () => 0.5 } });
    const all = points.map((point) => words[nearest(words, point)]);
    return words.length === 16 && all.every((word, i) => word.join() === points[i].join());
  },
};

/** Ten steps of a channel of 4 bits. */
export async function brief(given) {
  const model = channel({ rows: 8, dimensions: 3, bits: 4, weight: 10, widths: [1.5, 9] });
  const trainer = Trainer.create({ model, batch: 2, steps: 10, ...given });
  const images = Uint8Array.from({ length: 1024 }, (_, i) => (i * 89) % 256);
  while (trainer.steps < 10) trainer.step({ images });
  return trainer.weightsSha256();
}
