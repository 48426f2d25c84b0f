// A round of local steps on this machine alone: the bits that any number of workers give.

import { callback } from '../core/check.ts';
import { UsageError } from '../core/errors.ts';
import type { StepReport, Trainer } from '../index.ts';
import { roundsOf } from '../optim/local-steps.ts';
import { trainerOf } from '../receipt/trainer.ts';
import { split } from './board.ts';
import { partly } from './compute.ts';
import type { GradientPart, Gradients, PartRange } from './part.ts';
import { PartSum } from './part-sum.ts';
import type { BatchOf } from './shard.ts';

/** Computes a part with a pause after each local step; undefined if one of them said to stop.
 *  `room`: where its gradients will be. */
export async function computeWith<Batch>(
  trainer: Trainer<Batch>,
  batch: Batch | BatchOf<Batch>,
  range: PartRange,
  pause: () => unknown,
  room?: Gradients,
): Promise<GradientPart | undefined> {
  const run = partly(trainer, batch, range, room);
  try {
    for (;;) {
      const { done, value } = run.next();
      if (done) return value;
      if ((await pause()) === false) return undefined;
    }
  } finally {
    run.return(undefined as never); // the trainer is as it was
  }
}

/** Makes the next round of a run with `localSteps`, shard by shard. `batchOf` makes the batch of
 *  the step that comes after so many others. `pause` is called after each local step, and waited
 *  for; the trainer must not be used meanwhile. If it returns false the round is given up, and
 *  nothing has changed. Resolves to the report of the round, undefined if it was given up. Throws
 *  UsageError if the run has no rounds, and what `Trainer.step` throws; nothing has changed then.
 *  @example
 *  const model = gpt({ vocabulary: 4, layers: 2, channels: 8, heads: 2, context: 4 });
 *  const optimizer = localSteps({ shards: 2, steps: 5 });
 *  const trainer = Trainer.create({ model, batch: 2, steps: 10, optimizer });
 *  const inputs = Int32Array.of(0, 1, 2, 3, 1, 2, 3, 0);
 *  const batch = { inputs, targets: Int32Array.of(1, 2, 3, 0, 2, 3, 0, 1) };
 *  const { step, predictions } = await makeRound(trainer, () => batch);
 *  console.log(step, predictions); // 5 40
 */
export async function makeRound<Batch>(
  trainer: Trainer<Batch>,
  batchOf: BatchOf<Batch>,
  pause: () => unknown = () => undefined,
): Promise<StepReport | undefined> {
  const { options, steps: step } = trainerOf(trainer);
  const rounds = roundsOf(options);
  if (rounds === undefined)
    throw new UsageError('the run has no rounds', 'its optimizer has to be localSteps({ ... })');
  callback('pause', pause);
  const sum = new PartSum(trainer, batchOf);
  for (const samples of split(options.batch, rounds.shards)) {
    const part = await computeWith(trainer, batchOf, { step, ...samples }, pause);
    if (part === undefined) return undefined;
    sum.add(part);
  }
  return sum.update();
}
