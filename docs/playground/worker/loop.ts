// Steps one after the other, in a worker that must hear the page: it yields after every step.

/** What is done in a loop. */
export interface Work {
  /** Whether the last step is done. */
  isDone(): boolean;
  step(): void;
  /** After a step, when the page was heard. */
  between?(): Promise<void>;
  /** When the last step is done. */
  end(): Promise<unknown>;
  failed(error: unknown): void;
}

/** Lets messages arrive: a macrotask without the timers' least delay. */
const { port1, port2 } = new MessageChannel();
let wake: (() => void) | undefined;
port1.onmessage = () => wake?.();
const breathe = (): Promise<void> =>
  new Promise((resolve) => {
    wake = resolve;
    port2.postMessage(0);
  });

export class Loop {
  /** No step is done any more. */
  isEnded = false;
  private isRunning = false;
  private turns: Promise<void> | undefined;

  constructor(private readonly work: Work) {}

  /** Goes on until the last step, or until it is told to pause. There is one loop at a time. */
  go(): void {
    if (this.isEnded) return;
    this.isRunning = true;
    this.turns ??= this.run().finally(() => {
      this.turns = undefined;
    });
  }

  /** The next step is not begun. */
  pause(): void {
    this.isRunning = false;
  }

  close(): void {
    this.isRunning = false;
    this.isEnded = true;
  }

  private async run(): Promise<void> {
    const { work } = this;
    try {
      await breathe(); // what was asked is answered first
      while (this.isRunning && !work.isDone()) {
        work.step();
        await breathe();
        if (this.isRunning) await work.between?.();
      }
      if (work.isDone()) await work.end();
    } catch (error) {
      this.isEnded = true;
      work.failed(error);
    }
    this.isRunning = false;
  }
}
