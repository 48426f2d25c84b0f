// The training loop: batch, step, now and then a validation or a checkpoint. It owns no policy: what to show and where to save
// is given. Between steps it yields to the event loop, so that signals arrive and lines are written.

import { setImmediate } from 'node:timers/promises';
import type { Interrupts } from './interrupts.ts';
import { type GptTrainer, type TextData, fillBatch } from './library.ts';
import type { Reporter } from './reporters.ts';

export interface LoopOptions {
  trainer: GptTrainer;
  data: TextData;
  /** Step at which to end. */
  until: number;
  /** Every so many steps; 0: never. The end of the loop is not included in either. */
  validateEvery: number;
  saveEvery: number;
  save: () => Promise<void>;
  reporter: Reporter;
  interrupts: Interrupts;
}

/** What happened, for the report. */
export interface RunHistory {
  /** Steps done before the loop. */
  from: number;
  /** Training loss of each step. */
  losses: number[];
  validations: { step: number; loss: number }[];
  /** Time in training steps alone. */
  milliseconds: number;
}

/** Windows evaluated between two looks at the event loop. */
const SLICE = 32;
/** Losses are sums of integers with 16 fraction bits. */
const LOSS_STEP = 2 ** -16;

/** trainer.evaluate in slices, so that a signal is heard; the same number to the last bit, because the sum of a slice is
 *  recovered exactly. Undefined if interrupted. */
export async function evaluateInSlices(trainer: GptTrainer, tokens: Int32Array, reporter: Pick<Reporter, 'validating'>, interrupts?: Interrupts): Promise<number | undefined> {
  const T = trainer.options.model.context, windows = Math.floor((tokens.length - 1) / T);
  const slice = SLICE * Math.ceil(trainer.options.microBatch / SLICE);
  let sum = 0;
  for (let first = 0; first < windows; first += slice) {
    if (interrupts?.exitCode !== undefined) return undefined;
    const count = Math.min(slice, windows - first);
    const mean = trainer.evaluate(tokens.subarray(first * T, (first + count) * T + 1));
    sum += Math.round((mean * count * T) / LOSS_STEP) * LOSS_STEP;
    reporter.validating(first + count, windows);
    await setImmediate();
  }
  return sum / (windows * T);
}

/** Trains until `until` or until interrupted. */
export async function runLoop(options: LoopOptions): Promise<RunHistory> {
  const { trainer, data, until, reporter, interrupts } = options;
  const { seed, batch, model: { context } } = trainer.options;
  const inputs = new Int32Array(batch * context), targets = new Int32Array(batch * context);
  const history: RunHistory = { from: trainer.steps, losses: [], validations: [], milliseconds: 0 };
  const isDue = (every: number): boolean => every > 0 && trainer.steps % every === 0 && trainer.steps < until && interrupts.exitCode === undefined;
  while (trainer.steps < until && interrupts.exitCode === undefined) {
    fillBatch(data.train, { seed, batch, context, step: trainer.steps }, inputs, targets);
    const start = performance.now();
    const report = trainer.trainStep(inputs, targets);
    const milliseconds = performance.now() - start;
    history.losses.push(report.loss);
    history.milliseconds += milliseconds;
    reporter.step(report, milliseconds);
    await setImmediate();
    if (isDue(options.saveEvery)) await options.save();
    if (isDue(options.validateEvery)) await validate(options, history);
  }
  return history;
}

/** Loss over the whole validation part, reported and recorded; undefined if interrupted. */
export async function validate({ trainer, data, reporter, interrupts }: Pick<LoopOptions, 'trainer' | 'data' | 'reporter' | 'interrupts'>, history: RunHistory): Promise<number | undefined> {
  const loss = await evaluateInSlices(trainer, data.validation, reporter, interrupts);
  if (loss === undefined) return undefined;
  history.validations.push({ step: trainer.steps, loss });
  reporter.validation(trainer.steps, loss);
  return loss;
}
