// Computes a part, of a step or of a round.

import { callback } from '../core/check.ts';
import type { Trainer } from '../index.ts';
import { roundsOf } from '../optim/local-steps.ts';
import { trainerOf } from '../receipt/trainer.ts';
import { sumGradients } from './inside.ts';
import { checkRange, type GradientPart, type Gradients, layoutOf, type PartRange } from './part.ts';
import { type BatchOf, batches, runShard, type ShardResult } from './shard.ts';

/** The gradients of some samples of a step's batch, written over `gradients`. */
function runPart<Batch>(
  trainer: Trainer<Batch>,
  batch: Batch,
  { step, first, count }: PartRange,
  gradients: Gradients,
): ShardResult {
  const { totals } = trainer;
  const before = { ...totals }; // of steps alone
  const sums = sumGradients(trainer, batch, first, first + count, step);
  Object.assign(totals, before);
  let at = 0;
  for (const name of layoutOf(trainer).names) {
    const gradient = trainer.gradient(name);
    gradients.set(gradient, at);
    at += gradient.length;
  }
  return { sums, gradients };
}

/** A part, with a moment for others after each local step. `room`: where its gradients will be. */
export function* partly<Batch>(
  trainer: Trainer<Batch>,
  batch: Batch | BatchOf<Batch>,
  range: PartRange,
  room?: Gradients,
): Generator<undefined, GradientPart> {
  const { options } = trainerOf(trainer);
  const { step, first, count } = checkRange(range, options);
  const rounds = roundsOf(options);
  if (rounds !== undefined) callback('batch', batch);
  const batchOf = batches(batch);
  const own = room ?? new BigInt64Array(layoutOf(trainer).size);
  const { sums, gradients } =
    rounds === undefined
      ? runPart(trainer, batchOf(step), { step, first, count }, own)
      : yield* runShard(trainer, batchOf, { step, first, count }, rounds.steps, own);
  const { loss, correct, saturated, checkedStates } = sums;
  return { step, first, count, loss, correct, saturated, checkedStates, gradients };
}

/** Runs to the end at once. */
export function atOnce<T>(run: Generator<undefined, T>): T {
  for (;;) {
    const { done, value } = run.next();
    if (done) return value;
  }
}

/** Computes a part of a step at the trainer's present weights, which it does not change: gradients
 *  of samples `first` to `first + count - 1` of the batch, as the step has them that comes after
 *  `step` others. Of a run with `localSteps` the part is a shard of the round that begins there:
 *  what its local steps change, before less after. `batch`: of the step, or what makes the batch of
 *  the step that comes after so many others, which a round needs. Throws UsageError for samples
 *  that the batch does not have or that are no shard, and what `Trainer.step` throws.
 *  @example
 *  const model = gpt({ vocabulary: 4, layers: 2, channels: 8, heads: 2, context: 4 });
 *  const trainer = Trainer.create({ model, batch: 2, steps: 10 });
 *  const inputs = Int32Array.of(0, 1, 2, 3, 1, 2, 3, 0);
 *  const targets = Int32Array.of(1, 2, 3, 0, 2, 3, 0, 1);
 *  const part = computePart(trainer, { inputs, targets }, { step: 0, first: 1, count: 1 });
 *  console.log(part.gradients.length === trainer.parameters, trainer.steps); // true 0
 */
export const computePart = <Batch>(
  trainer: Trainer<Batch>,
  batch: Batch | BatchOf<Batch>,
  range: PartRange,
): GradientPart => atOnce(partly(trainer, batch, range));
