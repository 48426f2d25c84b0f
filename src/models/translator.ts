// An encoder-decoder transformer in integers, both stacks reversible:
//   source -> encoder stack -> layer norm = memory;   target so far -> decoder stack, which looks at memory -> head: the next token
// Pair by pair, each with its own numbers of rows: there is no padding, so nothing is masked but the future.

import type { Filled } from '../core/check.ts';
import type { Device } from '../kernels/device.ts';
import type { Pointer } from '../kernels/kernels.ts';
import { Block, type Memory } from '../nn/block.ts';
import { CrossAttention } from '../nn/cross-attention.ts';
import { Head } from '../nn/head.ts';
import { LayerNorm } from '../nn/layer-norm.ts';
import { ParameterStore } from '../nn/parameters.ts';
import { embeddingBackward, embeddingForward } from '../ops/embedding.ts';
import { type Scaled, clearGradient } from '../ops/gradient.ts';
import { type NormSaved, layoutNormSaved, layoutNormScratch } from '../ops/layer-norm.ts';
import { type Pass, type Reconstruction, Stack } from '../reversible/stack.ts';
import type { Arena } from '../tensor/arena.ts';
import { BRANCH_FRACTION } from '../tensor/formats.ts';
import type { Model, ModelRun, Score } from './model.ts';
import { type TranslatorConfig, checkTranslatorConfig, translatorParameters } from './translator-config.ts';

/** Token rows of some pairs: row r of a matrix [pairs, T] holds lengths[r] tokens. */
export interface TokenRows {
  readonly tokens: Int32Array;
  readonly lengths: Int32Array;
}

/** One pair's encoder output and its gradient. */
interface EncodedPair {
  readonly saved: NormSaved;
  readonly gradient: Scaled;
}

export class Translator implements Model {
  readonly config: Filled<TranslatorConfig>;
  readonly store: ParameterStore;
  private readonly encoder: Stack;
  private readonly decoder: Stack;
  /** One of each thread. */
  private readonly norms: LayerNorm[];
  private readonly heads: Head[];
  private readonly encoded: EncodedPair[];
  /** int32 [sequences, T] each, int32 [sequences] each. */
  private readonly rows: Record<'source' | 'input' | 'target', Pointer>;
  private readonly lengths: Record<'source' | 'target', Pointer>;

  constructor(arena: Arena, config: TranslatorConfig, private readonly run: ModelRun) {
    this.config = checkTranslatorConfig(config);
    const { vocabulary, layers, channels, heads, context, mlpRatio } = this.config, { sequences, fraction, threads } = run;
    const shape = { context, channels, heads, hidden: mlpRatio * channels, causal: false, memory: 0, layers, sequences, fraction };
    const decoder = { ...shape, causal: true, memory: context, firstBlock: layers, cross: (...at: ConstructorParameters<typeof CrossAttention>) => new CrossAttention(...at) };
    const each = <T>(make: () => T): T[] => Array.from({ length: threads }, make), ints = (n: number): Pointer => arena.allocate('workspace', sequences * n * 4);
    this.store = new ParameterStore(arena, translatorParameters(config));
    this.encoder = new Stack(arena, shape, run, each(() => new Block(arena, shape, 'encoder')));
    this.decoder = new Stack(arena, decoder, run, each(() => new Block(arena, decoder, 'decoder')));
    this.norms = each(() => new LayerNorm(arena, channels, layoutNormScratch(arena, context, channels)));
    this.heads = each(() => new Head(arena, { context, channels, vocabulary, matrix: 'token' }));
    this.encoded = Array.from({ length: sequences }, () => ({ saved: layoutNormSaved(arena, context, channels), gradient: { at: arena.allocate('states', context * channels * 4), exponent: 0 } }));
    this.rows = { source: ints(context), input: ints(context), target: ints(context) };
    this.lengths = { source: ints(1), target: ints(1) };
  }

  get reconstruction(): Reconstruction {
    const a = this.encoder.reconstruction, b = this.decoder.reconstruction;
    return { checkedStates: a.checkedStates + b.checkedStates, mismatchedElements: a.mismatchedElements + b.mismatchedElements };
  }

  resetReconstruction(): void {
    this.encoder.resetReconstruction();
    this.decoder.resetReconstruction();
  }

  /** The passes of both stacks over `count` loaded pairs; with a step and a first sample those of training. */
  private passes(d: Device, count: number, gamma8: number, training?: { step: number; first: number }): { encode: Pass; decode: Pass } {
    const source = d.view(this.lengths.source, count), target = d.view(this.lengths.target, count);
    const at = (side: 'source' | 'input'): Pick<Pass, 'training'> => (training === undefined ? {} : { training: { ...training, embed: (s, to) => this.embed(d, side, s, to) } });
    const memory = (s: number): Memory => ({ at: this.encoded[s].saved.out, rows: source[s], gradient: this.encoded[s].gradient });
    return { encode: { count, rows: (s) => source[s], gamma8, ...at('source') }, decode: { count, rows: (s) => target[s], memory, gamma8, ...at('input') } };
  }

