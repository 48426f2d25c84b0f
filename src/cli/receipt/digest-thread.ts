// The digests of a receipt on a thread of their own. What is digested changes with the next step,
// so it has to be copied: into memory that is used again and again, since fresh memory costs more
// than the copy. All that is asked for in one turn of the event loop is one message.

import { createHash } from 'node:crypto';
import { Worker } from 'node:worker_threads';
import type { Trainer } from '../library.ts';

/** Most bytes of a step that are copied so; more are digested before the next step. */
const MOST = 2 ** 30;

/** Digests ranges of shared memory: message { id, memory, ranges } -> { id, digests }. */
const DIGESTING = `
const { parentPort } = require('node:worker_threads')
const { createHash } = require('node:crypto')
parentPort.on('message', ({ id, memory, ranges }) => {
  const digests = ranges.map(([from, to]) =>
    createHash('sha256').update(new Uint8Array(memory, from, to - from)).digest('hex'))
  parentPort.postMessage({ id, digests })
})`;

interface Asked {
  from: number;
  to: number;
  found: (digest: string) => void;
}

/** What is asked for in one turn, in memory of its own. */
interface Turn {
  memory: SharedArrayBuffer;
  end: number;
  asked: Asked[];
}

const digestHere = (parts: readonly Uint8Array[]): string => {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return hash.digest('hex');
};

/** Digests on the thread of the steps: where all processors have steps to do it takes 0.98 of the
 *  time, as nothing is copied. */
export const DIGESTS_HERE: Pick<DigestThread, 'sha256' | 'close'> = {
  sha256: async (parts) => digestHere(parts),
  close: () => undefined,
};

/** Undefined if the system has no more. */
function fresh(bytes: number): SharedArrayBuffer | undefined {
  try {
    return new SharedArrayBuffer(bytes);
  } catch {
    return undefined;
  }
}

/** Digests beside the steps of a run; here, if the thread is lost. To be closed. */
export class DigestThread {
  private readonly worker = new Worker(DIGESTING, { eval: true });
  private readonly free: SharedArrayBuffer[] = [];
  private readonly sent = new Map<number, Turn>();
  private turn: Turn | undefined;
  private count = 0;
  private isLost = false;

  /** `bytes`: what a step is likely to ask for. */
  constructor(private readonly bytes: number) {
    this.worker.on('message', ({ id, digests }: { id: number; digests: string[] }) => {
      const { memory, asked } = this.sent.get(id) as Turn;
      this.sent.delete(id);
      this.free.push(memory);
      if (this.sent.size === 0) this.worker.unref();
      asked.forEach(({ found }, i) => {
        found(digests[i]);
      });
    });
    this.worker.on('error', () => {
      this.isLost = true;
      for (const { memory, asked } of this.sent.values())
        for (const { from, to, found } of asked)
          found(digestHere([new Uint8Array(memory, from, to - from)]));
    });
    this.worker.unref(); // after the listener for messages, which holds the process
  }

  /** SHA-256 of the parts as they are now, 64 hex digits. */
  readonly sha256 = (parts: readonly Uint8Array[]): Promise<string> => {
    const size = parts.reduce((sum, { length }) => sum + length, 0);
    const turn = this.isLost ? undefined : this.room(size);
    if (turn === undefined) return Promise.resolve(digestHere(parts));
    const from = turn.end;
    const bytes = new Uint8Array(turn.memory);
    for (const part of parts) {
      bytes.set(part, turn.end);
      turn.end += part.length;
    }
    return new Promise((found) => {
      turn.asked.push({ from, to: turn.end, found });
    });
  };

  /** What was asked for and not waited for is not told any more. */
  close(): void {
    void this.worker.terminate();
  }

  /** The turn that has room for so many bytes more; undefined if none can have. */
  private room(size: number): Turn | undefined {
    if (size > MOST) return undefined;
    if (this.turn !== undefined && this.turn.end + size > this.turn.memory.byteLength) this.send();
    if (this.turn !== undefined) return this.turn;
    const kept = this.free.pop();
    const isEnough = kept !== undefined && kept.byteLength >= size;
    const memory = isEnough ? kept : fresh(Math.max(size, Math.min(MOST, this.bytes)));
    if (memory === undefined) return undefined;
    const turn = { memory, end: 0, asked: [] };
    this.turn = turn;
    queueMicrotask(() => {
      if (this.turn === turn) this.send();
    });
    return turn;
  }

  private send(): void {
    const turn = this.turn as Turn;
    this.turn = undefined;
    const id = this.count++;
    this.sent.set(id, turn);
    this.worker.ref();
    const ranges = turn.asked.map(({ from, to }) => [from, to]);
    this.worker.postMessage({ id, memory: turn.memory, ranges });
  }
}

/** Bytes of a parameter in a step that digests all: gradient, weight, and the whole state. */
const PARAMETER = 24;

/** For the receipt of a trainer's run. */
export const digestsBeside = ({ parameters }: Trainer<never>): DigestThread =>
  new DigestThread(PARAMETER * parameters);
