// How many threads a command takes when nobody says: those of this machine, at most four and no more than there are sequences to
// share. The number changes no bit.

import { availableParallelism } from 'node:os';

const MOST_THREADS = 4;

export const defaultThreads = (sequences: number): number => Math.min(MOST_THREADS, availableParallelism(), sequences);
