// Trains a translator.

import { UsageError } from '../errors.ts';
import type { Backend } from '../kernels/kernels.ts';
import { nats } from '../models/model.ts';
import { Translator } from '../models/translator.ts';
import { type TranslatorConfig, checkTranslatorConfig } from '../models/translator-config.ts';
import { ALL_RULES } from './more-rules.ts';
import { type CheckedOptions, type TrainOptions, checkOptions } from './options.ts';
import { type Kit, type MemoryPlan, plan } from './plan.ts';
import { type StepReport, Trainer } from './trainer.ts';

export const TRANSLATOR: Kit<Translator, Required<TranslatorConfig>> = { make: (arena, config, run) => new Translator(arena, config, run), rules: ALL_RULES };

/** Pairs as tokens, in rows of T (the context): what is beyond a row's length is not looked at. PairBatch of the data readers is one. */
export interface TranslatorBatch {
  /** Source tokens with their end: Int32Array(B * T). */
  source: Int32Array;
  /** Tokens of each source row, 1..T: Int32Array(B). */
  sourceLengths: Int32Array;
  /** What the decoder reads: begin and the target tokens. Int32Array(B * T). */
  input: Int32Array;
  /** What it should say: the target tokens and the end. Int32Array(B * T). */
  target: Int32Array;
  /** Tokens of each input and target row, 1..T: Int32Array(B). */
  targetLengths: Int32Array;
}

/** Fills in the defaults; throws UsageError for the first value out of range.
 *  @example
 *  const model = { kind: 'translator', vocabulary: 1000, layers: 4, channels: 64, heads: 4, context: 32 };
 *  const { seed, warmup, reversible, model: { mlpRatio } } = checkTranslatorOptions({ model, batch: 8, steps: 500 });
 *  console.log(seed, warmup, reversible, mlpRatio); // 1 100 bdia 4
 */
export function checkTranslatorOptions(options: TrainOptions<TranslatorConfig>): CheckedOptions<Required<TranslatorConfig>> {
  return checkOptions(options, checkTranslatorConfig, ({ context }) => 3 * context); // the embedding is source's, target's and head's
}

/** Bytes by purpose of a training run, before anything is allocated. Throws UsageError for options that are wrong, or a model that does not
 *  fit in `memoryLimit`.
 *  @example
 *  const model = { kind: 'translator', vocabulary: 1000, layers: 4, channels: 64, heads: 4, context: 32 };
 *  console.log(planTranslator({ model, batch: 8, steps: 100 }).bytes.sideBits); // 12288
 */
export const planTranslator = (options: TrainOptions<TranslatorConfig>): MemoryPlan => plan(checkTranslatorOptions(options), TRANSLATOR);

const sum = (lengths: Int32Array, count: number): number => lengths.subarray(0, count).reduce((a, b) => a + b, 0);

/** A training run of a translator.
 *  @example
 *  const model = { kind: 'translator', vocabulary: 6, layers: 2, channels: 8, heads: 2, context: 3 };
 *  const trainer = TranslatorTrainer.create({ model, batch: 1, steps: 40, learningRate: 0.02, warmup: 5 });
 *  const batch = { // 4 5 end -> 5 4 end
 *    source: Int32Array.of(4, 5, 2), sourceLengths: Int32Array.of(3),
 *    input: Int32Array.of(1, 5, 4), target: Int32Array.of(5, 4, 2), targetLengths: Int32Array.of(3),
 *  };
 *  while (trainer.steps < 40) trainer.trainStep(batch);
 *  console.log(trainer.evaluate(batch, 1).loss < 0.2); // true
 */
