// --keep-best: beside the latest checkpoint the one with the lowest validation loss so far, also of
// the time before a run was resumed, which its log tells of.

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { loadCheckpoint } from './files.ts';
import { RetrogradError } from './library.ts';
import { eventsOf } from './log.ts';
import { warn } from './output.ts';

export const BEST_FILE = 'best.safetensors';

/** Validation losses of all held-out data by step, as the log of a directory has them. */
function lossesIn(directory: string): Map<unknown, number> {
  const losses = new Map<unknown, number>();
  for (const { event, step, loss, share } of eventsOf(directory))
    if (event === 'validation' && typeof loss === 'number' && share === undefined)
      losses.set(step, loss);
  return losses;
}

/** The step of the best checkpoint that is there; undefined if there is none that can be read. */
async function stepOfBest(directory: string): Promise<number | undefined> {
  const path = join(directory, BEST_FILE);
  if (!existsSync(path)) return undefined;
  try {
    return (await loadCheckpoint(path)).step;
  } catch (error) {
    if (!(error instanceof RetrogradError)) throw error;
    warn(`${error.message.split('. HINT: ')[0]}; the next validation replaces it`);
    return undefined;
  }
}

export class Best {
  /** Of BEST_FILE. */
  step: number | undefined;
  loss = Infinity;

  /** `save`: writes the weights as they are to BEST_FILE. */
  private constructor(
    readonly path: string,
    private readonly save: () => Promise<unknown>,
  ) {}

  /** `step`: of the weights as they are. */
  static async open(directory: string, step: number, save: () => Promise<unknown>): Promise<Best> {
    const best = new Best(join(directory, BEST_FILE), save);
    const losses = lossesIn(directory);
    best.step = await stepOfBest(directory);
    best.loss = losses.get(best.step) ?? Infinity;
    const now = losses.get(step); // a kill may have come between judging and saving
    if (now !== undefined) await best.judge(step, now);
    return best;
  }

  /** Hears the validation loss of the weights as they are now. A save that fails is no end. */
  async judge(step: number, loss: number): Promise<void> {
    if (!(loss < this.loss)) return;
    try {
      await this.save();
      this.step = step;
      this.loss = loss;
    } catch (error) {
      if (!(error instanceof RetrogradError)) throw error;
      warn(error.message.split('. HINT: ')[0]);
    }
  }
}
