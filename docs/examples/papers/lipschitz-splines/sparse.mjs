// What keeps splines simple, and what their network's Lipschitz constant is at most.

import { sgd } from 'retrograd';
import { GRID, reluAt } from './model.mjs';

/** The second difference at knot k of a channel's values s: what the slope changes by, in steps of
 *  2^-24 of a piece. */
const kinkAt = (s, k, options) =>
  s[k + 1] - 2 * s[k] + s[k - 1] + (2 * k + 1 === options.knots ? reluAt(k + 1, options) : 0);

/** Knots of a channel: second differences that are not zero. */
export const kinks = (s, options = GRID) =>
  Array.from({ length: options.knots - 2 }, (_, i) => kinkAt(s, i + 1, options)).filter(
    (kink) => kink !== 0,
  ).length;

/** Brings every second difference nearer to zero by `by`, and those below to zero; the two values
 *  in the middle stay. */
export function thin(s, by, options) {
  const middle = (options.knots - 1) / 2;
  const changes = Array.from(s, (_, k) => {
    if (k === 0 || k === options.knots - 1) return 0;
    const kink = kinkAt(s, k, options);
    return -Math.sign(kink) * Math.min(Math.abs(kink), by);
  });
  const second = Array.from(s, (_, k) => s[k + 1] - 2 * s[k] + s[k - 1] + changes[k]);
  for (let k = middle + 1; k < options.knots - 1; k++) s[k + 1] = second[k] + 2 * s[k] - s[k - 1];
  for (let k = middle; k > 0; k--) s[k - 1] = second[k] + 2 * s[k] - s[k + 1];
}

const plain = sgd({ momentumShift: 0 });
const isSpline = ({ path }) => path.endsWith('.values');

/** Descent of splines by the loss, `speed` times as fast as `base` is told to be, which all other
 *  weights have, and then by the l1 norm of their second differences (iterative soft thresholding):
 *  `penalty` times the rate. A channel's values stay with one thread. */
export const sparse = (base, { penalty, speed, grid = GRID }) => ({
  ...base,
  name: `sparse ${base.name}`,
  options: { ...base.options, penalty, speed },
  unit: (parameter) => (isSpline(parameter) ? grid.knots : 64),
  update(run, part, info) {
    if (!isSpline(part.parameter)) return base.update(run, part, info);
    const rate = info.rate * BigInt(speed);
    const clamped = plain.update(run, part, { ...info, rate });
    const by = Math.floor((Number(rate) * penalty) / 2 ** 8);
    for (let i = 0; i < part.n; i += grid.knots)
      thin(run.view(part.master + i * 4, grid.knots), by, grid);
    return clamped;
  },
});

/** The largest sum of magnitudes of a row of W: its Lipschitz constant in the maximum norm. Working
 *  copies have 13 bits: half a step of rounding in every element. */
function normOf({ data, shape: [out, into] }) {
  const largest = data.reduce((most, w) => Math.max(most, Math.abs(w)), 0);
  const sums = Array.from({ length: out }, (_, row) =>
    data.subarray(row * into, (row + 1) * into).reduce((sum, w) => sum + Math.abs(w), 0),
  );
  return (Math.max(...sums) + (into * largest) / 2 ** 12) / 2 ** 24;
}

/** The largest |slope| of a layer of splines. */
function steepest({ data }, { knots, density }) {
  const at = (i) => data[i] + reluAt(i % knots, { knots, density });
  const steps = Array.from(data, (_, i) => (i % knots === 0 ? 0 : Math.abs(at(i) - at(i - 1))));
  return (Math.max(...steps) / 2 ** 24) * 2 ** density;
}

/** What |f(x) - f(x')| is at most: `slope` |x - x'| + `rounding`, in the maximum norm, of a network
 *  of linear layers and splines: the product of all. An activation is rounded by at most 2^-9,
 *  which later layers stretch. */
export function bound(tensors, grid = GRID) {
  const layers = tensors.filter(({ name }) => /^(?!optimizer).*(weight|values)$/.test(name));
  return layers.reduce(
    ({ slope, rounding }, tensor) => {
      const by = isSpline({ path: tensor.name }) ? steepest(tensor, grid) : normOf(tensor);
      return { slope: slope * by, rounding: rounding * by + 2 ** -8 };
    },
    { slope: 1, rounding: 0 },
  );
}
