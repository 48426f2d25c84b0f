// How many threads a command takes when nobody says: those of this machine, at most four and no more than there are sequences to
// share. The number changes no bit.

import { availableParallelism } from 'node:os';
import type { AnyTrainer } from './tasks/task.ts';

const MOST_THREADS = 4;

export const defaultThreads = (sequences: number): number => Math.min(MOST_THREADS, availableParallelism(), sequences);

/** Waits until all threads of a trainer are up; at most five seconds, for a runtime may have none. */
export async function allThreadsUp(trainer: AnyTrainer): Promise<void> {
  for (let waited = 0; trainer.threads < trainer.options.threads && waited < 5000; waited += 5) await new Promise((resolve) => setTimeout(resolve, 5));
}
