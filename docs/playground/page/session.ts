// A worker of the page: asks and is answered, and hears what happens.

import type { Failure } from '../protocol.ts';

/** What a page may ask its worker: question -> what is given, what is answered. */
export type Questions<A> = {
  [Q in keyof A]: { readonly given: unknown; readonly answer: unknown };
};

/** What every worker may have to say. */
export interface Failed {
  readonly kind: 'failed';
  readonly step: number;
  readonly failure: Failure;
}

/** What a worker posts: an answer, a refusal, or what happens. */
export type Posted<E> =
  | { readonly id: number; readonly answer: unknown }
  | { readonly id: number; readonly failure: Failure }
  | { readonly event: E };

/** What the worker refused, with what to do about it. */
export class Refusal extends Error {
  readonly hint: string | undefined;
  constructor({ message, hint }: Failure) {
    super(message);
    this.hint = hint;
  }
}

const LOST: Failure = {
  name: 'Error',
  message: 'the browser ended the worker that trains, or did not start it',
  hint: 'reload the page; a smaller model needs less memory',
};

/** Threads for a run: none beside the worker where the page is not isolated. `spare`: processors
 *  that are left to the page. */
export const threadsFor = (batch: number, spare = 0): number => {
  const cores = (navigator.hardwareConcurrency ?? 1) - spare;
  return globalThis.crossOriginIsolated === true ? Math.max(1, Math.min(cores, batch, 8)) : 1;
};

interface Waiting {
  readonly resolve: (answer: never) => void;
  readonly reject: (error: unknown) => void;
}

export class Session<A extends Questions<A>, E> {
  private readonly worker = new Worker(new URL('./worker.js', import.meta.url), { type: 'module' });
  private readonly waiting = new Map<number, Waiting>();
  private asked = 0;

  constructor(private readonly hear: (event: E | Failed) => void) {
    this.worker.addEventListener('message', ({ data }: MessageEvent<Posted<E>>) => this.take(data));
    this.worker.addEventListener('error', (event) => {
      event.preventDefault();
      for (const { reject } of this.waiting.values()) reject(new Refusal(LOST));
      this.waiting.clear();
      this.hear({ kind: 'failed', step: 0, failure: LOST });
    });
  }

  ask<Q extends keyof A>(question: Q, given: A[Q]['given']): Promise<A[Q]['answer']> {
    const id = ++this.asked;
    return new Promise((resolve, reject) => {
      this.waiting.set(id, { resolve, reject });
      this.worker.postMessage({ id, question, given });
    });
  }

  private take(reply: Posted<E>): void {
    if ('event' in reply) {
      this.hear(reply.event);
      return;
    }
    const waiting = this.waiting.get(reply.id);
    this.waiting.delete(reply.id);
    if ('failure' in reply) waiting?.reject(new Refusal(reply.failure));
    else waiting?.resolve(reply.answer as never);
  }

  close(): void {
    this.worker.terminate();
  }
}
