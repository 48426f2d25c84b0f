// How many tokens a second are computed, by the clock, smoothed.

/** Share of the past in the mean. */
const PAST = 0.9;

export class Speed {
  /** Tokens a second; 0: not known yet. */
  rate = 0;
  private before: { tokens: number; time: number } | undefined;
  private total = 0;

  /** The clock begins anew: after a pause. */
  restart(now: number): void {
    this.before = { tokens: this.total, time: now };
  }

  /** `tokens` so far. */
  take(tokens: number, now: number): void {
    this.total = tokens;
    const { before } = this;
    if (before === undefined || now <= before.time || tokens <= before.tokens) return;
    const rate = (1000 * (tokens - before.tokens)) / (now - before.time);
    this.rate = this.rate === 0 ? rate : PAST * this.rate + (1 - PAST) * rate;
    this.before = { tokens, time: now };
  }
}
