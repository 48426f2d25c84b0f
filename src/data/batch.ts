// The batch of a step: B windows of T tokens and the same windows one token later. Where a window starts is a function of
// (seed, step, sample) only, where sample is its place in the whole batch: it does not depend on micro-batches, on threads
// or on what was drawn before, so a resumed run sees the batches that the whole run would have seen.

import { UsageError } from '../errors.ts';
import { PURPOSE, randomU32 } from '../random.ts';

/** floor(random * count / 2^32), exactly, for random < 2^32 and count <= 2^32: every intermediate stays below 2^49. */
export function scaleU32(random: number, count: number): number {
  const high = Math.floor(random / 65536), low = random % 65536;
  return Math.floor((high * count + Math.floor((low * count) / 65536)) / 65536);
}

/** Start of the window of one sample: 0 .. length - context - 1, so that its targets are inside the text too. */
export function windowStart(seed: number, step: number, sample: number, length: number, context: number): number {
  return scaleU32(randomU32(seed, PURPOSE.batch, step, sample, 0), length - context);
}

export interface BatchOptions {
  seed: number;
  /** B and T. */
  batch: number;
  context: number;
  /** Steps done before this one. */
  step: number;
}

/** Fills inputs and targets, Int32Array(B * T) each, row-major. */
export function fillBatch(tokens: Int32Array, { seed, batch, context, step }: BatchOptions, inputs: Int32Array, targets: Int32Array): void {
  if (tokens.length <= context)
    throw new UsageError(`fillBatch: ${tokens.length} tokens, expected at least ${context + 1} (context ${context} + 1)`);
  if (inputs.length !== batch * context || targets.length !== batch * context)
    throw new UsageError(`fillBatch: inputs and targets have ${inputs.length} and ${targets.length} elements, expected ${batch} * ${context}`);
  for (let sample = 0; sample < batch; sample++) {
    const start = windowStart(seed, step, sample, tokens.length, context);
    inputs.set(tokens.subarray(start, start + context), sample * context);
    targets.set(tokens.subarray(start + 1, start + context + 1), sample * context);
  }
}
