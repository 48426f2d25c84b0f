// One run: steps, and between them what else is due. It yields after every step, so that the page
// is heard; judging changes no bit of the weights.

import type { ImageBatch, Trainer } from 'retrograd';
import { Generator } from 'retrograd/generate';
import { failureOf } from '../../../playground/worker/failure.ts';
import { Loop } from '../../../playground/worker/loop.ts';
import type { Event, RunInfo } from '../protocol.ts';
import { Batches, type Digits, some } from '../set.ts';
import { BATCH, type Settings } from '../settings.ts';
import { meanOverViews } from '../views.ts';

/** Milliseconds between two reports to the page. */
const REPORT_EVERY = 80;
/** The run is judged so many times by some of the unseen digits, at its end by all. */
const JUDGED_TIMES = 20;
const JUDGED_IMAGES = 300;
const REFUSED = {
  name: 'UsageError',
  message: 'the browser refuses the memory that training needs',
  hint: 'close other tabs, then reload the page',
};

export const refusalOf = (error: unknown) => failureOf(error, REFUSED);

export class Run {
  private losses: number[] = [];
  private milliseconds = 0;
  private reported = Number.NEGATIVE_INFINITY; // the first step at once
  private readonly batches: Batches;
  private readonly judged: ImageBatch;
  private readonly loop = new Loop({
    isDone: () => this.trainer.steps >= this.settings.steps,
    step: () => this.step(),
    end: () => this.end(),
    failed: (error) => this.failed(error),
  });
  /** The network as it was after a step. */
  private seer: { step: number; generator: Generator } | undefined;

  constructor(
    readonly trainer: Trainer<ImageBatch>,
    readonly settings: Settings,
    private readonly set: Digits,
    private readonly emit: (event: Event) => void,
  ) {
    this.batches = new Batches(set.known, settings.seed, BATCH);
    this.judged = some(set.unseen, JUDGED_IMAGES);
  }

  get info(): RunInfo {
    const { parameters, peakBytes: memory, threads, threadsNote } = this.trainer;
    const counts = { known: this.set.known.count, unseen: this.set.unseen.count };
    return { settings: this.settings, parameters, memory, threads, threadsNote, ...counts };
  }

  /** Goes on until the last step, or until it is told to pause. */
  go(): void {
    this.loop.go();
  }

  private failed(error: unknown): void {
    this.report();
    this.emit({ kind: 'failed', step: this.trainer.steps, failure: refusalOf(error) });
  }

  private step(): void {
    const { trainer, settings } = this;
    const start = performance.now();
    this.losses.push(trainer.step(this.batches.at(trainer.steps)).loss);
    const now = performance.now();
    this.milliseconds += now - start;
    if (now - this.reported > REPORT_EVERY) this.report();
    const every = Math.max(1, Math.ceil(settings.steps / JUDGED_TIMES));
    if (trainer.steps % every === 0 && trainer.steps < settings.steps) this.judge(this.judged);
  }

  private report(): void {
    const { losses, trainer } = this;
    if (losses.length === 0) return;
    this.emit({ kind: 'steps', step: trainer.steps, losses, threads: trainer.threads });
    this.losses = [];
    this.reported = performance.now();
  }

  private judge(batch: ImageBatch): void {
    const { loss, accuracy } = this.trainer.evaluate(batch);
    const images = batch.labels.length;
    this.emit({ kind: 'judged', step: this.trainer.steps, loss, accuracy, images });
  }

  /** The probabilities of the digits for an image, by the weights as they are now. */
  see(image: Uint8Array): number[] {
    const { steps: step } = this.trainer;
    if (this.seer?.step !== step) this.seer = { step, generator: Generator.create(this.trainer) };
    const { generator } = this.seer;
    return meanOverViews(image, (view) => generator.classify(view));
  }

  /** The next step is not begun. */
  pause(): { step: number } {
    this.loop.pause();
    this.report();
    return { step: this.trainer.steps };
  }

  /** Ends here; the weights stay to look at drawings. */
  async end(): Promise<{ step: number }> {
    this.pause();
    const { trainer, settings, milliseconds } = this;
    const { steps: step, totals } = trainer;
    if (this.loop.isEnded) return { step };
    this.loop.close();
    const { pixels: images, labels } = this.set.unseen;
    this.judge({ images, labels });
    const { checkedStates, mismatchedElements } = totals;
    const digest = await trainer.weightsSha256();
    const found = { digest, checkedStates, mismatchedElements, milliseconds };
    this.emit({ kind: 'end', step, isComplete: step === settings.steps, ...found });
    trainer.close();
    return { step };
  }

  close(): void {
    this.loop.close();
    this.trainer.close();
  }
}
