// Language modelling by a GPT: windows of a text drawn at random, judged on the rest of the text.

import { setImmediate } from 'node:timers/promises';
import {
  fillBatch,
  type GptConfig,
  type TextBatch,
  type Trainer,
  textWindows,
} from '../library.ts';
import { configOf } from '../settings.ts';
import { exactSum, type Progress, spread, type Task, type Validation } from './task.ts';

export interface GptTaskOptions {
  train: Int32Array;
  validation: Int32Array;
  /** gamma of inference (0). */
  gamma?: number;
}

/** T: tokens of a window. */
const contextOf = ({ options }: Trainer<TextBatch>): number => configOf<GptConfig>(options).context;

/** Windows evaluated between two looks at the event loop. */
const SLICE = 32;

/** trainer.evaluate in slices, so that a signal is heard; the same number to the last bit, because
 *  the sum of a slice is recovered exactly. Undefined if interrupted. */
export async function evaluateInSlices(
  trainer: Trainer<TextBatch>,
  tokens: Int32Array,
  progress: Progress,
  isInterrupted = () => false,
  gamma = 0,
): Promise<number | undefined> {
  const T = contextOf(trainer);
  const windows = Math.floor((tokens.length - 1) / T);
  const slice = SLICE * Math.ceil(trainer.options.microBatch / SLICE);
  let sum = 0;
  for (let first = 0; first < windows; first += slice) {
    if (isInterrupted()) return undefined;
    const count = Math.min(slice, windows - first);
    const part = tokens.subarray(first * T, (first + count) * T + 1);
    sum += exactSum(trainer.evaluate(textWindows(part, T), { gamma }).loss, count * T);
    progress(first + count, windows);
    await setImmediate();
  }
  return sum / (windows * T);
}

/** The mean loss of `most` windows, evenly from first to last; of all if there are not more. */
function judgeSome(
  trainer: Trainer<TextBatch>,
  tokens: Int32Array,
  most: number,
  gamma: number,
): Validation {
  const T = contextOf(trainer);
  const windows = Math.floor((tokens.length - 1) / T);
  const chosen = spread(windows, most);
  const losses = chosen.map((window) => {
    const part = tokens.subarray(window * T, (window + 1) * T + 1);
    return trainer.evaluate(textWindows(part, T), { gamma }).loss;
  });
  const loss = losses.reduce((a, b) => a + b, 0) / losses.length;
  return { loss, ...(chosen.length < windows ? { share: chosen.length / windows } : {}) };
}

export function gptTask(
  trainer: Trainer<TextBatch>,
  { train, validation, gamma = 0 }: GptTaskOptions,
): Task {
  const { seed, batch } = trainer.options;
  const context = contextOf(trainer);
  const inputs = new Int32Array(batch * context);
  const targets = new Int32Array(batch * context);
  return {
    trainer,
    unit: 'tokens',
    unitsPerStep: batch * context,
    batch(step) {
      fillBatch(train, { seed, batch, context, step }, inputs, targets);
      return { inputs, targets };
    },
    async validate(progress, isInterrupted, scope = 'all') {
      if (typeof scope === 'number') return judgeSome(trainer, validation, scope, gamma);
      const loss = await evaluateInSlices(trainer, validation, progress, isInterrupted, gamma);
      return loss === undefined ? undefined : { loss };
    },
  };
}
