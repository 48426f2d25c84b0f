// Trains a vision transformer.

import { type Filled, MAX_LENGTH, callback, integers, typed } from '../core/check.ts';
import type { Backend } from '../kernels/kernels.ts';
import type { AnyModel } from '../models/any-model.ts';
import { nats } from '../models/model.ts';
import { Vit } from '../models/vit.ts';
import { type VitConfig, checkVitConfig, vitTokens } from '../models/vit-config.ts';
import { ALL_RULES } from './more-rules.ts';
import { type CheckedOptions, type TrainOptions, checkOptions } from './options.ts';
import { type Kit, type MemoryPlan, plan } from './plan.ts';
import { type StepReport, Trainer } from './trainer.ts';

export const VIT: Kit<Vit, Filled<VitConfig>> = { make: (arena, config, run) => new Vit(arena, config, run), rules: ALL_RULES };

/** Fills in the defaults; throws UsageError for the first value out of range.
 *  @example
 *  const model = { kind: 'vit', width: 28, height: 28, colours: 1, classes: 10, patch: 7, layers: 2, channels: 64, heads: 4 };
 *  const { seed, learningRate, reversible, model: { mlpRatio } } = checkVitOptions({ model, batch: 8, steps: 500 });
 *  console.log(seed, learningRate, reversible, mlpRatio); // 1 0.001 bdia 4
 */
export function checkVitOptions(options: TrainOptions<VitConfig> | CheckedOptions<AnyModel>): CheckedOptions<Filled<VitConfig>> {
  return checkOptions(options as TrainOptions<VitConfig>, checkVitConfig, vitTokens);
}

/** Bytes by purpose of a training run, before anything is allocated. Throws UsageError for options that are wrong, or a model that does not
 *  fit in `memoryLimit`.
 *  @example
 *  const model = { kind: 'vit', width: 32, height: 32, colours: 3, classes: 10, patch: 4, layers: 6, channels: 64, heads: 4 };
 *  console.log(planVit({ model, batch: 8, steps: 100 }).bytes.sideBits); // 20800
 */
export const planVit = (options: TrainOptions<VitConfig> | CheckedOptions<AnyModel>): MemoryPlan => plan(checkVitOptions(options), VIT);

/** A training run of a vision transformer.
 *  @example
 *  const model = { kind: 'vit', width: 4, height: 4, colours: 1, classes: 2, patch: 2, layers: 2, channels: 8, heads: 2 };
 *  const trainer = VitTrainer.create({ model, batch: 2, steps: 30, learningRate: 0.02, warmup: 5 });
 *  const images = new Uint8Array(32).fill(255, 0, 16), labels = Int32Array.of(0, 1); // a white one and a black one
 *  while (trainer.steps < 30) trainer.trainStep(images, labels);
 *  console.log(trainer.evaluate(images, labels).accuracy); // 1
 */
export class VitTrainer extends Trainer<Vit, Filled<VitConfig>> {
  /** Kept by bundlers. @internal */
  static override readonly name = 'VitTrainer';
  /** A new run with initial weights. `makeBackend` chooses another back end than the release build, `threadModule` another place of
   *  the workers' file (both for tests). Throws UsageError for wrong options and for a model that does not fit, with the bytes
   *  needed and allowed; RetrogradError if the runtime lacks WebAssembly SIMD or is big-endian.
   *  @example
   *  const model = { kind: 'vit', width: 4, height: 4, colours: 1, classes: 2, patch: 2, layers: 2, channels: 8, heads: 2 };
   *  const trainer = VitTrainer.create({ model, batch: 2, steps: 30, seed: 3 });
   *  console.log(trainer.parameters, trainer.steps); // 1672 0
   */
  static create(options: TrainOptions<VitConfig> | CheckedOptions<AnyModel>, makeBackend?: (bytes: number) => Backend, threadModule?: URL): VitTrainer {
    return new VitTrainer(checkVitOptions(options), VIT, makeBackend, threadModule);
  }

