// Long work in pieces, so that a page stays alive and a signal is seen.

import { callback, reading } from '../core/check.ts';
import { later } from '../generate/places.ts';
import { UsageError } from '../index.ts';

/** Resolves when everything else that waits has been done. */
export const pause = (): Promise<void> => new Promise(later);

/** Works one after the other: a model can be in one place only. */
export class Turns {
  private last: Promise<unknown> = Promise.resolve();

  /** Does work when all before it is done. */
  take<T>(work: () => Promise<T>): Promise<T> {
    const next = this.last.then(work, work);
    this.last = next.catch(() => undefined);
    return next;
  }
}

/** What long work calls now and then with the bytes that are done: lets others work, and throws if
 *  the work is to end. */
export type Progress = (bytes: number) => Promise<void>;

/** Where the work is: what it tells, and whether it goes on. */
export class Watch {
  /** Throws UsageError for what is no signal and no function. */
  constructor(
    private readonly signal: AbortSignal | undefined,
    private readonly onProgress: ((bytes: number) => void) | undefined,
  ) {
    if (onProgress !== undefined) callback('onProgress', onProgress);
    if (signal !== undefined && typeof this.read(signal, 'aborted') !== 'boolean')
      throw new UsageError('signal is no AbortSignal', "give an AbortController's");
  }

  private read<K extends 'aborted' | 'reason'>(signal: AbortSignal, key: K): unknown {
    return reading('signal', () => Object(signal)[key]);
  }

  /** Throws the signal's reason if it is aborted. */
  check(): void {
    const { signal } = this;
    if (signal !== undefined && this.read(signal, 'aborted')) throw this.read(signal, 'reason');
  }

  /** Lets others work. Throws the signal's reason. */
  async step(bytes: number): Promise<void> {
    this.check();
    this.onProgress?.(bytes);
    await pause();
    this.check();
  }

  /** `step` of work that begins after so many bytes. */
  progress(before = 0): Progress {
    return (bytes) => this.step(before + bytes);
  }
}
