// Gradients of activations: integers with one power-of-two exponent per tensor and sequence (value = raw * 2^exponent), taken
// from the exact maximum of that sequence, so nothing saturates in the usual range and no sample sees another.

import { OverflowError } from '../errors.ts';
import type { Device } from '../kernels/device.ts';
import type { Pointer } from '../kernels/kernels.ts';
import { MAX_ACTIVATION_FRACTION, MIN_FLUSH_SHIFT, STREAM_GRADIENT_BITS, WEIGHT_GRADIENT_FRACTION } from '../tensor/formats.ts';

/** A tensor of one sequence with its own scale: value = raw * 2^exponent. */
export interface Scaled {
  at: Pointer;
  exponent: number;
}

/** Largest |gradient| that is represented: 2^12 for one token (of the loss summed over tokens). It bounds every int64 sum: a weight
 *  gradient adds at most MAX_FLUSHES * 128 = 2^19 tokens of 2^12 * 2^4 (activation) at 28 fraction bits, 2^63 in all. (2^8 was too little: the gradient of a token whose
 *  embedding is nearly constant passes through 1 / sigma of up to 316; tiny Shakespeare met one at step 700.) */
export const GRADIENT_LIMIT_BITS = 12;
/** Smallest exponent of an int16 gradient operand: the flush into a weight gradient shifts right by at most 16. Operands keep
 *  all their 13 bits for maxima from 2^-21 to 2^12. */
export const MIN_OPERAND_EXPONENT = MIN_FLUSH_SHIFT - WEIGHT_GRADIENT_FRACTION + MAX_ACTIVATION_FRACTION;

/** Exponent of a gradient that is all zeros: the smallest, so that it decides no other exponent and
 *  is never too large, whatever its buffer has held before. */
const ZERO_EXPONENT = MIN_OPERAND_EXPONENT;

/** Makes n elements of a gradient zero. */
export function clearGradient(d: Device, gradient: Scaled, n: number): Scaled {
  d.clear(gradient.at, n * 4);
  gradient.exponent = ZERO_EXPONENT;
  return gradient;
}

/** Smallest s >= 1 with halfUp(max, s) <= bound. */
export function shiftToFit(max: number, bound: number): number {
  let shift = 1;
  while (Math.floor((max + 2 ** (shift - 1)) / 2 ** shift) > bound) shift++;
  return shift;
}

/** How raw values up to `max` with `exponent` become an int16 within `bound`: the shift, and the new exponent, kept in range. */
export function fitOperand(max: number, exponent: number, bound: number): { shift: number; exponent: number } {
  const highest = GRADIENT_LIMIT_BITS - bits(bound);
  if (max === 0) return { shift: 1, exponent: Math.min(highest, Math.max(MIN_OPERAND_EXPONENT, exponent + 1)) };
  const shift = Math.max(shiftToFit(max, bound), MIN_OPERAND_EXPONENT - exponent);
  if (shift > 31) return { shift: 31, exponent: MIN_OPERAND_EXPONENT }; // below half a step of the smallest exponent: zeros
  if (exponent + shift <= highest) return { shift, exponent: exponent + shift };
  if (highest - exponent < 1) throw gradientTooLarge();
  return { shift: highest - exponent, exponent: highest }; // saturates: the kernel counts
}

export const gradientTooLarge = (): OverflowError =>
  new OverflowError(`a gradient is larger than 2^${GRADIENT_LIMIT_BITS}, beyond which sums are not exact`, 'lower the learning rate or lengthen the warm-up');

/** Rounds an int32 gradient (rows x columns, contiguous) to int16 within `bound`; returns the new exponent and counts saturations. */
export function toOperand(d: Device, from: Scaled, to: Pointer, rows: number, columns: number, bound: number): number {
  const { shift, exponent } = fitOperand(d.kernels.max_abs_i32(from.at, columns, rows, columns), from.exponent, bound);
  d.counts.saturated += d.kernels.requantize_i32i16(from.at, columns, to, columns, rows, columns, shift, bound, 0);
  return exponent;
}

/** Binary digits of a whole number >= 0. */
export function bits(value: number): number {
  let n = 0;
  for (let power = 1; power <= value; power *= 2) n++;
  return n;
}

/** out = aFactor a + bFactor b + c, each with its own exponent, rounded to a common one such that
 *  |out| <= 2^26. Returns it. b and c may be absent. n elements, int32; out may be any of them. */
export function combine(
  d: Device, a: Scaled, aFactor: number, b: Scaled | undefined, bFactor: number,
  c: Scaled | undefined, out: Pointer, n: number,
): number {
  const terms = [top(d, a, aFactor, n), top(d, b, bFactor, n), top(d, c, 1, n)];
  const carries = (b === undefined ? 0 : 1) + (c === undefined ? 0 : 1);
  const highest = Math.max(...terms), isZero = highest === -Infinity;
  const exponent = isZero ? ZERO_EXPONENT : highest + carries - STREAM_GRADIENT_BITS;
  const shift = (t: Scaled | undefined): number =>
    (t === undefined ? 0 : Math.max(-31, Math.min(31, exponent - t.exponent)));
  d.kernels.combine_i32(
    a.at, aFactor, shift(a), b?.at ?? 0, bFactor, shift(b), c?.at ?? 0, shift(c), out, n,
  );
  return exponent;
}

/** The exponent of a power of two above every |factor t|. Products that combine_i32 could not form,
 *  which only the first gradient of a stack has, as a head's layer norm gives it, are made to fit:
 *  t loses low bits, in place. */
function top(d: Device, t: Scaled | undefined, factor: number, n: number): number {
  if (t === undefined) return -Infinity;
  const max = d.kernels.max_abs_i32(t.at, n, 1, n) * Math.abs(factor), digits = bits(max);
  if (digits < 32) return max === 0 ? -Infinity : digits + t.exponent;
  d.kernels.combine_i32(t.at, 1, digits - 30, 0, 0, 0, 0, 0, t.at, n);
  t.exponent += digits - 30;
  return top(d, t, factor, n);
}
