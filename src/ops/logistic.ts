// Discretised logistic distributions in whole numbers: probabilities that are the same everywhere,
// as a coder needs them, and the gradient of their lengths. All of it is exact arithmetic on
// integers below 2^53, written out in docs/number-formats.md.
//
//   t       a distance in units of scale / log2 e (powers of two), 22 fraction bits
//   E(t)    2^-t in Q28: the polynomial of softmax, EXP2_Q30, with 22 bits of t; for 0 <= t < 1 at
//           least 2^27, then halved floor(t) times
//   F(d)    the logistic function of a distance in Q24: 2^24 - A for d >= 0, A for d < 0,
//           A = floor(E 2^24 / (2^28 + E)) of |d|: 0 .. 2^24, monotone

import { EXP2_Q30 } from '../kernels/reference/tables.ts';

/** Fraction bits of t, of E, and of F and all probabilities. */
const DISTANCE_BITS = 22;
const ONE_T = 2 ** DISTANCE_BITS;
const ONE_E = 2 ** 28;
/** Total of the frequencies of all bins. */
export const TOTAL = 2 ** 24;
/** Fraction bits of means and of the logarithms of scales. */
export const PRIOR_FRACTION = 16;
/** Bins of a distribution: those around its mean. */
export const BINS = 4096;
/** Largest |distance| that is told apart from others, raw with 16 fraction bits: 512. */
const MOST_DISTANCE = 2 ** 25;
/** Largest t: beyond it E is 0. */
const MOST_T = 40 * ONE_T;
/** What is added to the logarithm of a scale: a state within +-1 begins with scales of 0.29. */
export const SCALE_START = -1.25 * 2 ** PRIOR_FRACTION;
/** Range of that sum: scales of e^-7 (an eighth of a byte's step) to e^3. */
export const MIN_LOG_SCALE = -7 * 2 ** PRIOR_FRACTION;
export const MAX_LOG_SCALE = 3 * 2 ** PRIOR_FRACTION;
/** log2(e), 16 fraction bits. */
const LOG2E_Q16 = 94548;

/** 2^-(f / 2^22) in Q28: 0 <= f < 2^22; not less than that of the next octave, or F would not be
 *  monotone (without it 2 less). Products are below 2^52. */
function fraction2(f: number): number {
  let y = EXP2_Q30[5];
  for (let i = 4; i >= 0; i--) y = EXP2_Q30[i] - Math.floor((y * f) / ONE_T);
  return Math.max(ONE_E / 2, Math.floor(y / 4));
}

/** E(t) = 2^-t in Q28, t >= 0 of 22 fraction bits.
 *  @example
 *  console.log(exp2(0) / 2 ** 28, exp2(2 ** 22) / 2 ** 28); // 1 0.5
 */
export function exp2(t: number): number {
  if (t >= MOST_T) return 0;
  const whole = Math.floor(t / ONE_T);
  return Math.floor(fraction2(t - whole * ONE_T) / 2 ** whole);
}

/** log2(e) / scale, 16 fraction bits, of a clamped logarithm of the scale: 4,708 to 103,680,000.
 *  log2(e) e^-L = 2^y with y = L log2(e) below or above 0. */
export function inverseScale(logScale: number): number {
  const y = Math.floor((-logScale * LOG2E_Q16) / 2 ** 10); // 22 fraction bits
  const above = Math.ceil(y / ONE_T);
  const power = Math.floor(fraction2Up(above * ONE_T - y) * 2 ** (above - 8)); // Q20, below 2^32
  return Math.floor((power * LOG2E_Q16) / 2 ** 20);
}

/** fraction2 for 0 <= f <= 2^22. */
const fraction2Up = (f: number): number => (f === ONE_T ? ONE_E / 2 : fraction2(f));

/** t of a distance d (16 fraction bits) for an inverse scale. */
export const distance = (d: number, inverse: number): number =>
  Math.min(MOST_T, Math.floor((Math.min(Math.abs(d), MOST_DISTANCE) * inverse) / 2 ** 10));

/** A: the logistic function of -t, Q24, at most 2^23. */
export function tail(t: number): number {
  const e = exp2(t);
  return Math.floor((e * TOTAL) / (ONE_E + e));
}

/** F(d), Q24.
 *  @example
 *  console.log(logisticCdf(0, inverseScale(0)) / 2 ** 24); // 0.5
 */
export function logisticCdf(d: number, inverse: number): number {
  const a = tail(distance(d, inverse));
  return d < 0 ? a : TOTAL - a;
}

/** Where bin i begins among frequencies whose total is 2^24, at least 1 for each bin, of the
 *  cumulative probability (Q24) at its lower edge; i = 0 .. BINS. */
export const cumulative = (i: number, cdf: number): number => {
  if (i <= 0) return 0;
  return i >= BINS ? TOTAL : Math.floor((cdf * (TOTAL - BINS)) / TOTAL) + i;
};

/** 24 - log2(frequency): bits of a bin, 16 fraction bits, by squaring; 1 <= frequency <= 2^24.
 *  @example
 *  console.log(bitsOf(2 ** 23) / 2 ** 16); // 1
 */
export function bitsOf(frequency: number): number {
  let whole = 0;
  while (2 ** (whole + 1) <= frequency) whole++;
  let y = frequency * 2 ** (25 - whole); // 2^25 .. 2^26
  let log = whole * 2 ** 16;
  for (let bit = 2 ** 15; bit >= 1; bit /= 2) {
    y = Math.floor((y * y) / 2 ** 25);
    if (y < 2 ** 26) continue;
    y = Math.floor(y / 2);
    log += bit;
  }
  return 24 * 2 ** 16 - log;
}
