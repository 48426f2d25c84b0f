// Language modelling by a GPT: windows of a text drawn at random, judged on the rest of the text.

import { setImmediate } from 'node:timers/promises';
import { type GptTrainer, type StepReport, fillBatch } from '../library.ts';
import { type Progress, type Task, type Validation, exactSum, spread } from './task.ts';

export interface GptTaskOptions {
  train: Int32Array;
  validation: Int32Array;
  /** gamma of inference (0). */
  gamma?: number;
}

/** Windows evaluated between two looks at the event loop. */
const SLICE = 32;

/** trainer.evaluate in slices, so that a signal is heard; the same number to the last bit, because
 *  the sum of a slice is recovered exactly. Undefined if interrupted. */
export async function evaluateInSlices(
  trainer: GptTrainer,
  tokens: Int32Array,
  progress: Progress,
  isInterrupted = () => false,
  gamma = 0,
): Promise<number | undefined> {
  const T = trainer.options.model.context;
  const windows = Math.floor((tokens.length - 1) / T);
  const slice = SLICE * Math.ceil(trainer.options.microBatch / SLICE);
  let sum = 0;
  for (let first = 0; first < windows; first += slice) {
    if (isInterrupted()) return undefined;
    const count = Math.min(slice, windows - first);
    sum += exactSum(
      trainer.evaluate(tokens.subarray(first * T, (first + count) * T + 1), undefined, gamma),
      count * T,
    );
    progress(first + count, windows);
    await setImmediate();
  }
  return sum / (windows * T);
}

/** The mean loss of `most` windows, evenly from first to last; of all if there are not more. */
function judgeSome(
  trainer: GptTrainer,
  tokens: Int32Array,
  most: number,
  gamma: number,
): Validation {
  const T = trainer.options.model.context;
  const windows = Math.floor((tokens.length - 1) / T);
  const chosen = spread(windows, most);
  const losses = chosen.map((window) =>
    trainer.evaluate(tokens.subarray(window * T, (window + 1) * T + 1), undefined, gamma),
  );
  const loss = losses.reduce((a, b) => a + b, 0) / losses.length;
  return { loss, ...(chosen.length < windows ? { share: chosen.length / windows } : {}) };
}

export function gptTask(
  trainer: GptTrainer,
  { train, validation, gamma = 0 }: GptTaskOptions,
): Task {
  const {
    seed,
    batch,
    model: { context },
  } = trainer.options;
  const inputs = new Int32Array(batch * context);
  const targets = new Int32Array(batch * context);
  return {
    trainer,
    unit: 'tokens',
    unitsPerStep: batch * context,
    step(): StepReport {
      fillBatch(train, { seed, batch, context, step: trainer.steps }, inputs, targets);
      return trainer.trainStep(inputs, targets);
    },
    async validate(progress, isInterrupted, scope = 'all') {
      if (typeof scope === 'number') return judgeSome(trainer, validation, scope, gamma);
      const loss = await evaluateInSlices(trainer, validation, progress, isInterrupted, gamma);
      return loss === undefined ? undefined : { loss };
    },
  };
}
