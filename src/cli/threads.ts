// How many threads a command takes when nobody says: those of this machine, at most four and no
// more than there are sequences to share. The number changes no bit.

import { availableParallelism } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Trainer } from './library.ts';

const MOST_THREADS = 4;

export const defaultThreads = (sequences: number): number =>
  Math.min(MOST_THREADS, availableParallelism(), sequences);

/** Most milliseconds that a run waits for its threads; those that come later join in. */
const PATIENCE = 5000;

/** Waits until all threads of a trainer are up or cannot be had; at most five seconds. */
export async function allThreadsUp(trainer: Trainer<never>): Promise<void> {
  await Promise.race([trainer.ready(), sleep(PATIENCE, undefined, { ref: false })]);
}

/** How many threads are at work, and why they are fewer than asked for. */
export function threadsText({ threads, threadsNote, options }: Trainer<never>): string {
  const text = `${threads} thread${threads === 1 ? '' : 's'}`;
  return threadsNote === '' ? text : `${text} instead of ${options.threads}: ${threadsNote}`;
}

/** Says once that threads were lost, or never came. */
export function threadsWarning(trainer: Trainer<never>, warn: (line: string) => void): () => void {
  let known = trainer.threadsNote;
  return () => {
    const { threadsNote: now } = trainer;
    if (now !== known && now !== '') warn(`${threadsText(trainer)}; the weights stay the same`);
    known = now;
  };
}
