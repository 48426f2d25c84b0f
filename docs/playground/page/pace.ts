// How fast a run goes and how long it will take, by the clock.

import { about, duration } from '../format.ts';

/** Share of the past in the mean of the pace. */
const PAST = 0.9;

export class Pace {
  /** Steps a second, smoothed. */
  private rate = 0;
  private before: number | undefined;

  /** The clock begins anew: after a pause. */
  restart(now: number): void {
    this.before = now;
  }

  take(steps: number, now: number): void {
    const seconds = (now - (this.before ?? now)) / 1000;
    this.before = now;
    if (seconds <= 0) return;
    const rate = steps / seconds;
    this.rate = this.rate === 0 ? rate : PAST * this.rate + (1 - PAST) * rate;
  }

  /** Tokens a second, of steps of so many tokens. */
  speed(tokens: number): string {
    return this.rate === 0 ? '–' : about(this.rate * tokens);
  }

  left(steps: number): string {
    return this.rate === 0 ? '–' : duration(steps / this.rate);
  }
}
