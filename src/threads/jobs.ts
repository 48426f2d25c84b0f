// The job block: words in the shared memory through which the caller hands jobs to its workers and
// takes their results. A job is a few integers; what they mean is its handler's affair
// (train/job.ts).

import { waitWhile } from './team.ts';

/** Words of the job block. ARGUMENTS words follow the header, then a slot for each member. */
const GENERATION = 0;
const DONE = 1;
const READY = 2;
const CLOSED = 3;
const HEADER = 4;
const ARGUMENTS = 12;
/** A slot: numbers as float64, an error as UTF-8 after its length, the member's pulse. */
const NUMBERS = 6;
const ERROR_BYTES = 480;
const PULSE = NUMBERS * 8 + 4 + ERROR_BYTES;
const SLOT = PULSE + 4;
const slotAt = (rank: number): number => align((HEADER + ARGUMENTS) * 4) + rank * align(SLOT);
const align = (n: number): number => Math.ceil(n / 64) * 64;

export const jobBytes = (threads: number): number => slotAt(threads);

/** What a member's part of a job gave. */
export interface Result {
  numbers: number[];
  /** "Name: message" of what it threw, or ''. */
  error: string;
}

/** The job block seen from one thread. */
export class Jobs {
  private readonly words: Int32Array;

  constructor(
    private readonly buffer: ArrayBufferLike,
    private readonly at: number,
  ) {
    this.words = new Int32Array(buffer, at);
  }

  /** All `others` workers are up. */
  ready(others: number): boolean {
    return Atomics.load(this.words, READY) === others;
  }

  start(args: readonly number[]): void {
    this.words.set(args, HEADER);
    Atomics.store(this.words, DONE, 0);
    Atomics.add(this.words, GENERATION, 1);
    Atomics.notify(this.words, GENERATION);
  }

  /** Waits for `others` workers to end the job; `tick` as in waitWhile. */
  join(others: number, tick: () => void): void {
    for (let done = this.done(); done < others; done = this.done())
      waitWhile(this.words, DONE, done, tick);
  }

  private done(): number {
    return Atomics.load(this.words, DONE);
  }

  close(): void {
    Atomics.store(this.words, CLOSED, 1);
    this.start([]);
  }

  /** Adds to the pulse of a member, and returns what it was: it changes as long as the member
   *  lives, but for the time of a kernel. */
  beat(rank: number, by = 1): number {
    return Atomics.add(this.words, (slotAt(rank) + PULSE) / 4, by);
  }

  result(rank: number): Result {
    const at = this.at + slotAt(rank);
    const text = at + NUMBERS * 8;
    const numbers = Array.from(new Float64Array(this.buffer, at, NUMBERS));
    const [length] = new Int32Array(this.buffer, text, 1);
    // a TextDecoder takes no shared memory
    const bytes = new Uint8Array(this.buffer, text + 4, length).slice();
    return { numbers, error: new TextDecoder().decode(bytes) };
  }
}

/** The loop of a worker: runs `handler` on every job until the pool is closed. Apart, so that only
 *  workers bundle it. `at`: of the job block. */
export function serveJobs(
  buffer: ArrayBufferLike,
  at: number,
  rank: number,
  handler: (args: Int32Array, tick: () => void) => Result,
): void {
  const jobs = new Jobs(buffer, at);
  const words = new Int32Array(buffer, at);
  const tick = (): void => void jobs.beat(rank);
  const numbersAt = at + slotAt(rank);
  const text = numbersAt + NUMBERS * 8;
  let seen = Atomics.load(words, GENERATION);
  Atomics.add(words, READY, 1);
  for (;;) {
    waitWhile(words, GENERATION, seen, tick);
    seen = Atomics.load(words, GENERATION);
    if (Atomics.load(words, CLOSED) !== 0) return;
    const { numbers, error } = handler(words.subarray(HEADER), tick);
    new Float64Array(buffer, numbersAt, NUMBERS).set(numbers);
    const bytes = new TextEncoder().encode(error).subarray(0, ERROR_BYTES);
    new Int32Array(buffer, text, 1)[0] = bytes.length;
    new Uint8Array(buffer, text + 4, ERROR_BYTES).set(bytes);
    Atomics.add(words, DONE, 1);
    Atomics.notify(words, DONE);
  }
}
