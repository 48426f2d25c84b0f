// The batch of a step: B windows of T tokens and the same windows one token later. Where a window
// starts is a function of (seed, step, sample) only, where sample is its place in the whole batch:
// it does not depend on micro-batches, on threads or on what was drawn before, so a resumed run
// sees the batches that the whole run would have seen.

import { fields, MAX_LENGTH, typed, whole } from '../core/check.ts';
import { PURPOSE, randomU32 } from '../core/random.ts';

/** floor(random * count / 2^32), exactly, for random < 2^32 and count <= 2^32: every intermediate
 *  stays below 2^49. */
export function scaleU32(random: number, count: number): number {
  const high = Math.floor(random / 65536);
  const low = random % 65536;
  return Math.floor((high * count + Math.floor((low * count) / 65536)) / 65536);
}

/** Start of the window of one sample: 0 .. length - context - 1, so that its targets are inside the
 *  text too. */
export function windowStart(
  seed: number,
  step: number,
  sample: number,
  length: number,
  context: number,
): number {
  return scaleU32(randomU32(seed, PURPOSE.batch, step, sample, 0), length - context);
}

/** Which batch: the windows are a function of these four numbers and the number of tokens. */
export interface BatchOptions {
  /** The run's seed, 0 .. 2^53 - 1. */
  seed: number;
  /** B: windows. */
  batch: number;
  /** T: tokens of a window. */
  context: number;
  /** Steps done before this one. */
  step: number;
}

/** Fills inputs with B windows of T tokens and targets with the same windows one token later:
 *  Int32Array(B * T) each, row-major. Where a window begins depends on seed, step and its place in
 *  the batch only. Throws UsageError for a number that is missing or out of range, fewer than T + 1
 *  tokens and another size.
 *  @example
 *  const text = Int32Array.from({ length: 100 }, (_, i) => i);
 *  const inputs = new Int32Array(8);
 *  const targets = new Int32Array(8);
 *  fillBatch(text, { seed: 1, batch: 2, context: 4, step: 0 }, inputs, targets);
 *  console.log(inputs.join(' ')); // 17 18 19 20 81 82 83 84
 *  console.log(targets.join(' ')); // 18 19 20 21 82 83 84 85
 */
export function fillBatch(
  tokens: Int32Array,
  options: BatchOptions,
  inputs: Int32Array,
  targets: Int32Array,
): void {
  const required = undefined;
  const given = { seed: required, batch: required, context: required, step: required };
  const { seed, batch, context, step } = fields('options', options, given);
  whole('seed', seed, 0, Number.MAX_SAFE_INTEGER);
  whole('batch', batch, 1, 65536);
  whole('context', context, 1, MAX_LENGTH);
  whole('step', step, 0, 2 ** 32 - 1);
  typed('tokens', tokens, 'Int32Array', context + 1, MAX_LENGTH);
  typed('inputs', inputs, 'Int32Array', batch * context);
  typed('targets', targets, 'Int32Array', batch * context);
  for (let sample = 0; sample < batch; sample++) {
    const start = windowStart(seed, step, sample, tokens.length, context);
    inputs.set(tokens.subarray(start, start + context), sample * context);
    targets.set(tokens.subarray(start + 1, start + context + 1), sample * context);
  }
}
