// The pool of a trainer's worker threads: starts them, hands them jobs, sees whether they live,
// ends them. They load the library's second file, dist/thread.js. Where that, workers or shared
// memory cannot be had, or a thread is lost, the caller works alone: same bits.

import type { Jobs } from './jobs.ts';
import { LIFE, TeamFailure } from './team.ts';
import { startWorker, type WorkerThread, withNodeThreads } from './worker.ts';

/** The note of a pool whose workers are not up yet. */
export const STARTING = 'the threads are starting';

interface Member {
  readonly worker: WorkerThread;
  pulse: number;
  /** Milliseconds of the caller's in which the pulse did not change. */
  quiet: number;
}

/** What ends the threads of owners that are dropped. */
let dropped: FinalizationRegistry<Pool> | undefined;

export class Pool {
  private readonly members: Member[] = [];
  private isOpen = false;
  private last = 0;

  /** size: threads asked for, the caller included. why: what keeps the caller alone; '' for one. */
  constructor(
    private readonly jobs: Jobs,
    private readonly size: number,
    private why: string,
  ) {}

  /** Starts the workers of a module (by default the package's), or those that a function starts,
   *  with `message` and their ranks. They end with `owner` at the latest: nothing else here may
   *  refer to it. */
  start(owner: object, source: URL | (() => unknown) | undefined, message: object): void {
    dropped ??= new FinalizationRegistry((pool) => pool.end(''));
    dropped.register(owner, this);
    this.why = STARTING;
    this.isOpen = true;
    withNodeThreads((node) => {
      try {
        // throws in a bundle that has no place of its own
        const module = source ?? new URL('./thread.js', import.meta.url);
        for (let rank = 1; rank < this.size && this.isOpen; rank++) {
          const worker = startWorker(node, module, (why) => this.end(why));
          this.members.push({ worker, pulse: 0, quiet: 0 });
          worker.postMessage({ ...message, rank });
        }
      } catch (error) {
        this.end(`no thread can be started: ${(error as Error).message}`);
      }
    });
  }

  /** Why the caller works alone, or ''. */
  get note(): string {
    if (this.why === STARTING && this.jobs.ready(this.size - 1)) this.why = '';
    return this.why;
  }

  /** Resolves when all workers are up, or it is clear that they will not be. */
  async started(): Promise<void> {
    const last = performance.now() + LIFE.patience;
    while (this.note === STARTING) {
      if (performance.now() > last) this.end('the threads did not start');
      else await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }

  get threads(): number {
    return this.note === '' ? this.size : 1;
  }

  /** Ends all workers; only the first reason counts. */
  end(why: string): void {
    if (!this.isOpen) return;
    this.isOpen = false;
    this.why = why;
    this.jobs.close();
    for (const { worker } of this.members.splice(0)) worker.terminate();
  }

  begin(args: readonly number[]): void {
    for (const member of this.members) member.quiet = 0;
    this.jobs.start(args);
  }

  /** Whether all workers have ended the job; if not, one is lost. */
  join(): boolean {
    try {
      this.watch();
      this.jobs.join(this.size - 1, this.watch);
    } catch {
      /* the note says why */
    }
    return this.note === '';
  }

  /** For the caller, now and then while it works and waits: throws TeamFailure if one is lost. */
  readonly watch = (): void => {
    const now = performance.now();
    const passed = Math.min(now - this.last, LIFE.sleep); // when a machine slept, no thread died
    this.last = now;
    this.members.forEach((member, i) => {
      const pulse = this.jobs.beat(i + 1, 0);
      member.quiet = pulse === member.pulse ? member.quiet + passed : 0;
      member.pulse = pulse;
      const isLost =
        member.quiet > LIFE.patience || (member.quiet > LIFE.sleep / 2 && member.worker.isGone());
      if (isLost) this.end('a thread ended');
    });
    if (this.note !== '') throw new TeamFailure(this.note);
  };
}
