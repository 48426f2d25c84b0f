// Where a sample begins: what of a batch is brought into memory, and what the first layer takes of it.

import type { Planner } from '../memory/planner.ts';
import type { Tensor, Type } from '../memory/tensor.ts';
import type { Run } from '../ops/run.ts';

export interface Input<Batch> {
  plan(at: Planner): PlannedInput<Batch>;
}

export interface PlannedInput<Batch> {
  readonly type: Type;
  /** Throws UsageError unless the batch holds `count` samples. */
  check(batch: Batch, count: number): void;
  /** Brings `count` samples from `first` on into memory. By the calling thread. */
  load(run: Run, batch: Batch, first: number, count: number): void;
  /** Brings one sample, which may be a short one, into memory as sample 0. Throws UsageError. */
  loadOne(run: Run, sample: unknown): void;
  /** Writes x's address and rows: sample s of those in memory; its fraction bits and range. */
  move(run: Run, s: number, x: Tensor): void;
}
