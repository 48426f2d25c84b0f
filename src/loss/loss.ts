// What a loss is: from the last layer's output and the targets of a batch to a number and a
// gradient.

import type { Planner } from '../memory/planner.ts';
import type { Gradient, Kind, Tensor, Type } from '../memory/tensor.ts';
import type { Run } from '../ops/run.ts';

/** What a thread found on its samples. */
export interface Score {
  /** Summed loss, 16 fraction bits. */
  loss: number;
  /** Predictions that were right, where that is counted. */
  correct: number;
}

/** A loss of a batch: its targets are in some of the batch's fields. */
export interface Loss<Batch> {
  /** Kinds of output that it takes, the best first. */
  readonly takes: readonly Kind[];
  /** Memory of it. Throws UsageError for an output that it cannot take. */
  plan(at: Planner, input: Type): PlannedLoss<Batch>;
}

/** A loss with its memory. */
export interface PlannedLoss<Batch> {
  /** Takes a copy of the targets of a batch of `count` samples, which nobody can change any more;
   *  returns how many predictions that is: what the loss of a step is divided by. Throws
   *  UsageError. */
  take(batch: Batch, count: number): number;
  /** Brings `count` of the taken samples from `first` on into memory. By the calling thread. */
  load(run: Run, first: number, count: number): void;
  /** Adds the score of sample s of those in memory. With dx also dL/dx, int32, which may lie where
   *  x does. */
  score(run: Run, x: Tensor, s: number, sum: Score, dx: Gradient | undefined): void;
}
