// How well outputs of networks name digits, and whether one network does better than another.

import { digitOf } from './network.mjs';

const mean = (values) => values.reduce((a, b) => a + b, 0) / values.length;

/** How far outputs name a digit: of k that are largest together, each 1 / k. */
function votes(outputs, digit) {
  const most = Math.max(...outputs);
  return outputs[digit] < most ? 0 : 1 / outputs.filter((value) => value === most).length;
}

/** How far each image is recognised. */
export const recognised = (images, outputs) =>
  images.map(({ label }, i) => votes(outputs[i], label));

/** The share of images that is recognised, and that is seen as float64 sees it; the distance of the
 *  outputs to those of float64, by their length. */
export function judge(images, wanted, found) {
  const square = (values) => values.reduce((sum, value) => sum + value ** 2, 0);
  const errors = found.map((all, i) => square(all.map((value, j) => value - wanted[i][j])));
  return {
    accuracy: mean(recognised(images, found)),
    agreement: mean(found.map((all, i) => votes(all, digitOf(wanted[i])))),
    distance: Math.sqrt(mean(errors) / mean(wanted.map(square))),
  };
}

/** Images that one way recognises and the other one does not, or less. */
export function compare(images, [one, other]) {
  const [a, b] = [one, other].map((outputs) => recognised(images, outputs));
  const ahead = a.filter((votes, i) => votes > b[i]).length;
  return { ahead, behind: a.filter((votes, i) => votes < b[i]).length };
}

/** The probability of a split as uneven as this one or more, by a fair coin (sign test). */
export function signTest({ ahead, behind }) {
  const n = ahead + behind;
  let [term, sum] = [2 ** -n, 0];
  for (let k = 0; k <= Math.min(ahead, behind); k++) {
    sum += term;
    term *= (n - k) / (k + 1);
  }
  return Math.min(1, 2 * sum);
}
