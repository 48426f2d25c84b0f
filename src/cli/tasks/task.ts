// What a model is trained on, as the training loop sees it: something that makes the batch of the
// next step and trains on it, and that judges the model on held-out data. One file a task.

import { setImmediate } from 'node:timers/promises';
import { makeRound, roundsOf, type StepReport, type Trainer } from '../library.ts';

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
  /** Share of the held-out data that it is of, 0..1, if it is not of all. */
  share?: number;
}

/** On how much of the held-out data a model is judged; a number: so many samples at most. */
export type Scope = 'all' | 'final' | number;

/** `count` places of 0..length - 1, or all of them if there are fewer, evenly from first to last.
 */
export const spread = (length: number, count: number): number[] =>
  Array.from({ length: Math.min(length, count) }, (_, i) =>
    Math.floor((i * length) / Math.min(length, count)),
  );

/** Hears how many of how many are judged. */
export type Progress = (done: number, of: number) => void;

export interface Task {
  readonly trainer: Trainer<never>;
  /** What the speed counts, and how many of it a step takes. */
  readonly unit: 'tokens' | 'images' | 'pairs';
  readonly unitsPerStep: number;
  /** The batch of the step that comes after so many others: a function of seed and step. It is
   *  made where the one before was. */
  batch(step: number): unknown;
  /** Judges the model on held-out data: all of them, or `some`, evenly from first to last. `final`:
   *  all, with what takes long too. Looks at the event loop now and then; undefined if
   *  `isInterrupted` said so. Changes nothing that trains. */
  validate(
    progress: Progress,
    isInterrupted?: () => boolean,
    scope?: Scope,
  ): Promise<Validation | undefined>;
}

/** Trains on the batch of the next step. */
export const oneStep = ({ trainer, batch }: Pick<Task, 'trainer' | 'batch'>): StepReport =>
  trainer.step(batch(trainer.steps) as never);

/** Trains on the batch of the next step, or makes the next round, if the run has them; undefined if
 *  `isInterrupted` said so on the way, and the round is given up. */
export async function trainStep(
  task: Pick<Task, 'trainer' | 'batch'>,
  isInterrupted = (): boolean => false,
): Promise<StepReport | undefined> {
  const { trainer, batch } = task;
  if (roundsOf(trainer.options) === undefined) return oneStep(task);
  return makeRound(trainer, batch as never, async () => {
    await setImmediate();
    return !isInterrupted();
  });
}

/** Judges a model where nothing interrupts. */
export async function judge(task: Task, progress: Progress, scope?: Scope): Promise<Validation> {
  return (await task.validate(progress, undefined, scope)) as Validation;
}

/** Losses are sums of integers with 16 fraction bits. */
const LOSS_STEP = 2 ** -16;

/** The sum that a mean over `count` is from, exactly: so that a mean over slices is that of the
 *  whole to the last bit. */
export const exactSum = (mean: number, count: number): number =>
  Math.round((mean * count) / LOSS_STEP) * LOSS_STEP;
