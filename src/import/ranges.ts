// The engine's ranges, and powers of two that bring values within them.

/** Values may be this much larger than measured: a channel's largest value of a hundred tokens is
 *  about 2.5 of its deviations, and no text has one beyond 7. */
export const HEADROOM = 3;
/** Ranges: of int16 activations (13 bits, 8 of them fraction), of branches, of states. */
export const ACTIVATION = 4095 / 256;
export const BRANCH = 1024;
export const STATE = 2 ** 14;

/** The whole number n with 2^n <= value < 2^(n + 1). */
export function floorLog2(value: number): number {
  let n = 0;
  for (; 2 ** n > value; n--);
  for (; 2 ** (n + 1) <= value; n++);
  return n;
}

/** The least power of two, 0 or more, by which `value`, with headroom, is within `limit`. */
export function toFit(value: number, limit: number): number {
  let power = 0;
  while (value * HEADROOM > limit * 2 ** power) power++;
  return power;
}

/** That of each of many activations. */
export const fits = (values: Float64Array): Int8Array =>
  Int8Array.from(values, (value) => toFit(value, ACTIVATION));

/** Most bits that the columns of a matrix may differ by for the sake of a layer norm's channels:
 *  more would be taken from the other columns. */
const MOST_APART = 2;

/** That of each channel of a layer norm. All have what the widest needs, but for two bits. */
export function fitsOfNorm(values: Float64Array): Int8Array {
  const each = fits(values);
  const least = each.reduce((most, power) => Math.max(most, power), 0) - MOST_APART;
  return each.map((power) => Math.max(power, least));
}