export class TranslatorTrainer extends Trainer<Translator, Required<TranslatorConfig>> {
  /** Kept by bundlers. @internal */
  static override readonly name = 'TranslatorTrainer';
  /** A new run with initial weights. `makeBackend` chooses another back end than the release build, `threadModule` another place of
   *  the workers' file (both for tests). Throws UsageError for wrong options and for a model that does not fit, with the bytes
   *  needed and allowed; RetrogradError if the runtime lacks WebAssembly SIMD or is big-endian.
   *  @example
   *  const model = { kind: 'translator', vocabulary: 6, layers: 2, channels: 8, heads: 2, context: 3 };
   *  const trainer = TranslatorTrainer.create({ model, batch: 1, steps: 40, reversible: 'coupling' });
   *  console.log(trainer.parameters, trainer.steps); // 3776 0
   */
  static create(options: TrainOptions<TranslatorConfig>, makeBackend?: (bytes: number) => Backend, threadModule?: URL): TranslatorTrainer {
    return new TranslatorTrainer(checkTranslatorOptions(options), TRANSLATOR, makeBackend, threadModule);
  }

  /** One step on B pairs. Throws before any weight is touched: UsageError for arrays of another size, a length or a token that cannot be,
   *  OverflowError, ReconstructionError.
   *  @example
   *  const model = { kind: 'translator', vocabulary: 6, layers: 2, channels: 8, heads: 2, context: 3 };
   *  const trainer = TranslatorTrainer.create({ model, batch: 1, steps: 40 });
   *  const batch = { // 4 5 end -> 5 4 end
   *    source: Int32Array.of(4, 5, 2), sourceLengths: Int32Array.of(3),
   *    input: Int32Array.of(1, 5, 4), target: Int32Array.of(5, 4, 2), targetLengths: Int32Array.of(3),
   *  };
   *  const { step, loss, checkedStates, mismatchedElements } = trainer.trainStep(batch);
   *  console.log(step, loss.toFixed(6), checkedStates, mismatchedElements); // 1 1.817459 2 0
   */
  trainStep(batch: TranslatorBatch): StepReport {
    return this.step(this.loader(batch), sum(batch.targetLengths, this.options.batch));
  }

  /** The gradients of the summed loss (int64, 28 fraction bits) of a batch at the present weights, left in `gradient(name)`;
   *  returns the mean loss in nats a target token.
   *  @example
   *  const model = { kind: 'translator', vocabulary: 6, layers: 2, channels: 8, heads: 2, context: 3 };
   *  const trainer = TranslatorTrainer.create({ model, batch: 1, steps: 40 });
   *  const batch = { // 4 5 end -> 5 4 end
   *    source: Int32Array.of(4, 5, 2), sourceLengths: Int32Array.of(3),
   *    input: Int32Array.of(1, 5, 4), target: Int32Array.of(5, 4, 2), targetLengths: Int32Array.of(3),
   *  };
   *  console.log(trainer.computeGradients(batch).toFixed(6), trainer.gradient('norm.gain').length); // 1.817459 8
   */
  computeGradients(batch: TranslatorBatch): number {
    return this.accumulate(this.loader(batch), sum(batch.targetLengths, this.options.batch)).loss;
  }

  private loader(batch: TranslatorBatch): (first: number, count: number) => void {
    this.check(batch, this.options.batch);
    return (first, count) => this.load(batch, first, count);
  }

  private load({ source, sourceLengths, input, target, targetLengths }: TranslatorBatch, first: number, count: number): void {
    this.all.model.load(this.device, {
      source: { tokens: source, lengths: sourceLengths }, input: { tokens: input, lengths: targetLengths }, target: { tokens: target, lengths: targetLengths },
    }, first, count);
  }

