// Lion (Chen et al., "Symbolic Discovery of Optimization Algorithms", NeurIPS 2023), decay
// decoupled:
//   c = m + (g - m) / 2^3,  w <- w - rate (sign(c) + weightDecay w),  m <- m + (g - m) / 2^7
// so beta1 = 0.875 and beta2 = 0.9922 (the paper: 0.9 and 0.99). Every weight moves by the rate, so
// the rate is 3 to 10 times smaller than adamw's.

import { fields, real } from '../core/check.ts';
import { MASTER_FRACTION, MOMENT_LIMIT, RATE_FRACTION } from '../memory/formats.ts';
import { CHUNK_BYTES, eachGradient, factorOf, moveWeight, times } from './fixed.ts';
import type { Optimizer } from './optimizer.ts';

const BETA1 = 2 ** 3;
const BETA2 = 2 ** 7;

/** Of Lion. */
export interface LionOptions {
  /** Decay of matrices and embeddings, 0 to 0.4 (0.3: 3 to 10 times adamw's). */
  weightDecay?: number | undefined;
}

/** Lion: every weight moves by the learning rate, which is 3 to 10 times smaller than of adamw.
 *  Throws UsageError for a decay out of range.
 *  @example
 *  const model = gpt({ vocabulary: 4, layers: 1, channels: 8, heads: 2, context: 4 });
 *  const optimizer = lion({ weightDecay: 0 });
 *  const options = { model, batch: 1, steps: 30, learningRate: 0.005, optimizer };
 *  const trainer = Trainer.create(options);
 *  const batch = { inputs: Int32Array.of(0, 1, 2, 3), targets: Int32Array.of(1, 2, 3, 0) };
 *  while (trainer.steps < 30) trainer.step(batch);
 *  console.log(trainer.evaluate(batch).loss.toFixed(4)); // 0.8725
 */
export function lion(given: LionOptions = {}): Optimizer {
  const { weightDecay } = fields('options', given, { weightDecay: 0.3 });
  real('weightDecay', weightDecay, 0, 0.4);
  return {
    name: 'lion',
    options: { weightDecay },
    slots: [{ name: 'm', low: -MOMENT_LIMIT }],
    scratchBytes: CHUNK_BYTES,
    update(run, part, { rate }) {
      const { int32 } = run;
      const weights = part.master / 4;
      const m = part.slots[0] / 4;
      const share = part.parameter.decays ? weightDecay : 0;
      const decay = factorOf(Math.floor(Number(rate) * share), RATE_FRACTION);
      const step = Math.floor(Number(rate) / 2 ** (RATE_FRACTION - MASTER_FRACTION) + 0.5);
      let clamped = 0;
      eachGradient(run, part, (gradient, i) => {
        const change = gradient - int32[m + i];
        const sign = Math.sign(BETA1 * int32[m + i] + change);
        int32[m + i] += Math.floor(change / BETA2 + 0.5);
        clamped += moveWeight(run, weights + i, -sign * step - times(int32[weights + i], decay));
      });
      return clamped;
    },
  };
}
