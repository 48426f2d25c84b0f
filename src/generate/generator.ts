// A model at work: its weights are prepared once and kept, and rows that are done are not computed
// again. It holds several sequences, which go through a pass together.

import { choice, fields, having, list, real, whole } from '../core/check.ts';
import { type Tensor, UsageError } from '../index.ts';
import { Engine } from './engine.ts';
import { lastRow, Passes } from './places.ts';
import { Prefixes } from './prefixes.ts';
import { probabilitiesOf, SAMPLING, Sampler, type SamplingOptions } from './sampling.ts';
import { type GeneratorSource, readSource } from './source.ts';
import { StopStrings, streamOf, type TextCodec } from './text.ts';

/** How a generator works. No option changes a bit of what it computes. */
export interface GeneratorOptions {
  /** Sequences that it holds at a time, 1..256 (1). */
  sequences?: number | undefined;
  /** Tokens that go through the model at a time, of prompts and all sequences together, 1..4096
   *  (128). */
  chunk?: number | undefined;
  /** What tokens stand for: a Vocabulary, a Tokenizer, or your own. Without it prompts are tokens,
   *  and pieces have no text. */
  codec?: TextCodec | undefined;
  /** Most bytes it may use (3.75 GiB). */
  memoryLimit?: number | undefined;
}

/** How a text is written. */
export interface GenerateOptions extends SamplingOptions {
  /** Most tokens to write, 1 .. 2^31 - 1 (256). */
  maxTokens?: number | undefined;
  /** What ends the text and is not part of it: strings, also across the borders of tokens, and
   *  tokens, as numbers (none). */
  stop?: string | readonly (string | number)[] | undefined;
  /** Tokens that leave the window when it is full, 1 .. context (1). What is left is computed
   *  again, since its positions are others. */
  slide?: number | undefined;
  /** Ends the text early; its place is free then. */
  signal?: AbortSignal | undefined;
}

/** Which state `embed` gives. */
export interface EmbedOptions {
  /** After how many blocks, 0 .. layers (layers). */
  layer?: number | undefined;
  /** Of all rows the mean, or of the first or last one (mean). */
  pool?: 'mean' | 'first' | 'last' | undefined;
}

/** Why a text ended: its most tokens, a stop string or token, or the signal. */
export type Finish = 'length' | 'stop' | 'abort';

/** A piece of a text that is being written. */
export interface Piece {
  /** The text that is sure: without what may become a stop string or a character. */
  readonly text: string;
  /** The tokens that were chosen since the piece before. */
  readonly tokens: readonly number[];
  /** Of the last piece: why it is the last. */
  readonly finish?: Finish;
}

const OPTIONS = { sequences: 1, chunk: 128, codec: undefined, memoryLimit: 3.75 * 2 ** 30 };
const GENERATE = {
  ...SAMPLING,
  maxTokens: 256,
  stop: undefined,
  slide: 1,
  signal: undefined,
};

/** A text to be written, checked. */
interface Task {
  readonly prompt: readonly number[];
  readonly maxTokens: number;
  readonly slide: number;
  readonly signal: AbortSignal | undefined;
  readonly sampler: Sampler;
  readonly stops: readonly string[];
  readonly stopTokens: ReadonlySet<number>;
}

/** Writes texts with a model.
 *  @example
 *  const model = gpt({ vocabulary: 256, layers: 2, channels: 8, heads: 2, context: 16 });
 *  const trainer = Trainer.create({ model, batch: 1, steps: 10 });
 *  const generator = Generator.create(trainer, { codec: Vocabulary.bytes() });
 *  let written = '';
 *  for await (const { text } of generator.generate('a', { maxTokens: 5 })) written += text;
 *  console.log(written.length); // 5
 */
export class Generator {
  /** Kept by bundlers. @internal */
  static readonly name: string = 'Generator';
  /** Most tokens that the model looks at. */
  readonly context: number;
  /** Bytes of memory in use, the kernels' own included. */
  readonly bytes: number;
  /** Whether rows that are done are kept: not if a layer of the model is not made for it. */
  readonly isCached: boolean;
  private readonly engine: Engine;
  private readonly passes: Passes;
  private readonly prefixes: Prefixes;
  private readonly codec: TextCodec | undefined;
  private readonly size: number;

