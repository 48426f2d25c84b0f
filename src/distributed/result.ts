// A part with its digest: as a worker hands it in, and as the coordinator computes it.

import type { Trainer } from '../index.ts';
import { roundsOf } from '../optim/local-steps.ts';
import { type Samples, split } from './board.ts';
import { computePart } from './compute.ts';
import type { Clock } from './courier.ts';
import type { Message } from './message.ts';
import { packNumbers } from './packing.ts';
import { decodeGradients, type GradientPart, layoutOf, partDigest, readSums } from './part.ts';
import { computeWith } from './round.ts';
import type { BatchOf } from './shard.ts';

/** A part and its digest. */
export interface Result {
  readonly part: GradientPart;
  readonly answer: string;
}

/** What a message says of samples of the trainer's next step. Whoever reads it may give the memory
 *  of its gradients back to the layout's pool. Throws DistributedError. */
export async function readResult<Batch>(
  trainer: Trainer<Batch>,
  { first, count }: Samples,
  { head, body }: Message,
): Promise<Result> {
  const sums = readSums({ ...head, step: trainer.steps, first, count });
  const digested = partDigest(sums, body); // on another thread
  const gradients = decodeGradients(body, layoutOf(trainer).rooms.take());
  return { part: { ...sums, gradients }, answer: await digested };
}

/** The samples as they are. Messages arrive between the local steps of a shard, in which the
 *  trainer has other weights than its own. Throws what `Trainer.step` throws. */
export async function computeResult<Batch>(
  trainer: Trainer<Batch>,
  batch: Batch | BatchOf<Batch>,
  { first, count }: Samples,
  clock: Clock,
): Promise<Result> {
  const range = { step: trainer.steps, first, count };
  const run = computeWith(trainer, batch, range, () => clock.sleep(0));
  const part = (await run) as GradientPart;
  return { part, answer: await partDigest(part, packNumbers(part.gradients)) };
}

/** What one machine alone throws where a part throws `error`: if several do, it meets another one
 *  first, perhaps. */
export function errorOf<Batch>(
  trainer: Trainer<Batch>,
  batch: Batch | BatchOf<Batch>,
  error: unknown,
): unknown {
  const { steps: step, options } = trainer;
  try {
    const parts = split(options.batch, roundsOf(options)?.shards ?? 1);
    for (const samples of parts) computePart(trainer, batch, { step, ...samples });
    return error;
  } catch (found) {
    return found;
  }
}