  /** Mean loss in nats a target token of the first `count` pairs of a batch of any size, of the plain model, and how many tokens that is.
   *  gamma: another value for inference, +-0.125, +-0.25 or +-0.5 (0), of a model trained with 'bdia', 'none' or 'checkpointing'. Throws UsageError for no pair, and
   *  for what trainStep refuses.
   *  @example
   *  const model = { kind: 'translator', vocabulary: 6, layers: 2, channels: 8, heads: 2, context: 3 };
   *  const trainer = TranslatorTrainer.create({ model, batch: 1, steps: 40 });
   *  const batch = { // 4 5 end -> 5 4 end
   *    source: Int32Array.of(4, 5, 2), sourceLengths: Int32Array.of(3),
   *    input: Int32Array.of(1, 5, 4), target: Int32Array.of(5, 4, 2), targetLengths: Int32Array.of(3),
   *  };
   *  const { loss, tokens } = trainer.evaluate(batch, 1);
   *  console.log(loss.toFixed(6), tokens); // 1.815715 3
   */
  evaluate(batch: TranslatorBatch, count: number, gamma = 0): { loss: number; tokens: number } {
    const { microBatch } = this.options, tokens = sum(batch.targetLengths, count);
    if (!(count >= 1)) throw new UsageError(`evaluation needs at least one pair, ${count} given`);
    this.check(batch, count);
    let loss = 0;
    for (let first = 0; first < count; first += microBatch) {
      const part = Math.min(microBatch, count - first);
      this.load(batch, first, part);
      loss += this.score(part, gamma).loss;
    }
    return { loss: nats(loss) / tokens, tokens };
  }

  /** Encodes a source sentence (with its end token) and returns a function that gives the logits in nats of the token after a prefix of the
   *  translation (which begins with the begin token); 1 to T tokens each. Integers times a power of two: the same on every machine. It
   *  holds until the trainer is used for something else.
   *  @example
   *  const model = { kind: 'translator', vocabulary: 6, layers: 2, channels: 8, heads: 2, context: 3 };
   *  const trainer = TranslatorTrainer.create({ model, batch: 1, steps: 40, learningRate: 0.02, warmup: 5 });
   *  const batch = { // 4 5 end -> 5 4 end
   *    source: Int32Array.of(4, 5, 2), sourceLengths: Int32Array.of(3),
   *    input: Int32Array.of(1, 5, 4), target: Int32Array.of(5, 4, 2), targetLengths: Int32Array.of(3),
   *  };
   *  while (trainer.steps < 40) trainer.trainStep(batch);
   *  const next = trainer.decoder(Int32Array.of(4, 5, SPECIAL.end)); // the logits after a prefix
   *  const { tokens } = beamSearch(next, { beam: 2, begin: SPECIAL.begin, end: SPECIAL.end, maxLength: 3 });
   *  console.log(tokens.join(' ')); // 5 4
   */
  decoder(source: Int32Array): (prefix: Int32Array) => Float64Array {
    this.checkTokens('source', source, 0, source.length);
    this.all.model.start(this.device, source);
    return (prefix) => {
      this.checkTokens('prefix', prefix, 0, prefix.length);
      const { raw, fraction } = this.all.model.next(this.device, prefix);
      return Float64Array.from(raw, (v) => v / 2 ** fraction);
    };
  }

  private checkTokens(name: string, tokens: Int32Array, from: number, length: number): void {
    const { vocabulary, context } = this.options.model;
    if (!(length >= 1 && length <= context)) throw new UsageError(`${name} has ${length} tokens, expected 1 to ${context}`);
    for (let i = from; i < from + length; i++)
      if (tokens[i] < 0 || tokens[i] >= vocabulary) throw new UsageError(`${name}[${i}] is ${tokens[i]}, expected a token id from 0 to ${vocabulary - 1}`);
  }

  private check(batch: TranslatorBatch, count: number): void {
    const { context } = this.options.model;
    for (const [name, lengths] of [['source', 'sourceLengths'], ['input', 'targetLengths'], ['target', 'targetLengths']] as const) {
      if (batch[lengths].length < count || batch[name].length < count * context)
        throw new UsageError(`${name} and ${lengths} have ${batch[name].length} and ${batch[lengths].length} elements, expected ${count * context} and ${count} (batch x context, and batch)`);
      for (let s = 0; s < count; s++) this.checkTokens(name, batch[name], s * context, batch[lengths][s]);
    }
  }
}
