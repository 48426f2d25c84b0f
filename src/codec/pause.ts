// Long work in pieces, so that a page stays alive and a signal is seen.

import { later } from '../generate/places.ts';

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
