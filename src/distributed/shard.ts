// A shard's part of a round: it begins with the round's weights and nothing else, makes the local
// steps with its own samples, and gives what they changed as a gradient: weights before less those
// after. So a part of a round is a part like any other: exact, added up, digested and coded.

import { isWeight, type NamedTensor, type Trainer } from '../index.ts';
import {
  MASTER_FRACTION,
  OPTIMIZER_FRACTION,
  WEIGHT_GRADIENT_FRACTION,
  WEIGHT_LIMIT,
} from '../memory/formats.ts';
import { addNumbers, NOTHING, numbersOf, type Outcome } from '../train/job.ts';
import { shardStep } from './inside.ts';
import { type Gradients, type Layout, layoutOf, type PartRange } from './part.ts';

/** The batch of the step that comes after so many others. It may be made where the one before was.
 */
export type BatchOf<Batch> = (step: number) => Batch;

/** What makes batches, where only one may be given. */
export const batches = <Batch>(batch: Batch | BatchOf<Batch>): BatchOf<Batch> =>
  typeof batch === 'function' ? (batch as BatchOf<Batch>) : () => batch;

/** Fraction bits that a gradient has more than a weight. */
export const FINER = WEIGHT_GRADIENT_FRACTION - MASTER_FRACTION;
/** Largest magnitude of what a shard can change, as a gradient: from one end of a weight's range to
 *  the other. 65,536 of them (2^16) are below 2^50: their sum is exact in a double too. */
export const SHARD_LIMIT = BigInt(2 * WEIGHT_LIMIT) << BigInt(FINER);

/** Tensors as they are now. */
export const copies = <Batch>(trainer: Trainer<Batch>): NamedTensor[] =>
  trainer.tensors().map((tensor) => ({ ...tensor, data: tensor.data.slice() }));

/** The same weights, with nothing that an optimizer has kept. */
const anew = (tensors: readonly NamedTensor[]): NamedTensor[] =>
  tensors.map((tensor) =>
    isWeight(tensor)
      ? tensor
      : { ...tensor, data: new Int32Array(tensor.data.length), fraction: OPTIMIZER_FRACTION },
  );

/** What has changed since, as a gradient, written over `room`. In words of 32 bits: BigInts take
 *  thirty times as long. */
function changeOf(
  { names }: Layout,
  before: readonly NamedTensor[],
  now: readonly NamedTensor[],
  room: Gradients,
): Gradients {
  const words = new Int32Array(room.buffer);
  const trained = new Set(names);
  let at = 0;
  before.forEach(({ name, data }, i) => {
    if (!trained.has(name)) return;
    const after = now[i].data;
    for (let j = 0; j < data.length; j++, at += 2) {
      const change = data[j] - after[j];
      words[at] = change << FINER;
      words[at + 1] = change >> (32 - FINER);
    }
  });
  return room;
}

/** What a shard's local steps sum up to and change. */
export interface ShardResult {
  readonly sums: Outcome;
  readonly gradients: Gradients;
}

/** Computes a shard, one local step at a time; the trainer is as it was when it ends, however it
 *  does. Its gradients are written over `room`. */
export function* runShard<Batch>(
  trainer: Trainer<Batch>,
  batchOf: BatchOf<Batch>,
  { step, first, count }: PartRange,
  localSteps: number,
  room: Gradients,
): Generator<undefined, ShardResult> {
  const before = copies(trainer);
  const { steps, totals } = trainer;
  const counted = { ...totals };
  const sums: Outcome = { ...NOTHING };
  try {
    trainer.restore(anew(before), step);
    for (let at = step; at < step + localSteps; at++) {
      const done = shardStep(trainer, batchOf(at), first, first + count, at);
      addNumbers(sums, numbersOf(done));
      yield;
    }
    return { sums, gradients: changeOf(layoutOf(trainer), before, trainer.tensors(), room) };
  } finally {
    trainer.restore(before, steps);
    Object.assign(totals, counted);
  }
}
