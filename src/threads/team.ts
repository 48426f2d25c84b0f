// A team of threads that run the same code on one shared memory: member 0 is the caller, the others
// are workers. They divide a job into parts of their own (`range`) or take its items one by one
// (`each`). Barriers, locks and items are Atomics on a control block in that memory; waiting spins
// for a bounded time, then sleeps. A team of one does nothing of that. Which member does what
// changes no bit: every output has one writer, and sums of integers have no order.

import { RetrogradError } from '../core/errors.ts';

/** Words of the control block: what it counts, the locks, then one for each item of `each`: 2 t
 *  once stage t of it is done (0 at first), 2 t - 1 while someone is at it. */
const ARRIVED = 0;
const PHASE = 1;
const FAILED = 2;
const FIRST_LOCK = 16;
const FIRST_ITEM = 32;
export const MAX_LOCKS = FIRST_ITEM - FIRST_LOCK;
export const controlBytes = (items: number): number => (FIRST_ITEM + items) * 4;

/** A place in a job is stage * PLACES + item; what fails between stages, at the last item of the
 *  one before. */
const PLACES = 2 ** 20;

/** Turns before a waiting member sleeps. Waiting fifteen times as long made no difference beyond
 *  the noise (docs/tried.md). */
const SPINS = 20_000;
/** Milliseconds. sleep: most that a waiting member sleeps before it looks around. patience: without
 *  a pulse, after which a worker is taken for lost; no kernel takes as long, and one that does
 *  costs the threads, never a bit. Tests shorten both. */
export const LIFE = { sleep: 1000, patience: 60_000 };

/** The first item of a stage that failed; Infinity if none. */
interface Lost {
  item: number;
  error: unknown;
}

/** Thrown to members that wait for one that has failed; the failed one reports why. */
export class TeamFailure extends RetrogradError {
  static override readonly name = 'TeamFailure';
}

export class Team {
  /** Calls of `each` so far. */
  private stage = 0;
  /** In which order this member looks at items. */
  private order: readonly number[] = [];
  /** Where this member failed first; the earliest of all members' is the failure that one thread
   *  alone would meet. */
  failedAt: number | undefined;

  /** words: the control block. rank: this member. size: members at work. tick: called now and then,
   *  at work and while waiting: a worker shows that it lives, the caller looks whether all do, and
   *  throws if not (pool.ts). For one job: a team that has been reset starts at stage 0. */
  constructor(
    private readonly words: Int32Array,
    readonly rank = 0,
    readonly size = 1,
    private readonly tick: () => void = () => undefined,
  ) {}

  /** The part of 0..n-1 that is this member's, in multiples of `unit`. */
  range(n: number, unit = 1): { from: number; to: number } {
    const units = Math.ceil(n / unit);
    const at = (rank: number): number => Math.min(n, Math.floor((units * rank) / this.size) * unit);
    return { from: at(this.rank), to: at(this.rank + 1) };
  }

  /** Runs work(i) of the items 0..n-1, each by one member: first those that are its own, every
   *  size-th, then whatever another one has not begun, the last first, for that is what this one
   *  would come to last. So nobody idles while a thread is held up by something else on the
   *  machine, or has one item more. Every member calls it equally often, with the same n; stage t
   *  of an item begins after its stage t - 1 has ended, wherever that was. */
  each(n: number, work: (i: number) => void): void {
    const stage = ++this.stage;
    if (this.size === 1) {
      for (let i = 0; i < n; i++) work(i);
      return;
    }
    const lost: Lost = { item: Infinity, error: undefined };
    for (;;) {
      const unfinished = this.sweep(stage, n, work, lost);
      if (unfinished < 0) break;
      waitWhile(this.words, unfinished, 2 * stage - 3, this.tick);
    }
    if (lost.item === Infinity) return;
    this.failedAt = stage * PLACES + lost.item;
    throw lost.error;
  }