  private constructor(source: GeneratorSource, given: GeneratorOptions) {
    const options = fields<GeneratorOptions>('options', given, OPTIONS as never);
    const sequences = whole('sequences', options.sequences, 1, 256);
    const chunk = whole('chunk', options.chunk, 1, 4096);
    const memoryLimit = real('memoryLimit', options.memoryLimit, 1, Number.MAX_SAFE_INTEGER);
    const { codec } = options;
    if (codec !== undefined) having('codec', codec, ['encode', 'decode']);
    const rows = Math.max(sequences, chunk);
    const shape = { rows, outputs: Math.min(16, rows), slots: sequences };
    this.engine = new Engine({ ...readSource(source), memoryLimit }, shape);
    const { last, bytes } = this.engine;
    this.codec = codec;
    this.passes = new Passes(this.engine, rows, sequences);
    this.prefixes = new Prefixes(this.engine, rows, sequences);
    this.context = last.input.type.rows;
    this.bytes = bytes;
    this.isCached = last.isIncremental;
    this.size = last.output.columns;
  }

  /** A generator with its own copy of the weights as they are now. Throws UsageError for what is no
   *  source, weights of another model, and a model that does not fit in memory.
   *  @example
   *  const model = gpt({ vocabulary: 96, layers: 2, channels: 8, heads: 2, context: 16 });
   *  const trainer = Trainer.create({ model, batch: 1, steps: 10 });
   *  const generator = Generator.create(trainer, { sequences: 4 });
   *  console.log(generator.context, generator.isCached); // 16 true
   */
  static create(source: GeneratorSource, options: GeneratorOptions = {}): Generator {
    return new Generator(source, options);
  }

  /** Writes on from a prompt, which is text (with a codec) or tokens. Of a prompt that is longer
   *  than the context the end counts. Throws UsageError for a prompt or options that are wrong.
   *  @example
   *  const model = gpt({ vocabulary: 4, layers: 2, channels: 8, heads: 2, context: 16 });
   *  const trainer = Trainer.create({ model, batch: 1, steps: 10 });
   *  const generator = Generator.create(trainer);
   *  const text = [];
   *  for await (const piece of generator.generate([0, 1], { maxTokens: 4, seed: 2 }))
   *    text.push(...piece.tokens);
   *  console.log(text.length); // 4
   */
  generate(
    prompt: string | ArrayLike<number>,
    options: GenerateOptions = {},
  ): AsyncGenerator<Piece, void, undefined> {
    const given = fields<GenerateOptions>('options', options, GENERATE as never);
    const { maxTokens, stop, slide, signal, ...sampling } = given;
    const all = typeof stop === 'string' ? [stop] : (stop ?? []);
    const stops = list('stop', all, readStop(this.codec));
    return this.write({
      prompt: this.tokensOf(prompt),
      maxTokens: whole('maxTokens', maxTokens, 1, 2 ** 31 - 1),
      slide: whole('slide', slide, 1, this.context),
      signal:
        signal === undefined
          ? undefined
          : having<AbortSignal>('signal', signal, ['addEventListener']),
      sampler: new Sampler(sampling as SamplingOptions),
      stops: stops.filter((one) => typeof one === 'string'),
      stopTokens: new Set(stops.filter((one) => typeof one === 'number')),
    });
  }

  /** What the model says after each of some tokens, in real units: the logits of the next one, as
   *  `trainer.predict` gives those after the last. Throws UsageError for too many tokens.
   *  @example
   *  const model = gpt({ vocabulary: 4, layers: 2, channels: 8, heads: 2, context: 16 });
   *  const trainer = Trainer.create({ model, batch: 1, steps: 10 });
   *  const rows = await Generator.create(trainer).logits([0, 1, 2]);
   *  const last = trainer.predict(Int32Array.of(0, 1, 2));
   *  console.log(rows.length, rows[2].every((value, token) => value === last[token])); // 3 true
   */
  logits(prompt: string | ArrayLike<number>): Promise<Float64Array[]> {
    const tokens = this.shortOf(prompt);
    return this.passes.withSlot((slot) => this.passes.outputs(slot, tokens));
  }

