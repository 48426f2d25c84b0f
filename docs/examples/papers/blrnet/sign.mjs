// The sign of a normal number of mean z and deviation 1, and its softer relatives: its mean
// 2 Phi(z) - 1, as a table of whole numbers.

/** Steps of z in 1, and where the table ends: at 4 the mean is within half a step of 1. */
export const STEPS = 2 ** 11;
const END = 4 * STEPS;

/** 2 phi(z), the slope of the mean, by products and sums alone: the same on every machine. */
function slopeAt(z) {
  let sum = 0;
  let term = Math.sqrt(2 / Math.PI);
  for (let k = 1; k < 60; k++) {
    sum += term;
    term *= (z * z) / (-2 * k);
  }
  return sum;
}

/** Of z in 0..4 in steps of 2^-11: means, 11 fraction bits, and slopes, 14 fraction bits, the last
 *  one 0. */
function tables() {
  const slopes = Int32Array.from({ length: END + 1 }, (_, i) =>
    i < END ? Math.round(slopeAt(i / STEPS) * 2 ** 14) : 0,
  );
  const means = new Int32Array(END + 1).fill(STEPS);
  let sum = 0;
  for (let i = 0; i < END; i++) {
    means[i] = Math.round(sum);
    sum += slopeAt((i + 0.5) / STEPS);
  }
  return { means, slopes };
}

export const normalSign = tables();
