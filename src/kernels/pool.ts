// The pool of worker threads: starts them, hands them jobs through words in the shared memory, collects their results. A job is a few
// integers; what they mean is its handler's affair (train/job.ts). Workers load the library's second file, dist/thread.js;
// where that, workers or shared memory cannot be had, the pool never becomes ready and the caller works alone: same bits.

import { waitWhile } from './team.ts';

/** Words of the job block. ARGUMENTS words follow the header, then a result slot per member. */
const GENERATION = 0, DONE = 1, READY = 2, CLOSED = 3, HEADER = 4;
const ARGUMENTS = 12;
/** Result slot: numbers as float64 words, then an error as UTF-8. */
const NUMBERS = 6, ERROR_BYTES = 480, SLOT = NUMBERS * 8 + ERROR_BYTES + 4;
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

  constructor(private readonly buffer: ArrayBuffer | SharedArrayBuffer, private readonly at: number) {
    this.words = new Int32Array(buffer, at, HEADER + ARGUMENTS);
  }

  /** All `others` workers are up. */
  ready(others: number): boolean {
    return Atomics.load(this.words, READY) === others;
  }

  start(args: readonly number[]): void {
    args.forEach((value, i) => { this.words[HEADER + i] = value; });
    Atomics.store(this.words, DONE, 0);
    Atomics.add(this.words, GENERATION, 1);
    Atomics.notify(this.words, GENERATION);
  }

  /** Waits for `others` workers to end the job. */
  join(others: number): void {
    for (let done = Atomics.load(this.words, DONE); done < others; done = Atomics.load(this.words, DONE)) waitWhile(this.words, DONE, done);
  }

  close(): void {
    Atomics.store(this.words, CLOSED, 1);
    this.start([]);
  }

  result(rank: number): Result {
    const at = this.at + slotAt(rank), numbers = Array.from(new Float64Array(this.buffer, at, NUMBERS));
    const bytes = new Uint8Array(this.buffer, at + NUMBERS * 8 + 4, ERROR_BYTES).slice(0, new Int32Array(this.buffer, at + NUMBERS * 8, 1)[0]);
    return { numbers, error: new TextDecoder().decode(bytes) };
  }

  /** The loop of a worker: runs `handler` on every job until the pool is closed. */
  serve(rank: number, handler: (args: Int32Array) => Result): void {
    let seen = Atomics.load(this.words, GENERATION);
    Atomics.add(this.words, READY, 1);
    for (;;) {
      waitWhile(this.words, GENERATION, seen);
      seen = Atomics.load(this.words, GENERATION);
      if (Atomics.load(this.words, CLOSED) !== 0) return;
      const { numbers, error } = handler(this.words.subarray(HEADER)), at = this.at + slotAt(rank);
      new Float64Array(this.buffer, at, NUMBERS).set(numbers);
      const bytes = new TextEncoder().encode(error).subarray(0, ERROR_BYTES);
      new Int32Array(this.buffer, at + NUMBERS * 8, 1)[0] = bytes.length;
      new Uint8Array(this.buffer, at + NUMBERS * 8 + 4, ERROR_BYTES).set(bytes);
      Atomics.add(this.words, DONE, 1);
      Atomics.notify(this.words, DONE);
    }
  }
}

interface AnyWorker {
  postMessage(message: unknown): void;
  terminate(): unknown;
  unref?(): void;
}

/** Starts a worker on `url` with a message; undefined where that is impossible. */
export function startWorker(url: URL, message: unknown): AnyWorker | undefined {
  try {
    const node = (globalThis as { process?: { getBuiltinModule?(name: string): { Worker: new (url: URL) => AnyWorker & { on(event: string, listener: () => void): void } } } }).process?.getBuiltinModule?.('node:worker_threads');
    if (node !== undefined) {
      const worker = new node.Worker(url);
      worker.on('error', () => {}); // a worker that cannot start leaves the caller alone at work
      worker.unref?.();
      worker.postMessage(message);
      return worker;
    }
    if (typeof Worker === 'undefined') return undefined;
    const worker = new Worker(url, { type: 'module' });
    worker.onerror = (event) => event.preventDefault();
    worker.postMessage(message);
    return worker;
  } catch {
    return undefined;
  }
}

/** In a worker: calls `receive` with the first message. */
export function onFirstMessage(receive: (message: never) => void): void {
  const node = (globalThis as { process?: { getBuiltinModule?(name: string): { parentPort: { once(event: 'message', listener: (message: never) => void): void } | null } } }).process?.getBuiltinModule?.('node:worker_threads');
  if (node?.parentPort) node.parentPort.once('message', receive);
  else addEventListener('message', (event) => receive((event as MessageEvent).data as never), { once: true });
}
