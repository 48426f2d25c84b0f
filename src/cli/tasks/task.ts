// What a model is trained on, as the training loop sees it: something that makes the batch of the next step and trains on it, and that
// judges the model on held-out data. One file a task.

import type { CheckedOptions, StepReport, Trainer } from '../library.ts';

/** A trainer of any model. */
export type AnyTrainer = Pick<Trainer<never, never>, 'steps' | 'totals' | 'plan' | 'peakBytes' | 'threads' | 'parameters' | 'close' | 'tensors' | 'restore' | 'weightsSha256'> & {
  readonly options: CheckedOptions<{ layers: number }>;
};

/** What held-out data say of a model. */
export interface Validation {
  /** Mean loss in nats a prediction. */
  loss: number;
  /** Share of right predictions, 0..1: images. */
  accuracy?: number;
  /** Of greedy translations, 0..100: pairs. */
  bleu?: number;
}

export interface Task {
  readonly trainer: AnyTrainer;
  /** What the speed counts, and how many of it a step takes. */
  readonly unit: 'tokens' | 'images' | 'pairs';
  readonly unitsPerStep: number;
  /** Trains on the batch of the next step: a function of seed and step. */
  step(): StepReport;
  /** Judges the model on all held-out data. Looks at the event loop now and then; undefined if `isInterrupted` said so. */
  validate(progress: (done: number, of: number) => void, isInterrupted?: () => boolean): Promise<Validation | undefined>;
}
