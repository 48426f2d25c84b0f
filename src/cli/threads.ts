// How many threads a command takes when nobody says: those of this machine, at most four and no
// more than there are sequences to share. The number changes no bit.

import { availableParallelism } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { STARTING } from './library.ts';
import type { AnyTrainer } from './tasks/task.ts';

const MOST_THREADS = 4;

export const defaultThreads = (sequences: number): number =>
  Math.min(MOST_THREADS, availableParallelism(), sequences);

/** Waits until all threads of a trainer are up or cannot be had; at most five seconds. */
export async function allThreadsUp(trainer: AnyTrainer): Promise<void> {
  for (let waited = 0; trainer.threadsNote === STARTING && waited < 5000; waited += 5)
    await sleep(5);
}

/** How many threads are at work, and why they are fewer than asked for. */
export function threadsText({ threads, threadsNote, options }: AnyTrainer): string {
  const text = `${threads} thread${threads === 1 ? '' : 's'}`;
  return threadsNote === '' ? text : `${text} instead of ${options.threads}: ${threadsNote}`;
}

/** Says once that threads were lost, or never came. */
export function threadsWarning(trainer: AnyTrainer, warn: (line: string) => void): () => void {
  let known = trainer.threadsNote;
  return () => {
    const { threadsNote: now } = trainer;
    if (now !== known && now !== '') warn(`${threadsText(trainer)}; the weights stay the same`);
    known = now;
  };
}
