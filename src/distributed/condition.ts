// What waits for something to happen: a condition variable with a time limit.

import type { Clock } from './courier.ts';

export class Condition {
  private readonly waiting = new Set<() => void>();

  /** Whoever waits looks again. */
  notify(): void {
    for (const wake of this.waiting) wake();
    this.waiting.clear();
  }

  /** Until something happens, but no longer than so many milliseconds. Keeps nothing of who waited
   *  in vain. */
  async wait(clock: Clock, milliseconds: number): Promise<void> {
    let wake = (): void => undefined;
    const woken = new Promise<void>((resolve) => {
      wake = resolve;
    });
    this.waiting.add(wake);
    await Promise.race([clock.sleep(milliseconds), woken]);
    this.waiting.delete(wake);
  }
}
