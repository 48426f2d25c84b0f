// A team of threads that run the same code on one shared memory, each on its own part: member 0 is the caller, the others are
// workers. Barriers and locks are Atomics on a control block in that memory; they spin for a bounded time, then sleep. A team of one
// does nothing at all. Which member does what changes no bit: every output has one writer, and sums of integers have no order.

import { RetrogradError } from '../errors.ts';

/** Words of the control block: what it counts, then one lock per word. */
const ARRIVED = 0, PHASE = 1, FAILED = 2, FIRST_LOCK = 16;
export const controlBytes = (locks: number): number => (FIRST_LOCK + locks) * 4;

/** Turns before a waiting member sleeps. Waiting fifteen times as long made no difference beyond the noise (docs/decisions.md). */
const SPINS = 20_000;

/** Thrown to members that wait for one that has failed; the failed one reports why. */
export class TeamFailure extends RetrogradError {
  override name = 'TeamFailure';
}

export class Team {
  /** words: the control block. rank: this member. size: members at work. */
  constructor(private readonly words: Int32Array, readonly rank = 0, readonly size = 1) {}

  /** The part of 0..n-1 that is this member's, in multiples of `unit`. */
  range(n: number, unit = 1): { from: number; to: number } {
    const units = Math.ceil(n / unit), at = (rank: number): number => Math.min(n, Math.floor((units * rank) / this.size) * unit);
    return { from: at(this.rank), to: at(this.rank + 1) };
  }

  /** Waits until every member has arrived. */
  barrier(): void {
    if (this.size === 1) return;
    const phase = Atomics.load(this.words, PHASE);
    this.check(); // who arrives after a failure would wait for ever
    if (Atomics.add(this.words, ARRIVED, 1) + 1 === this.size) {
      Atomics.store(this.words, ARRIVED, 0);
      Atomics.add(this.words, PHASE, 1);
      Atomics.notify(this.words, PHASE);
    } else waitWhile(this.words, PHASE, phase);
    this.check();
  }

  private check(): void {
    if (Atomics.load(this.words, FAILED) !== 0) throw new TeamFailure('another thread failed');
  }

  /** Tells every member, waiting or yet to wait, that this one has failed: first the flag, then the phase, which a member that waits
   *  has read before it looked at the flag. */
  fail(): void {
    if (this.size === 1) return;
    Atomics.store(this.words, FAILED, 1);
    Atomics.add(this.words, PHASE, 1);
    Atomics.notify(this.words, PHASE);
  }

  /** Before a job, by the caller alone: nobody has arrived, nobody has failed. */
  reset(): void {
    if (this.size === 1) return;
    Atomics.store(this.words, ARRIVED, 0);
    Atomics.store(this.words, FAILED, 0);
  }

  /** Runs `work` while no other member holds lock `index`. */
  exclusive(index: number, work: () => void): void {
    if (this.size === 1) return work();
    const at = FIRST_LOCK + index;
    while (Atomics.compareExchange(this.words, at, 0, 1) !== 0) waitWhile(this.words, at, 1);
    try {
      work();
    } finally {
      Atomics.store(this.words, at, 0);
      Atomics.notify(this.words, at);
    }
  }
}

/** Waits while words[at] is `value`: spins, then sleeps where the thread may (a browser's main thread may not: it spins on). */
export function waitWhile(words: Int32Array, at: number, value: number): void {
  for (let i = 0; i < SPINS; i++) if (Atomics.load(words, at) !== value) return;
  while (Atomics.load(words, at) === value) {
    try {
      Atomics.wait(words, at, value, 1000);
    } catch { /* not allowed here */ }
  }
}
