// Trains a translator.

import { type Filled, MAX_LENGTH, integers, properties, typed, whole } from '../core/check.ts';
import type { Backend } from '../kernels/kernels.ts';
import type { AnyModel } from '../models/any-model.ts';
import { nats } from '../models/model.ts';
import { Translator } from '../models/translator.ts';
import { type TranslatorConfig, checkTranslatorConfig } from '../models/translator-config.ts';
import { ALL_RULES } from './more-rules.ts';
import { type CheckedOptions, type TrainOptions, checkOptions } from './options.ts';
import { type Kit, type MemoryPlan, plan } from './plan.ts';
import { type StepReport, Trainer } from './trainer.ts';

export const TRANSLATOR: Kit<Translator, Filled<TranslatorConfig>> = { make: (arena, config, run) => new Translator(arena, config, run), rules: ALL_RULES };

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

const BATCH = ['source', 'sourceLengths', 'input', 'target', 'targetLengths'] as const;

/** Fills in the defaults; throws UsageError for the first value out of range.
 *  @example
 *  const model = { kind: 'translator', vocabulary: 1000, layers: 4, channels: 64, heads: 4, context: 32 };
 *  const { seed, warmup, reversible, model: { mlpRatio } } = checkTranslatorOptions({ model, batch: 8, steps: 500 });
 *  console.log(seed, warmup, reversible, mlpRatio); // 1 100 bdia 4
 */
export function checkTranslatorOptions(options: TrainOptions<TranslatorConfig> | CheckedOptions<AnyModel>): CheckedOptions<Filled<TranslatorConfig>> {
  return checkOptions(options as TrainOptions<TranslatorConfig>, checkTranslatorConfig, ({ context }) => 3 * context); // the embedding is source's, target's and head's
}

/** Bytes by purpose of a training run, before anything is allocated. Throws UsageError for options that are wrong, or a model that does not
 *  fit in `memoryLimit`.
 *  @example
 *  const model = { kind: 'translator', vocabulary: 1000, layers: 4, channels: 64, heads: 4, context: 32 };
 *  console.log(planTranslator({ model, batch: 8, steps: 100 }).bytes.sideBits); // 12288
 */
export const planTranslator = (options: TrainOptions<TranslatorConfig> | CheckedOptions<AnyModel>): MemoryPlan => plan(checkTranslatorOptions(options), TRANSLATOR);

const sum = (lengths: Int32Array): number => lengths.reduce((a, b) => a + b, 0);

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
export class TranslatorTrainer extends Trainer<Translator, Filled<TranslatorConfig>> {
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
  static create(options: TrainOptions<TranslatorConfig> | CheckedOptions<AnyModel>, makeBackend?: (bytes: number) => Backend, threadModule?: URL): TranslatorTrainer {
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
    const own = this.check(batch, this.options.batch);
    return this.step((first, count) => this.load(own, first, count), sum(own.targetLengths));
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
    const own = this.check(batch, this.options.batch);
    return this.accumulate((first, count) => this.load(own, first, count), sum(own.targetLengths)).loss;
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
    const own = this.check(batch, whole('count', count, 1, MAX_LENGTH));
    const { microBatch } = this.options, tokens = sum(own.targetLengths);
    let loss = 0;
    for (let first = 0; first < count; first += microBatch) {
      const part = Math.min(microBatch, count - first);
      this.load(own, first, part);
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
  decoder(source: Int32Array): (prefix: Int32Array) => Float64Array<ArrayBuffer> {
    const tokens = this.sentence('source', source);
    this.all.model.start(this.device, tokens);
    return (prefix) => {
      const own = this.sentence('prefix', prefix);
      const { raw, fraction } = this.all.model.next(this.device, own);
      return Float64Array.from(raw, (v) => v / 2 ** fraction);
    };
  }

  /** 1 to T token ids. */
  private sentence(name: string, given: Int32Array): Int32Array {
    const { vocabulary, context } = this.options.model;
    return integers(name, given, 0, vocabulary - 1, 1, context);
  }

  /** A copy of the first `count` pairs. Only the tokens within a row's length are looked at. */
  private check(batch: TranslatorBatch, count: number): TranslatorBatch {
    const { context, vocabulary } = this.options.model;
    const given = properties('the batch', batch, BATCH);
    const lengths = (name: 'sourceLengths' | 'targetLengths'): Int32Array => {
      typed(name, given[name], 'Int32Array', count, MAX_LENGTH);
      return integers(name, given[name].subarray(0, count), 1, context, count);
    };
    const rows = (name: 'source' | 'input' | 'target', used: Int32Array): Int32Array => {
      const all = typed(name, given[name], 'Int32Array', count * context, MAX_LENGTH);
      const copy = new Int32Array(count * context);
      used.forEach((length, s) => {
        const row = all.subarray(s * context, s * context + length);
        copy.set(integers(`${name} row ${s}`, row, 0, vocabulary - 1, length), s * context);
      });
      return copy;
    };
    const sourceLengths = lengths('sourceLengths'), targetLengths = lengths('targetLengths');
    return {
      source: rows('source', sourceLengths), sourceLengths,
      input: rows('input', targetLengths), target: rows('target', targetLengths), targetLengths,
    };
  }
}
