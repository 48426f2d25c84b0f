// A part with its digest: as a worker hands it in, and as the coordinator computes it.

import type { Trainer } from '../index.ts';
import { roundsOf } from '../optim/local-steps.ts';
import { type Samples, split } from './board.ts';
import { computePart } from './compute.ts';
import type { Clock } from './courier.ts';
import type { Message } from './message.ts';
import {
  decodeGradients,
  type GradientPart,
  gradientRoot,
  layoutOf,
  partDigest,
  readSums,
} from './part.ts';
import { computeWith } from './round.ts';
import type { BatchOf } from './shard.ts';

/** A part and its digest. */
export interface Result {
  readonly part: GradientPart;
  readonly answer: string;
}

async function resultOf<Batch>(trainer: Trainer<Batch>, part: GradientPart): Promise<Result> {
  const root = await gradientRoot(part.gradients, layoutOf(trainer));
  return { part, answer: partDigest(part, root) };
}

/** What a message says of samples of the trainer's next step. Throws DistributedError. */
export async function readResult<Batch>(
  trainer: Trainer<Batch>,
  { first, count }: Samples,
  { head, body }: Message,
): Promise<Result> {
  const sums = readSums({ ...head, step: trainer.steps, first, count });
  const gradients = decodeGradients(body, layoutOf(trainer).size);
  return resultOf(trainer, { ...sums, gradients });
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
  const part = await computeWith(trainer, batch, range, () => clock.sleep(0));
  return resultOf(trainer, part as GradientPart);
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
