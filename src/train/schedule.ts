// The learning rate of a step, in integers: linear warm-up, then a half cosine down to a tenth (or constant), and Adam's bias
// corrections. Everything is BigInt arithmetic on fixed point, since Math.cos and ** have no specified last bit.

import { RATE_FRACTION } from '../tensor/formats.ts';
import type { CheckedOptions } from './options.ts';

const Q = 60n, ONE = 1n << Q;
/** floor(pi * 2^60). */
const PI = 3622009729038561421n;

/** cos(x) for 0 <= x <= pi, both with 60 fraction bits: Taylor series, error below 2^-55 (tested). */
export function cosine(x: bigint): bigint {
  const square = (x * x) >> Q;
  let term = ONE, sum = ONE;
  for (let n = 1n; term !== 0n; n += 2n) {
    term = -((term * square) >> Q) / (n * (n + 1n));
    sum += term;
  }
  return sum;
}

/** floor(sqrt(n)). */
export function squareRoot(n: bigint): bigint {
  if (n < 2n) return n;
  let x = 1n << BigInt((n.toString(2).length + 1) >> 1);
  for (;;) {
    const next = (x + n / x) >> 1n;
    if (next >= x) return x;
    x = next;
  }
}

/** 1 - (1 - 2^-shift)^steps, 60 fraction bits. */
function biasCorrection(shift: number, steps: number): bigint {
  let power = ONE, base = ONE - (ONE >> BigInt(shift));
  for (let n = steps; n > 0; n = Math.floor(n / 2)) {
    if (n % 2 === 1) power = (power * base) >> Q;
    base = (base * base) >> Q;
  }
  return ONE - power;
}

/** The learning rate of 0-based `step`, RATE_FRACTION fraction bits. */
export function learningRate(options: CheckedOptions<unknown>, step: number): bigint {
  const peak = BigInt(Math.round(options.learningRate * 2 ** RATE_FRACTION)), warmup = BigInt(options.warmup), t = BigInt(step);
  if (t < warmup) return (peak * (t + 1n)) / warmup;
  if (options.decay === 'constant') return peak;
  const length = BigInt(Math.max(1, options.steps - options.warmup)), at = t - warmup < length ? t - warmup : length;
  const share = ONE / 10n + (9n * (ONE + cosine((PI * at) / length))) / 20n; // 0.1 + 0.45 (1 + cos)
  return (peak * share) >> Q;
}

/** The rate with the bias corrections of Adam folded in: rate * sqrt(1 - beta2^t) / (1 - beta1^t), t = step + 1. */
export function correctedRate(rate: bigint, step: number, k1: number, k2: number): bigint {
  const second = squareRoot(biasCorrection(k2, step + 1) << Q);
  return (rate * second) / biasCorrection(k1, step + 1);
}

/** sqrt(1 - beta2^t) with 60 fraction bits, for epsilon. */
export const secondCorrection = (step: number, k2: number): bigint => squareRoot(biasCorrection(k2, step + 1) << Q);
export const CORRECTION_FRACTION = Q;
