// AdamW (Loshchilov, Hutter, ICLR 2019): Adam (Kingma, Ba, ICLR 2015) with decoupled weight decay.
// beta = 1 - 2^-k. Kept of every parameter: m, and r = sqrt(v).

import { fields, real } from '../core/check.ts';
import {
  MOMENT_LIMIT,
  OPTIMIZER_FRACTION,
  RATE_FRACTION,
  WEIGHT_LIMIT,
} from '../memory/formats.ts';
import type { Optimizer } from './optimizer.ts';
import { squareRoot } from './schedule.ts';

/** beta1 = 1 - 2^-3 = 0.875, beta2 = 1 - 2^-7 = 0.9922: measured a little better than 0.9 and 0.99
 *  (docs/decisions.md). */
export const BETA1_SHIFT = 3;
export const BETA2_SHIFT = 7;
/** Fraction bits of a bias correction. */
const Q = 60n;
const ONE = 1n << Q;
/** Epsilon on the gradient of the mean loss, 1e-8 in steps of 2^-50; and how many bits it has too
 *  many, with its correction. */
const EPSILON = BigInt(Math.round(1e-8 * 2 ** (OPTIMIZER_FRACTION + 20)));
const EPSILON_FRACTION = Q + 20n;

/** 1 - (1 - 2^-shift)^steps, 60 fraction bits. */
export function biasCorrection(shift: number, steps: number): bigint {
  let power = ONE;
  let base = ONE - (ONE >> BigInt(shift));
  for (let n = steps; n > 0; n = Math.floor(n / 2)) {
    if (n % 2 === 1) power = (power * base) >> Q;
    base = (base * base) >> Q;
  }
  return ONE - power;
}

/** sqrt(1 - beta2^t), 60 fraction bits, t = step + 1. */
const secondCorrection = (step: number): bigint =>
  squareRoot(biasCorrection(BETA2_SHIFT, step + 1) << Q);

/** The rate with the bias corrections folded in: rate * sqrt(1 - beta2^t) / (1 - beta1^t). */
export const correctedRate = (rate: bigint, step: number): bigint =>
  (rate * secondCorrection(step)) / biasCorrection(BETA1_SHIFT, step + 1);

/** Of AdamW. */
export interface AdamWOptions {
  /** Decay of matrices and embeddings, 0 to 0.4 (0.1). */
  weightDecay?: number | undefined;
}

/** AdamW, beta1 = 0.875 and beta2 = 0.9922. Throws UsageError for a decay out of range.
 *  @example
 *  const model = gpt({ vocabulary: 4, layers: 1, channels: 8, heads: 2, context: 4 });
 *  const optimizer = adamw({ weightDecay: 0 });
 *  const options = { model, batch: 1, steps: 30, learningRate: 0.02, optimizer };
 *  const trainer = Trainer.create(options);
 *  const batch = { inputs: Int32Array.of(0, 1, 2, 3), targets: Int32Array.of(1, 2, 3, 0) };
 *  while (trainer.steps < 30) trainer.step(batch);
 *  console.log(trainer.evaluate(batch).loss.toFixed(4)); // 0.1299
 */
export function adamw(given: AdamWOptions = {}): Optimizer {
  const { weightDecay } = fields('options', given, { weightDecay: 0.1 });
  real('weightDecay', weightDecay, 0, 0.4);
  const decayQ32 = BigInt(Math.round(weightDecay * 2 ** RATE_FRACTION));
  return {
    name: 'adamw',
    options: { weightDecay },
    slots: [
      { name: 'm', low: -MOMENT_LIMIT },
      { name: 'r', low: 0 },
    ],
    scratchBytes: 512,
    update(run, part, { step, rate }) {
      const { master, gradient, n, shift, factor, factorShift, scratch, scale } = part;
      const corrected = Number(correctedRate(rate, step));
      const decay = part.parameter.decays ? Number((rate * decayQ32) >> BigInt(RATE_FRACTION)) : 0;
      const epsilonBits = EPSILON_FRACTION + BigInt(scale);
      const epsilon = Math.max(1, Number((EPSILON * secondCorrection(step)) >> epsilonBits));
      return run.kernels.adamw_i64(
        master,
        gradient,
        part.slots[0],
        part.slots[1],
        n,
        shift,
        factor,
        factorShift,
        BETA1_SHIFT,
        BETA2_SHIFT,
        corrected,
        epsilon,
        decay,
        WEIGHT_LIMIT,
        scratch,
      );
    },
  };
}