  /** One step on B images (bytes, row-major, channel last) and their classes. Throws before any weight is touched: UsageError for a wrong
   *  number of bytes or a class that there is not, OverflowError, ReconstructionError.
   *  @example
   *  const model = { kind: 'vit', width: 4, height: 4, colours: 1, classes: 2, patch: 2, layers: 2, channels: 8, heads: 2 };
   *  const trainer = VitTrainer.create({ model, batch: 2, steps: 30 });
   *  const images = new Uint8Array(32).fill(255, 0, 16), labels = Int32Array.of(0, 1); // a white one and a black one
   *  const { step, loss, correct, checkedStates, mismatchedElements } = trainer.trainStep(images, labels);
   *  console.log(step, loss.toFixed(6), correct, checkedStates, mismatchedElements); // 1 0.693481 1 2 0
   */
  trainStep(images: Uint8Array, labels: Int32Array): StepReport {
    return this.step(this.loader(images, labels), this.options.batch);
  }

  /** The gradients of the summed loss (int64, 28 fraction bits) of a batch at the present weights, left in `gradient(name)`;
   *  returns the mean loss in nats.
   *  @example
   *  const model = { kind: 'vit', width: 4, height: 4, colours: 1, classes: 2, patch: 2, layers: 2, channels: 8, heads: 2 };
   *  const trainer = VitTrainer.create({ model, batch: 2, steps: 30 });
   *  const loss = trainer.computeGradients(new Uint8Array(32).fill(255, 0, 16), Int32Array.of(0, 1));
   *  console.log(loss.toFixed(6), trainer.gradient('head.weight').length); // 0.693481 16
   */
  computeGradients(images: Uint8Array, labels: Int32Array): number {
    return this.accumulate(this.loader(images, labels), this.options.batch).loss;
  }

  private loader(images: Uint8Array, labels: Int32Array): (first: number, count: number) => void {
    const { batch } = this.options, own = this.labels(labels, batch);
    this.checkImages(images, batch);
    return (first, count) => this.all.model.load(this.device, images, own, first, count);
  }

  /** Mean loss in nats and share of right predictions over any number of images, of the plain model. gamma: another value for inference,
   *  +-0.125, +-0.25 or +-0.5 (0), of a model trained with 'bdia', 'none' or 'checkpointing'. Throws UsageError for no image, and for what trainStep refuses.
   *  @example
   *  const model = { kind: 'vit', width: 4, height: 4, colours: 1, classes: 2, patch: 2, layers: 2, channels: 8, heads: 2 };
   *  const trainer = VitTrainer.create({ model, batch: 2, steps: 30 });
   *  const { loss, accuracy } = trainer.evaluate(new Uint8Array(48).fill(255, 0, 16), Int32Array.of(0, 1, 1)); // 3 images
   *  console.log(loss.toFixed(6), accuracy.toFixed(6)); // 0.701757 0.333333
   */
  evaluate(images: Uint8Array, labels: Int32Array, onImage?: (done: number, of: number) => void, gamma = 0): { loss: number; accuracy: number } {
    const { microBatch } = this.options, sum = { loss: 0, correct: 0 };
    // A copy: onImage may change them.
    const own = new Int32Array(this.labels(labels, 1, MAX_LENGTH)), { length } = own;
    if (onImage !== undefined) callback('onImage', onImage);
    for (let first = 0; first < length; first += microBatch) {
      const count = Math.min(microBatch, length - first);
      this.checkImages(images, length); // every time: onImage may have transferred them
      this.all.model.load(this.device, images, own, first, count);
      const { loss, correct } = this.score(count, gamma);
      sum.loss += loss;
      sum.correct += correct;
      onImage?.(first + count, length);
    }
    return { loss: nats(sum.loss) / length, accuracy: sum.correct / length };
  }

  /** Logits of one image in nats, one a class. Integers times a power of two: the same on every machine.
   *  @example
   *  const model = { kind: 'vit', width: 4, height: 4, colours: 1, classes: 2, patch: 2, layers: 2, channels: 8, heads: 2 };
   *  const logits = VitTrainer.create({ model, batch: 2, steps: 30 }).logits(new Uint8Array(16).fill(255));
   *  console.log(logits.length, logits[1].toFixed(6)); // 2 -0.044946
   */
  logits(image: Uint8Array): Float64Array<ArrayBuffer> {
    this.checkImages(image, 1);
    const { raw, fraction } = this.all.model.logits(this.device, image);
    return Float64Array.from(raw, (v) => v / 2 ** fraction);
  }

  /** Least to most classes. */
  private labels(given: Int32Array, least: number, most = least): Int32Array {
    return integers('labels', given, 0, this.options.model.classes - 1, least, most);
  }

  private checkImages(images: Uint8Array, count: number): void {
    const { width, height, colours } = this.options.model;
    typed('images', images, 'Uint8Array', count * width * height * colours);
  }
}
