// A part of a training step: the exact gradients of some samples of its batch. It is a function of
// the run's options, its weights, the step and the samples: whoever computes it gets the same
// bytes, so two that disagree are told apart, and any split of a batch adds up to the same sum.
// (Of a round of local steps: what they have changed, for one of its shards; shard.ts.)

import { properties, typed, whole } from '../core/check.ts';
import { UsageError } from '../core/errors.ts';
import type { CheckedOptions, Trainer } from '../index.ts';
import { roundsOf } from '../optim/local-steps.ts';
import { trainedNames, trainerOf } from '../receipt/trainer.ts';
import { digestBytes, digestText } from './digest.ts';
import { DistributedError } from './errors.ts';
import { packMessage, unpackMessage } from './message.ts';
import { mostBytes, packNumbers, unpackNumbers } from './packing.ts';
import { Pool } from './pool.ts';

/** Which samples of which step. */
export interface PartRange {
  /** Steps done before. */
  readonly step: number;
  /** The first sample's place in the batch. */
  readonly first: number;
  /** Samples. */
  readonly count: number;
}

/** Exact sums over the samples of a part: adding those of all parts gives the step's. */
export interface PartSums {
  /** The loss, an integer of 16 fraction bits. */
  readonly loss: number;
  /** Predictions that were right, where the loss counts them. */
  readonly correct: number;
  /** Elements that were clamped to their format's range. */
  readonly saturated: number;
  /** Residual states that were rebuilt and compared. */
  readonly checkedStates: number;
}

/** 28 fraction bits. */
export type Gradients = BigInt64Array<ArrayBuffer>;

/** A part of a step, or a shard of a round. */
export interface GradientPart extends PartRange, PartSums {
  /** Gradients of the summed loss, 28 fraction bits, of all trained weights in order. Of a shard:
   *  weights before its local steps less those after. */
  readonly gradients: Gradients;
}

/** The weights that have a gradient: their tensors' names in order, and how many they are. */
export interface Layout {
  readonly names: readonly string[];
  /** All of them. */
  readonly size: number;
  /** Memory for their gradients. */
  readonly rooms: Pool<Gradients>;
}

const layouts = new WeakMap<object, Layout>();

/** What the gradients of a trainer's parts are of. */
export function layoutOf<Batch>(trainer: Trainer<Batch>): Layout {
  const known = layouts.get(trainer);
  if (known !== undefined) return known;
  const names = trainedNames(trainer);
  const size = names.reduce((sum, name) => sum + trainer.gradient(name).length, 0);
  const layout = { names, size, rooms: new Pool(() => new BigInt64Array(size)) };
  layouts.set(trainer, layout);
  return layout;
}

/** Samples of a batch of the run; of a run with rounds, one of its shards. Throws UsageError. */
export function checkRange(range: PartRange, options: CheckedOptions<never>): PartRange {
  const { batch } = options;
  const given = properties('range', range, ['step', 'first', 'count']);
  const step = whole('step', given.step, 0, 2 ** 31 - 1);
  const first = whole('first', given.first, 0, batch - 1);
  const count = whole('count', given.count, 1, batch - first);
  const rounds = roundsOf(options);
  const size = batch / (rounds?.shards ?? 1);
  if (rounds !== undefined && (count !== size || first % size !== 0 || step % rounds.steps !== 0))
    throw new UsageError(
      `samples ${first} to ${first + count - 1} after step ${step} are no shard of a round`,
      `shards have ${size} samples, rounds ${rounds.steps} steps`,
    );
  return { step, first, count };
}

const SUMS = ['loss', 'correct', 'saturated', 'checkedStates'] as const;
export const HEAD = ['step', 'first', 'count', ...SUMS] as const;

/** What a part says, as a digest: of its samples, its sums and the digest of its packed gradients.
 *  They have 3.3 bytes where a number has 8: of 1.2 million of them SHA-256 takes 2 ms, not 6. */
export async function partDigest(part: PartRange & PartSums, packed: Uint8Array): Promise<string> {
  const root = await digestBytes(packed);
  return digestText(`${HEAD.map((key) => part[key]).join(' ')} ${root}`);
}

