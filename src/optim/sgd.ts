// Stochastic gradient descent with momentum (Polyak 1964), decay decoupled:
//   m <- m + (g - m) / 2^k,  w <- w - rate (m + weightDecay w)
// m is a mean of gradients, so the rate is that of the usual form divided by 1 - momentum = 2^-k.

import { fields, real, whole } from '../core/check.ts';
import {
  MASTER_FRACTION,
  MOMENT_LIMIT,
  OPTIMIZER_FRACTION,
  RATE_FRACTION,
} from '../memory/formats.ts';
import { CHUNK_BYTES, eachGradient, factorOf, moveWeight, times } from './fixed.ts';
import type { Optimizer } from './optimizer.ts';

/** Of gradient descent. */
export interface SgdOptions {
  /** k: momentum is 1 - 2^-k, 0 (none) to 10 (3: 0.875). */
  momentumShift?: number | undefined;
  /** Decay of matrices and embeddings, 0 to 0.4 (0). */
  weightDecay?: number | undefined;
}

/** Gradient descent with momentum. Throws UsageError for an option out of range.
 *  @example
 *  const model = gpt({ vocabulary: 4, layers: 1, channels: 8, heads: 2, context: 4 });
 *  const optimizer = sgd({ momentumShift: 2 });
 *  const options = { model, batch: 1, steps: 30, learningRate: 0.5, optimizer };
 *  const trainer = Trainer.create(options);
 *  const batch = { inputs: Int32Array.of(0, 1, 2, 3), targets: Int32Array.of(1, 2, 3, 0) };
 *  while (trainer.steps < 30) trainer.step(batch);
 *  console.log(trainer.evaluate(batch).loss.toFixed(4)); // 0.0375
 */
export function sgd(given: SgdOptions = {}): Optimizer {
  const defaults = { momentumShift: 3, weightDecay: 0 };
  const { momentumShift, weightDecay } = fields('options', given, defaults);
  whole('momentumShift', momentumShift, 0, 10);
  real('weightDecay', weightDecay, 0, 0.4);
  const mean = 2 ** momentumShift;
  return {
    name: 'sgd',
    options: { momentumShift, weightDecay },
    slots: [{ name: 'm', low: -MOMENT_LIMIT }],
    scratchBytes: CHUNK_BYTES,
    update(run, part, { rate }) {
      const { int32 } = run;
      const weights = part.master / 4;
      const m = part.slots[0] / 4;
      const share = part.parameter.decays ? weightDecay : 0;
      const decay = factorOf(Math.floor(Number(rate) * share), RATE_FRACTION);
      const step = factorOf(
        Number(rate),
        RATE_FRACTION + OPTIMIZER_FRACTION - part.scale - MASTER_FRACTION,
      );
      let clamped = 0;
      eachGradient(run, part, (gradient, i) => {
        int32[m + i] += Math.floor((gradient - int32[m + i]) / mean + 0.5);
        const change = times(int32[m + i], step) + times(int32[weights + i], decay);
        clamped += moveWeight(run, weights + i, -change);
      });
      return clamped;
    },
  };
}
