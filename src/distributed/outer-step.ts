// The end of a round of local steps: the exact sum of what its shards changed becomes a step of the
// weights. Nesterov's momentum over rounds (DiLoCo: Douillard et al. 2023, arXiv 2311.08105,
// algorithm 1), in integers:
//   g = sum / K,  v <- mu v + g,  w <- w - (g + mu v)

import { isWeight, type StepReport, type Trainer } from '../index.ts';
import {
  LOSS_FRACTION,
  MASTER_FRACTION,
  MOMENT_LIMIT,
  RATE_FRACTION,
  WEIGHT_LIMIT,
} from '../memory/formats.ts';
import { type Rounds, VELOCITY } from '../optim/local-steps.ts';
import { predictionsOf } from './inside.ts';
import type { Gradients, PartSums } from './part.ts';
import { type BatchOf, copies, FINER } from './shard.ts';

/** mu v with mu = 3/4, rounded half up. Steps of g + mu v as they are learn better than the paper's
 *  0.9, and 0.7 of them, where rounds are few (docs/tried.md). */
const damped = (v: number): number => Math.floor((3 * v + 2) / 4);

/** A number within +-limit; `counts` what was not. */
function within(value: number, limit: number, counts: { saturated: number }): number {
  if (value >= -limit && value <= limit) return value;
  counts.saturated++;
  return Math.sign(value) * limit;
}

/** What an outer step does beside changing weights. */
interface Outer {
  saturated: number;
  /** Sum of the squares of g, in steps of 2^-24. */
  squares: number;
}

/** Changes the weights and the momentum of a tensor. `sum`: its part of the gradients' sum. */
function move(
  weights: Int32Array,
  velocity: Int32Array,
  sum: Gradients,
  shards: number,
  counts: Outer,
): void {
  const words = new Int32Array(sum.buffer, sum.byteOffset, sum.length * 2);
  const unit = shards * 2 ** FINER;
  for (let i = 0; i < weights.length; i++) {
    const total = words[2 * i + 1] * 2 ** 32 + (words[2 * i] >>> 0); // below 2^50
    const mean = Math.floor((total + unit / 2) / unit);
    velocity[i] = within(damped(velocity[i]) + mean, MOMENT_LIMIT, counts);
    weights[i] = within(weights[i] - mean - damped(velocity[i]), WEIGHT_LIMIT, counts);
    counts.squares += mean ** 2;
  }
}

/** Makes the outer step of a round. Between rounds what the optimizer keeps is zero but for the
 *  outer momentum, which has the fraction bits of weights. */
function outerStep<Batch>(trainer: Trainer<Batch>, sums: Gradients, rounds: Rounds): Outer {
  const counts: Outer = { saturated: 0, squares: 0 };
  const tensors = copies(trainer).map((tensor) => {
    if (isWeight(tensor)) return tensor;
    const isKept = tensor.name.startsWith(`optimizer.${VELOCITY}.`);
    const data = isKept ? tensor.data : new Int32Array(tensor.data.length);
    return { ...tensor, data, fraction: MASTER_FRACTION };
  });
  const found = new Map(tensors.map(({ name, data }) => [name, data]));
  let at = 0;
  for (const { name, data } of tensors) {
    const velocity = found.get(`optimizer.${VELOCITY}.${name}`);
    if (velocity === undefined) continue; // frozen, or no weight
    move(data, velocity, sums.subarray(at, at + data.length), rounds.shards, counts);
    at += data.length;
  }
  trainer.restore(tensors, trainer.steps + rounds.steps);
  return counts;
}

/** Makes the trainer's round by the sum of its shards' gradients. */
export function roundWith<Batch>(
  trainer: Trainer<Batch>,
  batchOf: BatchOf<Batch>,
  { gradients, loss, ...counts }: PartSums & { readonly gradients: Gradients },
  rounds: Rounds,
): StepReport {
  const { steps: from, options } = trainer;
  let predictions = 0;
  for (let i = 0; i < rounds.steps; i++) predictions += predictionsOf(trainer, batchOf(from + i));
  const { saturated, squares } = outerStep(trainer, gradients, rounds);
  trainer.totals.saturated += saturated;
  const rate = options.learningRate.rate(trainer.steps - 1, options.steps);
  return {
    step: trainer.steps,
    loss: loss / 2 ** LOSS_FRACTION / predictions,
    predictions,
    gradientNorm: Math.sqrt(squares) / 2 ** MASTER_FRACTION,
    learningRate: Number(rate) / 2 ** RATE_FRACTION,
    ...counts,
    saturated: counts.saturated + saturated,
    overflowed: 0,
    mismatchedElements: 0,
  };
}
