// Trains a GPT.

import { type Filled, MAX_LENGTH, callback, integers } from '../core/check.ts';
import type { Backend } from '../kernels/kernels.ts';
import type { Gpt } from '../models/gpt.ts';
import type { GptConfig } from '../models/gpt-config.ts';
import { nats } from '../models/model.ts';
import { type TrainOptions, checkTrainOptions } from './options.ts';
import { GPT } from './plan.ts';
import { type StepReport, Trainer } from './trainer.ts';

/** A training run of a GPT: weights, optimizer and the memory they live in. Made by `create`; it prints nothing and keeps no clock.
 *  @example
 *  const model = { vocabulary: 4, layers: 2, channels: 8, heads: 2, context: 4 };
 *  const trainer = GptTrainer.create({ model, batch: 1, steps: 40, learningRate: 0.02, warmup: 5 });
 *  const inputs = Int32Array.of(0, 1, 2, 3), targets = Int32Array.of(1, 2, 3, 0); // counts round in a circle
 *  while (trainer.steps < 39) trainer.trainStep(inputs, targets);
 *  console.log(trainer.trainStep(inputs, targets).loss.toFixed(6)); // 0.059055
 *  console.log(trainer.totals.checkedStates, trainer.totals.mismatchedElements); // 40 0
 */
export class GptTrainer extends Trainer<Gpt, Filled<GptConfig>> {
  /** Kept by bundlers. @internal */
  static override readonly name = 'GptTrainer';
  /** A new run with initial weights. `makeBackend` chooses another back end than the release build, `threadModule` another place of
   *  the workers' file (both for tests). Throws UsageError for wrong options and for a model that does not fit, with the bytes
   *  needed and allowed; RetrogradError if the runtime lacks WebAssembly SIMD or is big-endian.
   *  @example
   *  const model = { vocabulary: 4, layers: 2, channels: 8, heads: 2, context: 4 };
   *  const trainer = GptTrainer.create({ model, batch: 1, steps: 10, seed: 3 });
   *  console.log(trainer.parameters, trainer.steps); // 1640 0
   */
  static create(options: TrainOptions, makeBackend?: (bytes: number) => Backend, threadModule?: URL): GptTrainer {
    return new GptTrainer(checkTrainOptions(options), GPT, makeBackend, threadModule);
  }

  /** One step on B*T token ids (row-major: B windows of T) and their targets, the same windows one token later. Throws before any weight is
   *  touched: UsageError for a wrong number of tokens or one outside the vocabulary, OverflowError if a weight, state or gradient left its
   *  exact range, ReconstructionError if a state was not rebuilt exactly.
   *  @example
   *  const model = { vocabulary: 4, layers: 2, channels: 8, heads: 2, context: 4 };
   *  const trainer = GptTrainer.create({ model, batch: 2, steps: 10 });
   *  const inputs = Int32Array.of(0, 1, 2, 3, 1, 2, 3, 0), targets = Int32Array.of(1, 2, 3, 0, 2, 3, 0, 1);
   *  const { step, loss, checkedStates, mismatchedElements } = trainer.trainStep(inputs, targets);
   *  console.log(step, loss.toFixed(6), checkedStates, mismatchedElements); // 1 1.382950 2 0
   */
  trainStep(inputs: Int32Array, targets: Int32Array): StepReport {
    return this.step(this.loader(inputs, targets), this.predictions);
  }

  /** The gradients of the summed loss (int64, 28 fraction bits) of a batch at the present weights, left in `gradient(name)`;
   *  returns the mean loss in nats. Part of trainStep, and throws what that does; on its own for tests and experiments.
   *  @example
   *  const model = { vocabulary: 4, layers: 2, channels: 8, heads: 2, context: 4 };
   *  const trainer = GptTrainer.create({ model, batch: 1, steps: 10 });
   *  const loss = trainer.computeGradients(Int32Array.of(0, 1, 2, 3), Int32Array.of(1, 2, 3, 0));
   *  console.log(loss.toFixed(6), trainer.steps); // 1.420349 0
   */
  computeGradients(inputs: Int32Array, targets: Int32Array): number {
    return this.accumulate(this.loader(inputs, targets), this.predictions).loss;
  }

  private loader(inputs: Int32Array, targets: Int32Array): (first: number, count: number) => void {
    const x = this.tokens('inputs', inputs, this.predictions);
    const y = this.tokens('targets', targets, this.predictions);
    return (first, count) => this.all.model.load(this.device, x, y, first, count);
  }

  /** Mean loss in nats a token of the plain model (gamma = 0) over all windows of T tokens that do not overlap; `onWindow` hears how many of
   *  how many are done. Changes no weight. gamma: another value for
   *  inference, +-0.125, +-0.25 or +-0.5 (0), of a model trained with 'bdia', 'none' or 'checkpointing'. Throws UsageError for fewer than T + 1 tokens or one outside the vocabulary.
   *  @example
   *  const model = { vocabulary: 4, layers: 2, channels: 8, heads: 2, context: 4 };
   *  const trainer = GptTrainer.create({ model, batch: 1, steps: 10 });
   *  const loss = trainer.evaluate(Int32Array.of(0, 1, 2, 3, 0, 1, 2, 3, 0));
   *  console.log(loss.toFixed(6)); // 1.422729
   */
  evaluate(tokens: Int32Array, onWindow?: (done: number, of: number) => void, gamma = 0): number {
    const { microBatch, model: { context: T } } = this.options;
    // A copy: onWindow may change them.
    const own = new Int32Array(this.tokens('tokens', tokens, T + 1, MAX_LENGTH));
    const windows = Math.floor((own.length - 1) / T);
    if (onWindow !== undefined) callback('onWindow', onWindow);
    let loss = 0;
    for (let w = 0; w < windows; w += microBatch) {
      const count = Math.min(microBatch, windows - w);
      this.all.model.load(this.device, own.subarray(w * T), own.subarray(w * T + 1), 0, count);
      loss += this.score(count, gamma).loss;
      onWindow?.(w + count, windows);
    }
    return nats(loss) / (windows * T);
  }

  /** V logits in nats after the last of 1..T tokens, of the plain model (gamma = 0). Integers times a power of two: the same on every machine.
   *  Throws UsageError for no token, more than T, or one outside the vocabulary.
   *  @example
   *  const model = { vocabulary: 4, layers: 2, channels: 8, heads: 2, context: 4 };
   *  const trainer = GptTrainer.create({ model, batch: 1, steps: 10 });
   *  const logits = trainer.logits(Int32Array.of(0, 1, 2));
   *  console.log(logits.length, logits[3].toFixed(6)); // 4 -0.086161
   */
  logits(tokens: Int32Array): Float64Array<ArrayBuffer> {
    const own = this.tokens('tokens', tokens, 1, this.options.model.context);
    const { raw, fraction } = this.all.model.logits(this.device, own);
    return Float64Array.from(raw, (v) => v / 2 ** fraction);
  }

  /** Of a batch. */
  private get predictions(): number {
    return this.options.batch * this.options.model.context;
  }

  /** Least to most token ids. */
  private tokens(name: string, given: Int32Array, least: number, most = least): Int32Array {
    return integers(name, given, 0, this.options.model.vocabulary - 1, least, most);
  }
}
