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
  /** Of greedy translations, 0..100: pairs, at the end. */
  bleu?: number;
  /** How BLEU was computed. */
  bleuSignature?: string;
}

/** Hears how many of how many are judged. */
export type Progress = (done: number, of: number) => void;

export interface Task {
  readonly trainer: AnyTrainer;
  /** What the speed counts, and how many of it a step takes. */
  readonly unit: 'tokens' | 'images' | 'pairs';
  readonly unitsPerStep: number;
  /** Trains on the batch of the next step: a function of seed and step. */
  step(): StepReport;
  /** Judges the model on all held-out data. Looks at the event loop now and then; undefined if `isInterrupted` said so.
   *  `isFinal`: with what takes long too. */
  validate(progress: Progress, isInterrupted?: () => boolean, isFinal?: boolean): Promise<Validation | undefined>;
}

/** Losses are sums of integers with 16 fraction bits. */
const LOSS_STEP = 2 ** -16;

/** The sum that a mean over `count` is from, exactly: so that a mean over slices is that of the whole to the last bit. */
export const exactSum = (mean: number, count: number): number => Math.round((mean * count) / LOSS_STEP) * LOSS_STEP;
