// What is so of Lipschitz splines, and a short run of them.

import { adamw, Trainer } from 'retrograd';
import { spline } from './model.mjs';
import { classifier } from './networks.mjs';
import { bound, kinks, sparse, thin } from './sparse.mjs';

const input = { kind: 'operand', rows: 6, columns: 4 };
export const layers = {
  spline: [spline({ knots: 9, density: -2 }), { input, wanted: 'operand' }],
};

const noiseAt = (i, seed) => (((i + 7) ** 3 * (seed + 31)) % 1001) - 500;
const images = Uint8Array.from({ length: 512 }, (_, i) => noiseAt(i, 1) & 255);
const grid = { knots: 9, density: 2 };

/** Steps of a network, with such a penalty. */
function train(given, { penalty = 0.01, steps = 10 } = {}) {
  const trainer = Trainer.create({
    model: classifier({ width: 8 }),
    batch: 4,
    steps,
    optimizer: sparse(adamw(), { penalty, speed: 64 }),
    ...given,
  });
  const labels = Int32Array.of(3, 1, 4, 5);
  while (trainer.steps < steps) trainer.step({ images: images.subarray(0, 256), labels });
  return trainer;
}

/** The knots of each channel of the first splines. */
function knotsOf(trainer) {
  const { data } = trainer.tensors().find(({ name }) => name === 'spline1.values');
  return Array.from({ length: 8 }, (_, c) => kinks(data.subarray(c * 33, (c + 1) * 33)));
}

export const brief = (given) => train(given).weightsSha256();

export const facts = {
  'a new spline is ReLU: one knot': () => kinks(new Int32Array(9), grid) === 1,
  'thinning moves no value in the middle and ends with a straight line': () => {
    const s = Int32Array.from({ length: 9 }, (_, i) => noiseAt(i, 2) * 1000);
    const middle = [s[4], s[5]];
    const before = kinks(s, grid);
    thin(s, 2 ** 28, grid);
    return before === 7 && kinks(s, grid) === 0 && s[4] === middle[0] && s[5] === middle[1];
  },
  'thinning by nothing changes nothing': () => {
    const s = Int32Array.from({ length: 9 }, (_, i) => noiseAt(i, 3) * 1000);
    const before = s.join();
    thin(s, 0, grid);
    return s.join() === before;
  },
  'a larger penalty leaves fewer knots': () => {
    const [many, few] = [0, 0.3].map((penalty) => knotsOf(train({}, { penalty, steps: 60 })));
    const sum = (all) => all.reduce((a, b) => a + b);
    return sum(few) < sum(many);
  },
  'the bound holds for pairs of images': () => {
    const trainer = train({});
    const { slope, rounding } = bound(trainer.tensors());
    return Array.from({ length: 100 }, (_, i) => i).every((i) => {
      const [a, b] = [images.slice(i, i + 64), images.slice(i + 64, i + 128)];
      const apart = Math.max(...a.map((v, j) => Math.abs(v - b[j]))) / 64;
      const other = trainer.predict(b);
      const moved = Math.max(...trainer.predict(a).map((v, j) => Math.abs(v - other[j])));
      return moved <= slope * apart + rounding;
    });
  },
};
