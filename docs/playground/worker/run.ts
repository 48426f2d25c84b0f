// One run: steps, and between them what else is due. It yields after every step, so that the page
// is heard; judging and writing change no bit of the weights.

import { encodeCheckpoint, fillBatch, type TextBatch, type Trainer } from 'retrograd';
import { Generator } from 'retrograd/generate';
import type { Event, RunInfo } from '../protocol.ts';
import type { Settings } from '../settings.ts';
import { failureOf } from './failure.ts';
import { infoOf, type LearnedText } from './learned-text.ts';
import { Loop } from './loop.ts';

/** Milliseconds between two reports to the page, and between two texts at least. */
const REPORT_EVERY = 80;
const WRITE_EVERY = 1500;
/** A text is written when so many times what the last one took has passed. */
const WRITE_SHARE = 12;
const WRITTEN_TOKENS = 180;
/** The run is judged so many times, by so many windows. */
const JUDGED_TIMES = 30;
const JUDGED_WINDOWS = 24;
const JUDGED_LEAST = 10;
const LIBRARY_VERSION = '0.1.0';

export class Run {
  private losses: number[] = [];
  private milliseconds = 0;
  private reported = Number.NEGATIVE_INFINITY; // the first step at once
  private writeAt = performance.now() + 600;
  private readonly batch: TextBatch;
  private readonly judged: TextBatch;
  private readonly loop = new Loop({
    isDone: () => this.trainer.steps >= this.trainer.options.steps,
    step: () => this.step(),
    between: () => this.showIfDue(),
    end: () => this.end(),
    failed: (error) => this.failed(error),
  });

  constructor(
    readonly trainer: Trainer<TextBatch>,
    readonly settings: Settings,
    readonly text: LearnedText,
    private readonly emit: (event: Event) => void,
  ) {
    const { batch, context } = settings;
    const size = batch * context;
    this.batch = { inputs: new Int32Array(size), targets: new Int32Array(size) };
    this.judged = someWindows(text.validation, context);
  }

  get info(): RunInfo {
    const { trainer, settings, text } = this;
    const { steps: step, parameters, peakBytes: memory, threads, threadsNote } = trainer;
    return { settings, step, parameters, memory, threads, threadsNote, text: infoOf(text) };
  }

  /** Goes on until the last step, or until it is told to pause. */
  go(): void {
    this.loop.go();
  }

  private failed(error: unknown): void {
    this.report();
    this.emit({ kind: 'failed', step: this.trainer.steps, failure: failureOf(error) });
  }

  private step(): void {
    const { trainer, settings, batch, text } = this;
    const { seed, batch: count, context } = settings;
    const start = performance.now();
    fillBatch(
      text.train,
      { seed, batch: count, context, step: trainer.steps },
      batch.inputs,
      batch.targets,
    );
    this.losses.push(trainer.step(batch).loss);
    const now = performance.now();
    this.milliseconds += now - start;
    if (trainer.steps % judgedEvery(settings) === 0) this.judge();
    if (now - this.reported > REPORT_EVERY) this.report();
  }

  private report(): void {
    const { losses, milliseconds, trainer } = this;
    if (losses.length === 0) return;
    const { steps: step, threads } = trainer;
    this.emit({ kind: 'steps', step, losses, milliseconds, threads });
    this.losses = [];
    this.milliseconds = 0;
    this.reported = performance.now();
  }

  private judge(): void {
    const { loss } = this.trainer.evaluate(this.judged);
    this.emit({ kind: 'validation', step: this.trainer.steps, loss });
  }

  /** Writes a text as the model would now. */
  async write(prompt: string, maxTokens: number): Promise<string> {
    const generator = Generator.create(this.trainer, { codec: this.text.vocabulary });
    const options = { maxTokens, temperature: 0.7, seed: 1 };
    let text = '';
    for await (const piece of generator.generate(prompt, options)) text += piece.text;
    return text;
  }

  private async showIfDue(): Promise<void> {
    if (performance.now() >= this.writeAt) await this.show();
  }

  private async show(): Promise<void> {
    const start = performance.now();
    const { prompt } = this.text;
    const { steps: step } = this.trainer;
    const text = await this.write(prompt, WRITTEN_TOKENS);
    this.emit({ kind: 'written', step, prompt, text });
    const now = performance.now();
    this.writeAt = now + Math.max(WRITE_EVERY, WRITE_SHARE * (now - start));
  }

  /** The next step is not begun. */
  pause(): { step: number } {
    this.loop.pause();
    this.report();
    return { step: this.trainer.steps };
  }

  /** Ends here; the weights stay to be looked at and saved. */
  async end(): Promise<{ step: number }> {
    this.pause();
    const { trainer } = this;
    const { steps: step, totals } = trainer;
    if (this.loop.isEnded) return { step };
    this.loop.close();
    await this.show();
    const { checkedStates, mismatchedElements } = totals;
    const digest = await trainer.weightsSha256();
    const isComplete = step === trainer.options.steps;
    this.emit({ kind: 'end', step, isComplete, digest, checkedStates, mismatchedElements });
    trainer.close();
    return { step };
  }

  /** The run as a file that the command line reads. */
  async save(): Promise<{ file: Uint8Array; step: number }> {
    const { trainer, text } = this;
    const { options, steps: step } = trainer;
    const about = { vocabulary: text.vocabulary.toJson(), dataSha256: text.sha256 };
    const tensors = trainer.tensors();
    const run = { tensors, options, step, libraryVersion: LIBRARY_VERSION };
    return { file: await encodeCheckpoint({ ...run, ...about }), step };
  }

  close(): void {
    this.loop.close();
    this.trainer.close();
  }
}

/** Steps between two judgements. */
const judgedEvery = ({ steps }: Settings): number =>
  Math.max(JUDGED_LEAST, Math.ceil(steps / JUDGED_TIMES));

/** Windows of held-out text, evenly from its beginning to its end. */
function someWindows(tokens: Int32Array, context: number): TextBatch {
  const all = Math.floor((tokens.length - 1) / context);
  const count = Math.min(all, JUDGED_WINDOWS);
  const inputs = new Int32Array(count * context);
  const targets = new Int32Array(count * context);
  for (let i = 0; i < count; i++) {
    const start = Math.floor((i * all) / count) * context;
    inputs.set(tokens.subarray(start, start + context), i * context);
    targets.set(tokens.subarray(start + 1, start + context + 1), i * context);
  }
  return { inputs, targets };
}
