// GPT-2 in integers: embedding -> reversible stack of blocks -> head. Everything is done sequence by sequence, so no bit depends on how
// a batch is cut into micro-batches.

import type { Filled } from '../core/check.ts';
import type { Device } from '../kernels/device.ts';
import type { Pointer } from '../kernels/kernels.ts';
import { Block } from '../nn/block.ts';
import { Head } from '../nn/head.ts';
import { ParameterStore } from '../nn/parameters.ts';
import { embeddingBackward, embeddingForward } from '../ops/embedding.ts';
import { type Pass, type Reconstruction, Stack } from '../reversible/stack.ts';
import type { Arena } from '../tensor/arena.ts';
import { type GptConfig, checkGptConfig, gptParameters } from './gpt-config.ts';
import type { Model, ModelRun, Score } from './model.ts';

export class Gpt implements Model {
  readonly config: Filled<GptConfig>;
  readonly store: ParameterStore;
  private readonly stack: Stack;
  /** One of each thread. */
  private readonly heads: Head[];
  /** int32 [sequences, T] each. */
  private readonly ids: Pointer;
  private readonly targets: Pointer;

  constructor(arena: Arena, config: GptConfig, private readonly run: ModelRun) {
    this.config = checkGptConfig(config);
    const { vocabulary, layers, channels, heads, context, mlpRatio, tied } = this.config, { sequences, fraction, threads } = run;
    const shape = { context, channels, heads, hidden: mlpRatio * channels, causal: true, memory: 0 };
    this.store = new ParameterStore(arena, gptParameters(config));
    const blocks = Array.from({ length: threads }, () => new Block(arena, shape));
    this.stack = new Stack(arena, { ...shape, layers, sequences, fraction }, run, blocks);
    this.heads = Array.from({ length: threads }, () => new Head(arena, { context, channels, vocabulary, matrix: tied ? 'token' : 'head' }));
    this.ids = arena.allocate('workspace', sequences * context * 4);
    this.targets = arena.allocate('workspace', sequences * context * 4);
  }

  get reconstruction(): Reconstruction {
    return this.stack.reconstruction;
  }

  resetReconstruction(): void {
    this.stack.resetReconstruction();
  }

  accumulate(d: Device, first: number, count: number, step: number): Score {
    const { context: T, channels } = this.config, head = this.heads[d.team.rank];
    const pass: Pass = { count, rows: () => T, training: { step, first, embed: (s, at) => this.embed(d, s, at, T) } };
    this.start(d, pass);
    head.prepare(d, this.store, true);
    let loss = 0;
    this.stack.each(d, pass, (s) => {
      loss += head.loss(d, head.logits(d, this.stack.output(d, s, pass), this.run.fraction, T), this.targets + s * T * 4, T, true);
      const gradient = this.stack.gradient(s);
      gradient.exponent = head.backward(d, gradient.at, T);
    });
    this.stack.backward(d, this.store, pass);
    const token = this.store.get('token.weight'), position = this.store.get('position.weight');
    this.stack.each(d, pass, (s) => embeddingBackward(d, this.ids + s * T * 4, this.stack.gradient(s), token.gradient, position.gradient, T, channels));
    return { loss, correct: 0 };
  }

  evaluate(d: Device, count: number, gamma8: number): Score {
    const { context: T } = this.config, head = this.heads[d.team.rank], pass: Pass = { count, rows: () => T, gamma8 };
    this.start(d, pass);
    head.prepare(d, this.store, false);
    let loss = 0;
    this.stack.each(d, pass, (s) => { loss += head.loss(d, head.logits(d, this.stack.output(d, s, pass), this.run.fraction, T), this.targets + s * T * 4, T, false); });
    return { loss, correct: 0 };
  }

  /** Embeds and runs the blocks forward. */
  private start(d: Device, pass: Pass): void {
    this.stack.each(d, pass, (s) => this.embed(d, s, this.stack.input(s), pass.rows(s)));
    this.stack.forward(d, this.store, pass);
  }

  /** Raw logits after the last of `tokens` (1..T of them) of the plain model, with their fraction bits. The view is of scratch. */
  logits(d: Device, tokens: Int32Array): { raw: Int32Array; fraction: number } {
    const rows = tokens.length, { vocabulary: V } = this.config, [head] = this.heads, pass: Pass = { count: 1, rows: () => rows }; // by the calling thread alone
    this.load(d, tokens, tokens, 0, 1, rows);
    this.start(d, pass);
    head.prepare(d, this.store, false);
    const { at, fraction } = head.logits(d, this.stack.output(d, 0, pass), this.run.fraction, rows);
    return { raw: d.view(at + (rows - 1) * V * 4, V), fraction };
  }

  /** Copies `count` sequences from `first` on into memory, for accumulate and evaluate. By the calling thread. */
  load(d: Device, inputs: Int32Array, targets: Int32Array, first: number, count: number, rows = this.config.context): void {
    d.view(this.ids, count * rows).set(inputs.subarray(first * rows, (first + count) * rows));
    d.view(this.targets, count * rows).set(targets.subarray(first * rows, (first + count) * rows));
  }

  private embed(d: Device, s: number, at: Pointer, rows: number): void {
    embeddingForward(d, this.ids + s * rows * 4, this.store.get('token.weight').master, this.store.get('position.weight').master,
      at, rows, this.config.channels, this.run.fraction);
  }
}
