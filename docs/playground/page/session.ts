// A worker of the page: asks and is answered, and hears what happens.

import type { Answer, Event, Failure, Given, Question, Reply } from '../protocol.ts';

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

/** Threads for a run: none beside the worker where the page is not isolated. */
export const threadsFor = (batch: number): number => {
  const cores = navigator.hardwareConcurrency ?? 1;
  return globalThis.crossOriginIsolated === true ? Math.max(1, Math.min(cores, batch, 8)) : 1;
};

interface Waiting {
  readonly resolve: (answer: never) => void;
  readonly reject: (error: unknown) => void;
}

export class Session {
  private readonly worker = new Worker(new URL('./worker.js', import.meta.url), { type: 'module' });
  private readonly waiting = new Map<number, Waiting>();
  private asked = 0;

  constructor(private readonly hear: (event: Event) => void) {
    this.worker.addEventListener('message', ({ data }: MessageEvent<Reply>) => this.take(data));
    this.worker.addEventListener('error', (event) => {
      event.preventDefault();
      for (const { reject } of this.waiting.values()) reject(new Refusal(LOST));
      this.waiting.clear();
      this.hear({ kind: 'failed', step: 0, failure: LOST });
    });
  }

  ask<Q extends Question>(question: Q, given: Given<Q>): Promise<Answer<Q>> {
    const id = ++this.asked;
    return new Promise((resolve, reject) => {
      this.waiting.set(id, { resolve, reject });
      this.worker.postMessage({ id, question, given });
    });
  }

  private take(reply: Reply): void {
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