  accumulate(d: Device, first: number, count: number, step: number): Score {
    const { rank } = d.team, head = this.heads[rank], { encode, decode } = this.passes(d, count, 0, { step, first });
    this.encode(d, encode);
    this.decode(d, decode, true);
    let loss = 0;
    this.decoder.each(d, decode, (s) => {
      const rows = decode.rows(s), gradient = this.decoder.gradient(s);
      loss += this.loss(d, s, decode, true);
      gradient.exponent = head.backward(d, gradient.at, rows);
      clearGradient(d, this.encoded[s].gradient, encode.rows(s) * this.config.channels);
    });
    this.decoder.backward(d, this.store, decode);
    this.backwardEmbedding(d, 'input', decode, this.decoder);
    this.encoder.each(d, encode, (s) => {
      this.decoder.take(d, s, decode); // with it the exponent of dMemory
      const { saved, gradient: dMemory } = this.encoded[s], gradient = this.encoder.gradient(s);
      gradient.exponent = this.norms[rank].backward(d, dMemory, saved, gradient.at, encode.rows(s));
    });
    this.encoder.backward(d, this.store, encode);
    this.backwardEmbedding(d, 'source', encode, this.encoder);
    return { loss, correct: 0 };
  }

  evaluate(d: Device, count: number, gamma8: number): Score {
    const { encode, decode } = this.passes(d, count, gamma8);
    this.encode(d, encode);
    this.decode(d, decode, false);
    let loss = 0;
    this.decoder.each(d, decode, (s) => { loss += this.loss(d, s, decode, false); });
    return { loss, correct: 0 };
  }

  /** Memory of every lane. */
  private encode(d: Device, pass: Pass): void {
    const norm = this.norms[d.team.rank];
    this.encoder.each(d, pass, (s) => this.embed(d, 'source', s, this.encoder.input(s)));
    this.encoder.forward(d, this.store, pass);
    norm.prepare(d, this.store, 'encoder.norm');
    this.encoder.each(d, pass, (s) => norm.forward(d, this.encoder.output(d, s, pass), BRANCH_FRACTION - this.run.fraction, 0, this.encoded[s].saved, pass.rows(s)));
  }

  private decode(d: Device, pass: Pass, backward: boolean): void {
    this.decoder.each(d, pass, (s) => this.embed(d, 'input', s, this.decoder.input(s)));
    this.decoder.forward(d, this.store, pass);
    this.heads[d.team.rank].prepare(d, this.store, backward);
  }

  private logitsOf(d: Device, s: number, pass: Pass): { at: Pointer; fraction: number } {
    return this.heads[d.team.rank].logits(d, this.decoder.output(d, s, pass), this.run.fraction, pass.rows(s));
  }

  private loss(d: Device, s: number, pass: Pass, backward: boolean): number {
    return this.heads[d.team.rank].loss(d, this.logitsOf(d, s, pass), this.at('target', s), pass.rows(s), backward);
  }

  private at(side: 'source' | 'input' | 'target', s: number): Pointer {
    return this.rows[side] + s * this.config.context * 4;
  }

  private positions(side: 'source' | 'input'): string {
    return side === 'source' ? 'source.position.weight' : 'target.position.weight';
  }

  private embed(d: Device, side: 'source' | 'input', s: number, to: Pointer): void {
    const rows = d.view(this.lengths[side === 'source' ? 'source' : 'target'], s + 1)[s];
    embeddingForward(d, this.at(side, s), this.store.get('token.weight').master, this.store.get(this.positions(side)).master, to, rows, this.config.channels, this.run.fraction);
  }

  private backwardEmbedding(d: Device, side: 'source' | 'input', pass: Pass, stack: Stack): void {
    const token = this.store.get('token.weight').gradient, position = this.store.get(this.positions(side)).gradient;
    stack.each(d, pass, (s) => embeddingBackward(d, this.at(side, s), stack.gradient(s), token, position, pass.rows(s), this.config.channels));
  }

  /** Encodes one source sentence; then `next` may be called. By the calling thread alone. */
  start(d: Device, source: Int32Array): void {
    this.load(d, { source: { tokens: source, lengths: Int32Array.of(source.length) } }, 0, 1, source.length);
    this.encode(d, this.passes(d, 1, 0).encode);
  }

  /** Raw logits of the token after `prefix` for the sentence that was encoded, with their fraction bits. The view is of scratch. */
  next(d: Device, prefix: Int32Array): { raw: Int32Array; fraction: number } {
    const rows = prefix.length, { vocabulary: V } = this.config;
    this.load(d, { input: { tokens: prefix, lengths: Int32Array.of(rows) } }, 0, 1, rows);
    const { decode } = this.passes(d, 1, 0);
    this.decode(d, decode, false);
    const { at, fraction } = this.logitsOf(d, 0, decode);
    return { raw: d.view(at + (rows - 1) * V * 4, V), fraction };
  }

  /** Copies rows first .. of some token matrices, `width` tokens wide, into memory, for accumulate and evaluate. By the calling thread. */
  load(d: Device, given: Partial<Record<'source' | 'input' | 'target', TokenRows>>, first: number, count: number, width = this.config.context): void {
    for (const [side, { tokens, lengths }] of Object.entries(given) as ['source' | 'input' | 'target', TokenRows][]) {
      for (let s = 0; s < count; s++) d.view(this.at(side, s), width).set(tokens.subarray((first + s) * width, (first + s + 1) * width));
      d.view(this.lengths[side === 'source' ? 'source' : 'target'], count).set(lengths.subarray(first, first + count));
    }
  }
}
