// Gradients of activations: integers with one power-of-two exponent per tensor and sequence (value
// = raw * 2^exponent), taken from the exact maximum of that sequence, so nothing saturates in the
// usual range and no sample sees another.

import { OverflowError } from '../core/errors.ts';
import type { Kernels, Pointer } from '../kernels/kernels.ts';
import {
  MAX_ACTIVATION_FRACTION,
  MIN_FLUSH_SHIFT,
  OPERAND_MAX,
  WEIGHT_GRADIENT_FRACTION,
} from '../memory/formats.ts';
import type { Gradient } from '../memory/tensor.ts';

/** What gradients need of a run (run.ts). */
interface Device {
  readonly kernels: Kernels;
  readonly counts: { saturated: number };
  clear(at: Pointer, sizeBytes: number): void;
}

/** Largest |gradient| that is represented: 2^12 for one token (of the loss summed over tokens). It
 *  bounds every int64 sum: a weight gradient adds at most MAX_FLUSHES * 128 = 2^19 tokens of
 *  2^12 * 2^4 (activation) at 28 fraction bits, 2^63 in all. (2^8 was too little: the gradient of a
 *  token whose embedding is nearly constant passes through 1 / sigma of up to 316; tiny Shakespeare
 *  met one at step 700.) */
export const GRADIENT_LIMIT_BITS = 12;
/** Smallest exponent of an int16 gradient operand: the flush into a weight gradient shifts right by
 *  at most 16. Operands keep all their 13 bits for maxima from 2^-21 to 2^12. */
export const MIN_OPERAND_EXPONENT =
  MIN_FLUSH_SHIFT - WEIGHT_GRADIENT_FRACTION + MAX_ACTIVATION_FRACTION;

/** Exponent of a gradient that is all zeros: the smallest, so that it decides no other exponent and
 *  is never too large, whatever its buffer has held before. */
export const ZERO_EXPONENT = MIN_OPERAND_EXPONENT;

/** Makes n elements of a gradient zero.
 *  @example
 *  const run = new Run(createWasmBackend({ pages: 1 }));
 *  const { base } = run.backend;
 *  const gradient = { at: base, exponent: 0 };
 *  run.view(base, 2).set([3, -4]);
 *  clearGradient(run, gradient, 2);
 *  console.log(run.view(base, 2).join()); // 0,0
 */
export function clearGradient(d: Device, gradient: Gradient, n: number): void {
  d.clear(gradient.at, n * 4);
  gradient.exponent = ZERO_EXPONENT;
}

/** Smallest s >= 1 with halfUp(max, s) <= bound, that is max < (bound + 1/2) * 2^s. By doubling:
 *  with a power of two at every try it took 6 % of a small vision transformer's step. */
export function shiftToFit(max: number, bound: number): number {
  let shift = 1;
  for (let reach = 2 * bound + 1; reach <= max; reach *= 2) shift++;
  return shift;
}

/** How raw values up to `max` with `exponent` become an int16 within `bound`. The result's exponent
 *  is exponent + shift, but for values below half a step of the smallest exponent, which become
 *  zeros. */
export function fitShift(max: number, exponent: number, bound: number): number {
  if (max === 0) return 1;
  // beyond it the kernel saturates: counted
  const most = GRADIENT_LIMIT_BITS - bits(bound) - exponent;
  const least = MIN_OPERAND_EXPONENT - exponent;
  const shift = Math.min(31, most, Math.max(least, shiftToFit(max, bound)));
  if (shift < 1) throw gradientTooLarge();
  return shift;
}

/** The exponent of what fitShift's shift gives. */
export const fitExponent = (shift: number, exponent: number, bound: number): number =>
  Math.min(GRADIENT_LIMIT_BITS - bits(bound), Math.max(MIN_OPERAND_EXPONENT, exponent + shift));

export const gradientTooLarge = (): OverflowError =>
  new OverflowError(
    `a gradient is larger than 2^${GRADIENT_LIMIT_BITS} or its rows are, ` +
      'beyond which sums are not exact',
    'lower the learning rate or lengthen the warm-up',
  );

/** Rounds an int32 gradient of n elements to int16 within `bound` at `to`, whose exponent is
 *  written; counts saturations.
 *  @example
 *  const run = new Run(createWasmBackend({ pages: 1 }));
 *  const { base } = run.backend;
 *  run.view(base, 2).set([2 ** 20, -(2 ** 19)]);
 *  const operand = { at: base + 64, exponent: 0 };
 *  toOperand(run, { at: base, exponent: -20 }, operand, 2);
 *  const raw = run.int16.subarray(operand.at / 2, operand.at / 2 + 2);
 *  console.log(Array.from(raw, (value) => value * 2 ** operand.exponent)); // [ 1, -0.5 ]
 */
export function toOperand(
  d: Device,
  from: Gradient,
  to: Gradient,
  n: number,
  bound = OPERAND_MAX,
): void {
  const max = d.kernels.max_abs_i32(from.at, n, 1, n);
  const shift = fitShift(max, from.exponent, bound);
  to.exponent = fitExponent(shift, from.exponent, bound);
  d.counts.saturated += d.kernels.requantize_i32i16(from.at, n, to.at, n, 1, n, shift, bound, 0);
}

/** Binary digits of a whole number >= 0. */
export function bits(value: number): number {
  let n = 0;
  for (let power = 1; power <= value; power *= 2) n++;
  return n;
}
