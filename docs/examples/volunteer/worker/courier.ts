// The way to the coordinator, with a hand on it: questions for work wait while it is paused and end
// when it is stopped or when the next part would pass the limit of bytes. A part that is begun is
// finished and handed in.

import type { WorkerCourier } from 'retrograd/distributed';

type Bytes = Uint8Array<ArrayBuffer>;

/** Questions without an answer after which it is said, and looked whether the run is there. */
const SILENT = 5;

export interface Hand {
  /** Bytes that were sent and received so far. */
  moved(): number;
  /** Most of them; undefined: any number. */
  readonly most: number | undefined;
  /** What is said at the end, if the limit is reached. */
  readonly full: string;
  /** No question is asked any more, and nothing is on its way. */
  paused(): void;
  /** Nobody answers, or somebody does again. */
  silent(isSilent: boolean): void;
  /** Whether the server knows the run. */
  isThere(): Promise<boolean>;
  /** What is said at the end, if it does not. */
  readonly gone: string;
}

const endOf = (why: string): Bytes => new TextEncoder().encode(`${JSON.stringify({ end: why })}\n`);

export class HeldCourier implements WorkerCourier {
  private reporting: Promise<unknown> = Promise.resolve();
  private held: Promise<void> | undefined;
  private release: () => void = () => undefined;
  private why: string | undefined;
  /** Bytes moved when the last question was asked, and most between two of them. */
  private before: number;
  private largest = 0;
  private failures = 0;

  constructor(
    private readonly courier: WorkerCourier,
    private readonly hand: Hand,
  ) {
    this.before = hand.moved();
  }

  pause(): void {
    this.held ??= new Promise((resolve) => {
      this.release = resolve;
    });
  }

  resume(): void {
    this.held = undefined;
    this.release();
  }

  /** Answers the next question itself: it has ended. */
  end(why: string): void {
    this.why ??= why;
    this.resume();
  }

  async ask(message: Bytes): Promise<Bytes> {
    await this.hold();
    if (this.why === undefined && (await this.isFull())) this.why = this.hand.full;
    if (this.why !== undefined) return endOf(this.why);
    try {
      const answer = await this.courier.ask(message);
      if (this.failures >= SILENT) this.hand.silent(false);
      this.failures = 0;
      return answer;
    } catch (error) {
      await this.failed();
      throw error;
    }
  }

  private async hold(): Promise<void> {
    while (this.held !== undefined) {
      await this.reporting;
      this.hand.paused();
      await this.held;
    }
  }

  /** Whether a part as large as the largest so far would pass the limit. */
  private async isFull(): Promise<boolean> {
    const { hand } = this;
    this.largest = Math.max(this.largest, hand.moved() - this.before);
    this.before = hand.moved();
    if (hand.most === undefined) return false;
    if (hand.moved() + 2 * this.largest <= hand.most) return false;
    await this.reporting; // it is not counted yet
    return hand.moved() + this.largest > hand.most;
  }

  private async failed(): Promise<void> {
    this.failures++;
    if (this.failures === SILENT) this.hand.silent(true);
    if (this.failures % SILENT === 0 && !(await this.hand.isThere())) this.end(this.hand.gone);
  }

  report(message: Bytes): Promise<Bytes> {
    const answer = this.courier.report(message);
    this.reporting = answer.catch(() => undefined);
    return answer;
  }

  fetch(sha256: string): Promise<Bytes | undefined> {
    return this.courier.fetch(sha256);
  }
}