  /** The residual stream's state after so many blocks (all), the mean of all tokens' or one's:
   *  float64 [channels], the same bits on every machine. Of a vision transformer `prompt` is an
   *  image, whose first row is the class token. Throws UsageError for more than `context` tokens.
   *  @example
   *  const model = gpt({ vocabulary: 4, layers: 2, channels: 8, heads: 2, context: 16 });
   *  const trainer = Trainer.create({ model, batch: 1, steps: 10 });
   *  const state = await Generator.create(trainer).embed([0, 1, 2], { layer: 1, pool: 'last' });
   *  console.log(state.length); // 8
   */
  embed(prompt: string | ArrayLike<number>, options: EmbedOptions = {}): Promise<Float64Array> {
    const { layer, pool } = fields('options', options, { layer: undefined, pool: 'mean' as const });
    const { stack } = this.engine.last;
    if (stack === undefined)
      throw new UsageError('the model has no stack, so no states to look at');
    const to = whole('layer', layer ?? stack.layers, 0, stack.layers);
    choice('pool', pool, ['mean', 'first', 'last']);
    const sample = this.readsSamples ? prompt : this.shortOf(prompt);
    return this.passes.withSlot((slot) => {
      const states = this.passes.states(slot, sample, to);
      if (pool === 'mean') return meanOf(states);
      return states[pool === 'first' ? 0 : states.length - 1];
    });
  }

  /** The probabilities of the classes of one sample, such as an image of a vision transformer:
   *  float64 [classes], quotients of integers, the same on every machine. Throws UsageError for a
   *  sample that the model cannot use.
   *  @example
   *  const shape = { width: 4, height: 4, colours: 1, patch: 2, classes: 2 };
   *  const model = vit({ ...shape, layers: 1, channels: 8, heads: 2 });
   *  const trainer = Trainer.create({ model, batch: 1, steps: 10 });
   *  const [first, second] = Generator.create(trainer).classify(new Uint8Array(16));
   *  console.log(first + second); // 1
   */
  classify(sample: unknown): Float64Array {
    this.engine.begin([]);
    const { row, fraction } = lastRow(this.engine.run, this.engine.infer(sample));
    return probabilitiesOf(row, fraction);
  }

  /** Runs all streams but the last, and returns a function that runs the last one, as
   *  `trainer.predictor` does: of a translator the encoder, and what gives the logits after a
   *  beginning of the translation. It holds until the next call. The rows of `sequences` beginnings
   *  are kept: twice as many as a beam has are enough for one row a token.
   *  @example
   *  const model = translator({ vocabulary: 6, layers: 1, channels: 8, heads: 2, context: 4 });
   *  const trainer = Trainer.create({ model, batch: 1, steps: 10 });
   *  const next = Generator.create(trainer).predictor(Int32Array.of(4, 5, 2));
   *  console.log(next(Int32Array.of(1)).length, next(Int32Array.of(1, 4)).length); // 6 6
   */
  predictor(...samples: readonly unknown[]): (last: unknown) => Float64Array {
    const { engine } = this;
    engine.begin(samples);
    this.prefixes.forget();
    return (last) => {
      const out = this.isCached ? this.outputAfter(last) : engine.infer(last);
      const { row, fraction } = lastRow(engine.run, out);
      return Float64Array.from(row, (value) => value / 2 ** fraction);
    };
  }

  /** The output of the last stream after a beginning. */
  private outputAfter(sample: unknown): Tensor {
    const { engine, prefixes, passes } = this;
    engine.last.input.takeOne(sample); // throws if it is none
    const out = prefixes.output(Int32Array.from(sample as Int32Array));
    if (engine.streams.length > 1) return out;
    passes.forgetAll(); // texts have the same places
    prefixes.forget();
    return out;
  }

