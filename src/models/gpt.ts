// GPT-2 in integers: embedding -> reversible stack of blocks -> head. Lays itself out in an arena and knows the order of the
// passes; everything is done sequence by sequence, so no bit depends on how a batch is cut into micro-batches.

import type { Device } from '../kernels/device.ts';
import type { Pointer } from '../kernels/kernels.ts';
import { Block } from '../nn/block.ts';
import { Head } from '../nn/head.ts';
import { ParameterStore } from '../nn/parameters.ts';
import { embeddingBackward, embeddingForward } from '../ops/embedding.ts';
import { PURPOSE } from '../random.ts';
import type { UpdateRule } from '../reversible/rule.ts';
import { Stack, type Training } from '../reversible/stack.ts';
import type { Arena } from '../tensor/arena.ts';
import { LOSS_FRACTION, MASTER_FRACTION } from '../tensor/formats.ts';
import { type GptConfig, checkGptConfig, gptParameters } from './gpt-config.ts';

export interface GptRun {
  /** Sequences held at a time. */
  readonly sequences: number;
  /** l: fraction bits of the residual state. */
  readonly fraction: number;
  readonly rule: UpdateRule;
  readonly verify: boolean;
  /** Threads that may work at once; each has workspace of its own. */
  readonly threads: number;
}

/** Standard deviation of the sum of eight 16-bit uniform numbers: sqrt(8 (2^32 - 1) / 12). */
const IRWIN_HALL_DEVIATION = Math.sqrt((8 * (2 ** 32 - 1)) / 12);

export class Gpt {
  readonly config: Required<GptConfig>;
  readonly store: ParameterStore;
  readonly stack: Stack;
  /** One of each thread. */
  private readonly blocks: Block[];
  private readonly heads: Head[];
  /** int32 [sequences, T] each. */
  private readonly ids: Pointer;
  private readonly targets: Pointer;

  constructor(arena: Arena, config: GptConfig, private readonly run: GptRun) {
    this.config = checkGptConfig(config);
    const { vocabulary, layers, channels, heads, context, mlpRatio, tied } = this.config;
    const shape = { context, channels, heads, hidden: mlpRatio * channels };
    this.store = new ParameterStore(arena, gptParameters(config));
    this.stack = new Stack(arena, { ...shape, layers, sequences: run.sequences, fraction: run.fraction, threads: run.threads }, run.rule, run.verify);
    this.blocks = Array.from({ length: run.threads }, () => new Block(arena, shape));
    this.heads = Array.from({ length: run.threads }, () => new Head(arena, { context, channels, vocabulary, tied }));
    this.ids = arena.allocate('workspace', run.sequences * context * 4);
    this.targets = arena.allocate('workspace', run.sequences * context * 4);
  }

  /** Initial weights, a function of the seed: nearly normal matrices, gains 1, biases 0; moments 0. */
  initialise(d: Device, seed: number): void {
    const low = seed >>> 0, high = Math.floor(seed / 2 ** 32);
    this.store.all.forEach((p, index) => {
      d.clear(p.m, p.size * 4);
      d.clear(p.r, p.size * 4);
      if (p.kind === 'bias') d.clear(p.master, p.size * 4);
      else if (p.kind === 'gain') d.view(p.master, p.size).fill(2 ** MASTER_FRACTION);
      else {
        const scale = Math.round((p.deviation * 2 ** MASTER_FRACTION * 2 ** 16) / IRWIN_HALL_DEVIATION);
        d.kernels.random_normal_i32(p.master, p.size, index, 0, PURPOSE.weights, low, high, scale);
      }
    });
  }

  /** Zeroes this thread's part of the gradients. */
  clearGradients(d: Device): void {
    for (const p of this.store.all) {
      const { from, to } = d.team.range(p.size, 64);
      d.clear(p.gradient + from * 8, (to - from) * 8);
    }
  }

  /** Forward and backward over the `count` loaded sequences, samples first .. of 0-based `step`; adds to the gradients of the summed
   *  loss. Every thread of the team runs it on its own lanes; returns the summed loss of those in nats with 16 fraction bits. */
  accumulate(d: Device, first: number, count: number, step: number): number {
    const { context: T } = this.config, { fraction } = this.run, { rank, size } = d.team, block = this.blocks[rank], head = this.heads[rank];
    const training: Training = { step, first, embed: (s, at) => this.embed(d, s, at, T) };
    for (let s = rank; s < count; s += size) this.embed(d, s, this.stack.input(s), T);
    this.stack.forward(d, block, this.store, count, T, training);
    head.prepare(d, this.store, true);
    let loss = 0;
    for (let s = rank; s < count; s += size) {
      loss += head.loss(d, this.stack.output(s), fraction, this.targets + s * T * 4, T, true);
      const gradient = this.stack.gradient(s);
      gradient.exponent = head.backward(d, gradient.at, T);
    }
    this.stack.backward(d, block, this.store, count, training);
    const token = this.store.get('token.weight'), position = this.store.get('position.weight');
    for (let s = rank; s < count; s += size)
      embeddingBackward(d, this.ids + s * T * 4, this.stack.gradient(s), token.gradient, position.gradient, T, this.config.channels);
    return loss;
  }

  /** Summed loss (16 fraction bits) of the plain model (gamma = 0) on this thread's lanes of `count` loaded sequences. */
  evaluate(d: Device, count: number): number {
    const { context: T } = this.config, { rank, size } = d.team, head = this.heads[rank];
    for (let s = rank; s < count; s += size) this.embed(d, s, this.stack.input(s), T);
    this.stack.forward(d, this.blocks[rank], this.store, count, T);
    head.prepare(d, this.store, false);
    let loss = 0;
    for (let s = rank; s < count; s += size) loss += head.loss(d, this.stack.output(s), this.run.fraction, this.targets + s * T * 4, T, false);
    return loss;
  }

  /** Raw logits after the last of `tokens` (1..T of them) of the plain model, with their fraction bits. The view is of scratch. */
  logits(d: Device, tokens: Int32Array): { raw: Int32Array; fraction: number } {
    const rows = tokens.length, { vocabulary: V } = this.config; // by the calling thread alone
    this.load(d, tokens, tokens, 0, 1, rows);
    this.embed(d, 0, this.stack.input(0), rows);
    const [head] = this.heads;
    this.stack.forward(d, this.blocks[0], this.store, 1, rows);
    head.prepare(d, this.store, false);
    const { at, fraction } = head.logits(d, this.stack.output(0), this.run.fraction, rows);
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

/** A raw loss in nats. */
export const nats = (raw: number): number => raw / 2 ** LOSS_FRACTION;