  /** Runs the items of a stage that nobody has begun, each as soon as its stage before has ended.
   *  Returns the place of one whose stage before is still at work, or -1. */
  private sweep(stage: number, n: number, work: (i: number) => void, lost: Lost): number {
    const { words } = this;
    const before = 2 * stage - 2;
    let unfinished = -1;
    for (const i of this.orderOf(n)) {
      this.check(stage);
      this.tick();
      const at = FIRST_ITEM + i;
      if (Atomics.compareExchange(words, at, before, before + 1) === before) {
        this.attempt(stage, i, work, lost);
        Atomics.store(words, at, before + 2);
        Atomics.notify(words, at);
      } else if (Atomics.load(words, at) <= before) unfinished = at;
    }
    return unfinished;
  }

  /** Runs one item; what it throws is kept if it is the first item that does. */
  private attempt(stage: number, i: number, work: (i: number) => void, lost: Lost): void {
    try {
      work(i);
    } catch (error) {
      if (i < lost.item) Object.assign(lost, { item: i, error });
      this.tell(stage);
    }
  }

  private orderOf(n: number): readonly number[] {
    if (this.order.length !== n) {
      const items = Array.from({ length: n }, (_, i) => i);
      const isOwn = (i: number): boolean => i % this.size === this.rank;
      this.order = [...items.filter(isOwn), ...items.filter((i) => !isOwn(i)).reverse()];
    }
    return this.order;
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
    } else waitWhile(this.words, PHASE, phase, this.tick);
    this.check();
  }

  /** Throws if a member has failed in a stage before `stage`. Who fails in one first does what is
   *  left of it, as all others do, so that the earliest failure is always among those met. */
  private check(stage = Infinity): void {
    const failed = Atomics.load(this.words, FAILED);
    if (failed !== 0 && failed <= stage) throw new TeamFailure('another thread failed');
  }

  /** Tells every member, waiting or yet to wait, that this one has failed between two calls of
   *  `each`. */
  fail(): void {
    if (this.size === 1) return;
    this.failedAt ??= this.stage * PLACES + PLACES - 1;
    this.tell(this.stage);
  }

  /** The word FAILED becomes 1 + the earliest stage that has failed: first that, then the phase,
   *  which a member that waits has read before it looked at the other. */
  private tell(stage: number): void {
    for (let found = Atomics.load(this.words, FAILED); found === 0 || found > stage + 1; ) {
      const seen = Atomics.compareExchange(this.words, FAILED, found, stage + 1);
      found = seen === found ? stage + 1 : seen;
    }
    Atomics.add(this.words, PHASE, 1);
    Atomics.notify(this.words, PHASE);
  }

  /** Before a job, by the caller alone: nobody has arrived, nobody has failed, no item is begun. */
  reset(): void {
    if (this.size === 1) return;
    this.words.fill(0, FIRST_ITEM);
    Atomics.store(this.words, ARRIVED, 0);
    Atomics.store(this.words, FAILED, 0);
  }

  /** Whether a member holds lock `index` at the moment. */
  isHeld(index: number): boolean {
    return this.size > 1 && Atomics.load(this.words, lockAt(index)) !== 0;
  }

  /** Runs `work` while no other member holds lock `index`. */
  exclusive(index: number, work: () => void): void {
    if (this.size === 1) {
      work();
      return;
    }
    const at = lockAt(index);
    this.tick();
    while (Atomics.compareExchange(this.words, at, 0, 1) !== 0) {
      waitWhile(this.words, at, 1, this.tick);
    }
    try {
      work();
    } finally {
      Atomics.store(this.words, at, 0);
      Atomics.notify(this.words, at);
    }
  }
}

/** The word of a lock: those beyond MAX_LOCKS share one with another. */
const lockAt = (index: number): number => FIRST_LOCK + (index % MAX_LOCKS);

/** Waits while words[at] is `value`: spins, then sleeps where the thread may (a browser's main
 *  thread may not: it spins on) and calls `tick` now and then, which may end the wait by throwing.
 */
export function waitWhile(words: Int32Array, at: number, value: number, tick: () => void): void {
  for (let i = 0; i < SPINS; i++) if (Atomics.load(words, at) !== value) return;
  while (Atomics.load(words, at) === value) {
    tick();
    try {
      Atomics.wait(words, at, value, LIFE.sleep);
    } catch {
      /* not allowed here */
    }
  }
}