  /** Whether the model reads samples of another kind than tokens, and nothing else. */
  private get readsSamples(): boolean {
    const { streams, last } = this.engine;
    return streams.length === 1 && last.input.type.kind !== 'ids';
  }

  /** Tokens that fit the window. */
  private shortOf(prompt: string | ArrayLike<number>): Int32Array {
    const tokens = this.tokensOf(prompt);
    if (tokens.length > this.context)
      throw new UsageError(
        `the prompt has ${tokens.length} tokens, expected at most ${this.context}`,
        'give a part of it',
      );
    return Int32Array.from(tokens);
  }

  private tokensOf(prompt: string | ArrayLike<number>): number[] {
    const { streams } = this.engine;
    if (streams.length > 1 || this.readsSamples)
      throw new UsageError(
        'the model does not write on from a prompt',
        streams.length > 1 ? 'use predictor' : 'use classify',
      );
    if (typeof prompt !== 'string') {
      const one = (name: string, token: unknown): number => whole(name, token, 0, this.size - 1);
      return list('prompt', prompt, one, 1);
    }
    const { codec } = this;
    if (codec === undefined)
      throw new UsageError('the prompt is text, expected tokens', 'give the generator a codec');
    const tokens = Array.from(codec.encode(new TextEncoder().encode(prompt), 'the prompt'));
    if (tokens.length === 0)
      throw new UsageError('the prompt is empty, expected at least one token');
    return tokens;
  }

  private async *write(task: Task): AsyncGenerator<Piece, void, undefined> {
    const { passes } = this;
    const slot = await passes.slots.take();
    try {
      passes.forget(slot);
      yield* this.pieces(task, slot);
    } finally {
      passes.slots.leave(slot);
    }
  }

  /** The pieces of a text in its place. */
  private async *pieces(task: Task, slot: number): AsyncGenerator<Piece, void, undefined> {
    const { prompt, maxTokens, sampler, signal, stopTokens } = task;
    const stream = streamOf(this.codec);
    const stops = new StopStrings(task.stops);
    const seen = new Set(prompt);
    let window = prompt.slice(-this.context);
    let tokens: number[] = [];
    const last = (text: string, finish: Finish): Piece => ({ text, tokens, finish });
    for (let index = 0; index < maxTokens; index++) {
      if (signal?.aborted) return yield last(stops.end(), 'abort');
      const token = await this.passes.after(slot, window, (row, fraction) =>
        sampler.choose(row, fraction, seen, index),
      );
      if (signal?.aborted) return yield last(stops.end(), 'abort');
      if (stopTokens.has(token))
        return yield last(stops.take(stream.end()).text + stops.end(), 'stop');
      tokens.push(token);
      seen.add(token);
      const { text, stopped } = stops.take(stream.take(token));
      if (stopped) return yield last(text, 'stop');
      if (text !== '' || this.codec === undefined) {
        yield { text, tokens };
        tokens = [];
      }
      window = this.slid(slot, window, token, task.slide);
    }
    const rest = stops.take(stream.end());
    yield last(rest.stopped ? rest.text : rest.text + stops.end(), 'length');
  }

  /** The window with one token more. If it is full, `slide` tokens leave it in front, and what was
   *  kept is of other positions. */
  private slid(slot: number, window: number[], token: number, slide: number): number[] {
    window.push(token);
    if (window.length <= this.context) return window;
    this.passes.forget(slot);
    return window.slice(slide);
  }
}

/** The mean of rows of multiples of one power of two: sums are exact. */
function meanOf(rows: readonly Float64Array[]): Float64Array {
  return rows[0].map((_, c) => rows.reduce((sum, row) => sum + row[c], 0) / rows.length);
}

/** Checks a stop: text needs a codec. */
const readStop =
  (codec: TextCodec | undefined) =>
  (name: string, value: unknown): string | number => {
    if (typeof value === 'number') return whole(name, value, 0, 65535);
    if (typeof value !== 'string' || value === '')
      throw new UsageError(`${name} is no text and no token`, 'give a string or a number');
    if (codec === undefined)
      throw new UsageError(`${name} is text, but tokens have none`, 'give the generator a codec');
    return value;
  };
