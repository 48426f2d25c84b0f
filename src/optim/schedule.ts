// The learning rate of a step, in integers. Everything is BigInt arithmetic on fixed point, since
// Math.cos and ** have no specified last bit.

import { fields, real, whole } from '../core/check.ts';
import { RATE_FRACTION } from '../memory/formats.ts';

const Q = 60n;
const ONE = 1n << Q;
/** floor(pi * 2^60). */
const PI = 3622009729038561421n;

/** cos(x) for 0 <= x <= pi, both with 60 fraction bits: Taylor series, error below 2^-55 (tested).
 */
export function cosineQ60(x: bigint): bigint {
  const square = (x * x) >> Q;
  let term = ONE;
  let sum = ONE;
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

/** A learning rate for every step. */
export interface Schedule {
  /** Its name in checkpoints. */
  readonly name: string;
  /** What a checkpoint keeps of it beside the name: data, and choices as other schedules. */
  readonly options: Readonly<Record<string, unknown>>;
  /** The rate of 0-based `step` of a run of `steps`, RATE_FRACTION fraction bits. */
  rate(step: number, steps: number): bigint;
}

/** Of a schedule. */
export interface ScheduleOptions {
  /** Steps of linear warm-up (100, at most the run's). */
  warmup?: number | undefined;
}

/** The rate while it warms up; undefined after. */
function warming(peak: bigint, warmup: number, step: number): bigint | undefined {
  if (step >= warmup) return undefined;
  return (peak * BigInt(step + 1)) / BigInt(warmup);
}

const peakQ32 = (peak: number): bigint =>
  BigInt(Math.round(real('learningRate', peak, 2 ** -20, 1 - 2 ** -20) * 2 ** RATE_FRACTION));

const warmupOf = (options: ScheduleOptions): number =>
  whole('warmup', fields('options', options, { warmup: 100 }).warmup, 0, 2 ** 31 - 1);

/** Linear warm-up to `peak`, then a half cosine down to a tenth of it at the run's end. Throws
 *  UsageError for a peak that is not between 0 and 1.
 *  @example
 *  const { rate } = cosine(0.5, { warmup: 2 });
 *  const real = (step) => (Number(rate(step, 10)) / 2 ** 32).toFixed(3);
 *  console.log([0, 1, 2, 9].map(real).join()); // 0.250,0.500,0.500,0.067
 */
export function cosine(peak: number, options: ScheduleOptions = {}): Schedule {
  const most = peakQ32(peak);
  const warmup = warmupOf(options);
  return {
    name: 'cosine',
    options: { peak, warmup },
    rate(step, steps) {
      const ramp = Math.min(warmup, steps);
      const rising = warming(most, ramp, step);
      if (rising !== undefined) return rising;
      const length = BigInt(Math.max(1, steps - ramp));
      const t = BigInt(step - ramp);
      const at = t < length ? t : length;
      // 0.1 + 0.45 (1 + cos)
      const share = ONE / 10n + (9n * (ONE + cosineQ60((PI * at) / length))) / 20n;
      return (most * share) >> Q;
    },
  };
}

/** Linear warm-up to `peak`, which then stays. Throws UsageError for a peak that is not between 0
 *  and 1.
 *  @example
 *  const { rate } = constant(0.5, { warmup: 2 });
 *  const real = (step) => (Number(rate(step, 10)) / 2 ** 32).toFixed(3);
 *  console.log([0, 1, 2, 9].map(real).join()); // 0.250,0.500,0.500,0.500
 */
export function constant(peak: number, options: ScheduleOptions = {}): Schedule {
  const most = peakQ32(peak);
  const warmup = warmupOf(options);
  return {
    name: 'constant',
    options: { peak, warmup },
    rate: (step, steps) => warming(most, Math.min(warmup, steps), step) ?? most,
  };
}
