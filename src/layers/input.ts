// Where a sample begins: what of a batch is brought into memory, and what the first layer takes of
// it.

import type { Planner } from '../memory/planner.ts';
import type { Tensor, Type } from '../memory/tensor.ts';
import type { Run } from '../ops/run.ts';

/** What of a batch a model's input takes, and what the first layer gets of it. */
export interface Input<Batch> {
  /** Memory of it. */
  plan(at: Planner): PlannedInput<Batch>;
}

/** An input with its memory. */
export interface PlannedInput<Batch> {
  /** What the first layer gets of a sample. */
  readonly type: Type;
  /** Samples in a batch, as far as its size tells. */
  samplesOf(batch: Batch): number;
  /** Takes a copy of what it needs of a batch of `count` samples, which nobody can change any more,
   *  for `load`. Throws UsageError for what it cannot use. */
  take(batch: Batch, count: number): void;
  /** Takes one sample, which may be a short one. Throws UsageError. */
  takeOne(sample: unknown): void;
  /** Brings `count` of the taken samples from `first` on into memory. By the calling thread. */
  load(run: Run, first: number, count: number): void;
  /** Writes x's address and rows: sample s of those in memory; its fraction bits and range. */
  move(run: Run, s: number, x: Tensor): void;
}
