// Weights on their way to who computes with them: whole, or what a step has changed.

import { reading, typed, whole } from '../core/check.ts';
import { UsageError } from '../core/errors.ts';
import { isWeight, type NamedTensor, type Trainer } from '../index.ts';
import { WEIGHT_LIMIT } from '../memory/formats.ts';
import { trainerOf } from '../receipt/trainer.ts';
import { DistributedError } from './errors.ts';
import { mostBytes, packNumbers, unpackNumbers } from './packing.ts';

export type Weights = Int32Array<ArrayBuffer>;

const weightTensors = <Batch>(trainer: Trainer<Batch>): NamedTensor[] =>
  trainer.tensors().filter(isWeight);

/** More than any model has: one takes at least 12 bytes of 4 GiB for each. */
const MOST_WEIGHTS = 2 ** 28;

/** A copy of the weights, all in one, in the order of forward: raw integers of 24 fraction bits.
 *  Their SHA-256 is that of `Trainer.weightsSha256`.
 *  @example
 *  const model = gpt({ vocabulary: 4, layers: 2, channels: 8, heads: 2, context: 4 });
 *  const trainer = Trainer.create({ model, batch: 1, steps: 10 });
 *  console.log(copyWeights(trainer).length === trainer.parameters); // true
 */
export const copyWeights = <Batch>(trainer: Trainer<Batch>): Weights =>
  gatherWeights(trainer, new Int32Array(trainerOf(trainer).parameters));

/** The same, written over `weights`. */
export function gatherWeights<Batch>(trainer: Trainer<Batch>, weights: Weights): Weights {
  let at = 0;
  for (const { data } of weightTensors(trainer)) {
    weights.set(data, at);
    at += data.length;
  }
  return weights;
}

/** The first weight that none can be; -1 if there is none. */
function beyondLimit(weights: Int32Array): number {
  for (let i = 0; i < weights.length; i++)
    if (weights[i] > WEIGHT_LIMIT || weights[i] < -WEIGHT_LIMIT) return i;
  return -1;
}

/** Gives a trainer other weights: what its optimizer keeps, and its step, stay as they are. Throws
 *  UsageError for another number of them or for a weight that none can be; nothing is changed then.
 *  @example
 *  const model = gpt({ vocabulary: 4, layers: 2, channels: 8, heads: 2, context: 4 });
 *  const [one, other] = [3, 4].map((seed) => Trainer.create({ model, batch: 1, steps: 10, seed }));
 *  setWeights(one, copyWeights(other));
 *  console.log((await one.weightsSha256()) === (await other.weightsSha256())); // true
 */
export function setWeights<Batch>(trainer: Trainer<Batch>, weights: Int32Array): void {
  const size = trainerOf(trainer).parameters;
  typed('weights', weights, 'Int32Array', size);
  const wrong = beyondLimit(weights);
  if (wrong >= 0)
    throw new UsageError(`weight ${wrong} is ${weights[wrong]}, expected at most ${WEIGHT_LIMIT}`);
  let at = 0;
  for (const { data } of weightTensors(trainer)) {
    data.set(weights.subarray(at, at + data.length));
    at += data.length;
  }
}

/** Weights as bytes, or what has changed since those of `base`, which takes fewer. Throws
 *  UsageError if there are not as many of them.
 *  @example
 *  const [before, after] = [Int32Array.of(5, 6, 7), Int32Array.of(5, 9, 7)];
 *  const change = encodeWeights(after, before);
 *  console.log(decodeWeights(change, 3, before).join()); // 5,9,7
 */
export function encodeWeights(weights: Int32Array, base?: Int32Array): Uint8Array<ArrayBuffer> {
  typed('weights', weights, 'Int32Array');
  if (base !== undefined) typed('base', base, 'Int32Array', weights.length);
  const copy = reading('weights', () => new Int32Array(weights)); // fails if it is detached
  return packNumbers(base === undefined ? copy : subtract(copy, new Int32Array(base)));
}

/** What has changed since `before`, written over it. */
export function subtract(weights: Weights, before: Weights): Weights {
  for (let i = 0; i < weights.length; i++) before[i] = weights[i] - before[i];
  return before;
}

/** `count` weights from bytes that may be anything. Takes no more memory than they need. Throws
 *  DistributedError if the bytes are not such weights, UsageError if `base` has not as many.
 *  @example
 *  const bytes = encodeWeights(Int32Array.of(1, -2, 3));
 *  console.log(decodeWeights(bytes, 3).join()); // 1,-2,3
 */
export function decodeWeights(
  bytes: Uint8Array<ArrayBuffer>,
  count: number,
  base?: Int32Array,
): Weights {
  typed('bytes', bytes, 'Uint8Array');
  whole('count', count, 0, MOST_WEIGHTS);
  if (base !== undefined) typed('base', base, 'Int32Array', count, count);
  return readWeights(bytes, base, new Int32Array(count));
}

/** The same, written over all of `weights`, which are not `base`. */
export function readWeights(
  bytes: Uint8Array<ArrayBuffer>,
  base: Int32Array | undefined,
  weights: Weights,
): Weights {
  const count = weights.length;
  if (bytes.length > mostBytes(count, 4))
    throw new DistributedError(`weights have ${bytes.length} bytes, more than ${count} can have`);
  unpackNumbers(bytes, weights);
  if (base !== undefined) for (let i = 0; i < count; i++) weights[i] += base[i];
  return weights;
}
