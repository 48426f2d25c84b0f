// What one end of a channel knows: a model that goes on learning, step by step, on the tokens that
// went through. Both ends do the same steps, so they have the same weights, bit for bit.

import { sha256 } from '../core/digest.ts';
import {
  constant,
  isWeight,
  loadWeights,
  type NamedTensor,
  OverflowError,
  type TextBatch,
  Trainer,
  textWindows,
} from '../index.ts';
import type { ByteModel } from './model-shape.ts';

/** How a channel learns. Both ends must have the same. */
export interface LearnOptions {
  /** Tokens between two steps; 0: it does not learn (the context). */
  interval?: number | undefined;
  /** Windows a step, 1..64: the newest, and some of those before (2). */
  batch?: number | undefined;
  /** The learning rate, 0 to 1 (0.0005). */
  learningRate?: number | undefined;
}

/** Tokens that are remembered. */
const HISTORY = 2 ** 14;
/** A step's outcome in the digest. */
const DONE = 0;
const REFUSED = 1;

/** A copy of tensors, which steps do not change. */
const copied = (tensors: readonly NamedTensor[]): NamedTensor[] =>
  tensors.map((tensor) => ({ ...tensor, data: tensor.data.slice() }));

export class Learner {
  /** Steps that were refused because a number left its range. They leave no trace. */
  refused = 0;
  /** Tokens since the last step. */
  since = 0;
  /** The last tokens that went through. */
  history: Int32Array = new Int32Array(0);
  readonly trainer: Trainer<TextBatch>;

  constructor(
    private readonly model: ByteModel,
    readonly options: Required<LearnOptions>,
  ) {
    const { batch, learningRate } = options;
    const rate = constant(learningRate);
    this.trainer = Trainer.create({ model, batch, steps: 2 ** 31 - 1, learningRate: rate });
  }

  /** Begins with the weights of a model. */
  load(tensors: readonly NamedTensor[]): void {
    loadWeights(this.trainer, tensors);
  }

  /** The weights as they are. */
  weights(): NamedTensor[] {
    return this.trainer.tensors().filter(isWeight);
  }

  /** Takes tokens that went through. Returns how many steps are due. */
  take(tokens: Int32Array): number {
    const all = new Int32Array(this.history.length + tokens.length);
    all.set(this.history);
    all.set(tokens, this.history.length);
    this.history = all.slice(-HISTORY);
    const { interval } = this.options;
    if (interval === 0) return 0;
    this.since += tokens.length;
    const due = Math.floor(this.since / interval);
    this.since -= due * interval;
    return due;
  }

  /** One step, `behind` tokens before the newest; `use` gets the new weights. What either refuses
   *  is undone. Returns what the digest takes in of it. */
  async step(behind: number, use: (tensors: NamedTensor[]) => void): Promise<Uint8Array> {
    const batch = this.batch(behind);
    if (batch === undefined) return Uint8Array.of(DONE);
    const { trainer } = this;
    const before = copied(trainer.tensors());
    const { steps } = trainer;
    try {
      trainer.step(batch);
      use(this.weights());
    } catch (error) {
      if (!(error instanceof OverflowError)) throw error;
      this.refused++;
      trainer.restore(before, steps);
      use(this.weights());
      return Uint8Array.of(REFUSED);
    }
    return sha256([Uint8Array.of(DONE), new TextEncoder().encode(await trainer.weightsSha256())]);
  }

  /** The newest window, and others that are spread evenly over what came before. */
  private batch(behind: number): TextBatch | undefined {
    const { context } = this.model.config;
    const end = this.history.length - behind;
    const windows: Int32Array[] = [];
    const { batch } = this.options;
    if (end < context + 1) return undefined;
    for (let i = 0; i < batch; i++) {
      const last = context + 1 + Math.floor(((end - context - 1) * (batch - i)) / batch);
      windows.push(this.history.subarray(last - context - 1, last));
    }
    const parts = windows.map((window) => textWindows(window, context));
    const join = (key: keyof TextBatch): Int32Array =>
      Int32Array.from(parts.flatMap((part) => Array.from(part[key])));
    return { inputs: join('inputs'), targets: join('targets') };
  }
}