/** A part as bytes: a line of JSON, then the gradients, about 3 bytes each. The digest in it is of
 *  the part's samples, its sums and those bytes, of which there is one way to make them. Throws
 *  UsageError for what is no part of the trainer's, DistributedError for sums that none can have.
 *  @example
 *  const model = gpt({ vocabulary: 4, layers: 2, channels: 8, heads: 2, context: 4 });
 *  const trainer = Trainer.create({ model, batch: 1, steps: 10 });
 *  const batch = { inputs: Int32Array.of(0, 1, 2, 3), targets: Int32Array.of(1, 2, 3, 0) };
 *  const part = computePart(trainer, batch, { step: 0, first: 0, count: 1 });
 *  const bytes = await encodePart(trainer, part);
 *  console.log(bytes.length < part.gradients.length * 8); // true
 */
export async function encodePart<Batch>(
  trainer: Trainer<Batch>,
  part: GradientPart,
): Promise<Uint8Array<ArrayBuffer>> {
  const { sums, packed } = checked(trainer, part);
  return packMessage({ ...sums, digest: await partDigest(sums, packed) }, packed);
}

/** The digest of a part, 64 hex digits, as a coordinator tells it of each part that is agreed upon:
 *  whoever computes the part again knows whether it was right. Throws what `encodePart` does.
 *  @example
 *  const model = gpt({ vocabulary: 4, layers: 2, channels: 8, heads: 2, context: 4 });
 *  const trainer = Trainer.create({ model, batch: 1, steps: 10 });
 *  const batch = { inputs: Int32Array.of(0, 1, 2, 3), targets: Int32Array.of(1, 2, 3, 0) };
 *  const part = computePart(trainer, batch, { step: 0, first: 0, count: 1 });
 *  console.log((await digestPart(trainer, part)).length); // 64
 */
export async function digestPart<Batch>(
  trainer: Trainer<Batch>,
  part: GradientPart,
): Promise<string> {
  const { sums, packed } = checked(trainer, part);
  return partDigest(sums, packed);
}

/** A part that was given, checked. */
function checked<Batch>(trainer: Trainer<Batch>, part: GradientPart) {
  const { size } = layoutOf(trainerOf(trainer));
  const given = properties('part', part, ['gradients', ...HEAD]);
  const sums = readSums({ ...given });
  const gradients = typed('gradients', given.gradients, 'BigInt64Array', size);
  return { sums, packed: packNumbers(gradients as Gradients) };
}

const headOf = (part: PartRange & PartSums): PartRange & PartSums =>
  Object.fromEntries(HEAD.map((key) => [key, part[key]])) as unknown as PartRange & PartSums;

/** Samples and sums as something may say that nobody vouches for. Throws DistributedError. */
export function readSums(head: Readonly<Record<string, unknown>>): PartRange & PartSums {
  const isCount = (value: unknown): boolean => Number.isSafeInteger(value) && Number(value) >= 0;
  for (const key of HEAD)
    if (key === 'loss' ? !Number.isSafeInteger(head.loss) : !isCount(head[key]))
      throw new DistributedError(`${key} of a part is not a number that one can have`);
  return headOf(head as never);
}

/** A part from bytes that may be anything, for a trainer of the same run. Takes no more memory
 *  than its gradients need. Throws DistributedError if the bytes are not such a part, or not whole.
 *  @example
 *  const model = gpt({ vocabulary: 4, layers: 2, channels: 8, heads: 2, context: 4 });
 *  const trainer = Trainer.create({ model, batch: 1, steps: 10 });
 *  const batch = { inputs: Int32Array.of(0, 1, 2, 3), targets: Int32Array.of(1, 2, 3, 0) };
 *  const part = computePart(trainer, batch, { step: 0, first: 0, count: 1 });
 *  const again = await decodePart(trainer, await encodePart(trainer, part));
 *  console.log(again.loss === part.loss, again.gradients[0] === part.gradients[0]); // true true
 */
export async function decodePart<Batch>(
  trainer: Trainer<Batch>,
  bytes: Uint8Array<ArrayBuffer>,
): Promise<GradientPart> {
  const { size } = layoutOf(trainerOf(trainer));
  const { head, body } = unpackMessage(typed('bytes', bytes, 'Uint8Array') as typeof bytes);
  const sums = readSums(head);
  const digest = partDigest(sums, body);
  const gradients = decodeGradients(body, new BigInt64Array(size));
  if ((await digest) !== head.digest)
    throw new DistributedError('the gradients or sums of a part are not those of its digest');
  return { ...sums, gradients };
}

/** Gradients alone, written over all of `room`. Throws DistributedError. */
export function decodeGradients(body: Uint8Array<ArrayBuffer>, room: Gradients): Gradients {
  if (body.length > mostBytes(room.length, 8))
    throw new DistributedError(`a part has ${body.length} bytes, more than its gradients can have`);
  return unpackNumbers(body, room);
}
