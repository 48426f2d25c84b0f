// The engine's ranges, and powers of two that bring values within them.

/** Values may be this much larger than measured: a channel's largest value of a hundred tokens is
 *  about 2.8 of its deviations. More headroom takes bits from a matrix that reads wide channels. */
export const HEADROOM = 2;
/** Ranges: of int16 activations (13 bits, 8 of them fraction), of branches, of states. */
export const ACTIVATION = 4095 / 256;
export const BRANCH = 1024;
export const STATE = 2 ** 14;
/** Largest |raw| of a 13-bit operand, and of the sums of a row or a column of a matrix of them. */
export const OPERAND = 4095;
export const OPERAND_SUM = 524416;

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
