// A vision transformer in integers: patches -> reversible stack of blocks -> head on the class token. Image by image, so that no bit
// depends on how a batch is cut into micro-batches.

import type { Filled } from '../core/check.ts';
import type { Device } from '../kernels/device.ts';
import type { Pointer } from '../kernels/kernels.ts';
import { Block } from '../nn/block.ts';
import { Head } from '../nn/head.ts';
import { ParameterStore } from '../nn/parameters.ts';
import { PatchEmbedding } from '../nn/patch-embedding.ts';
import { clearGradient } from '../ops/gradient.ts';
import { type Pass, type Reconstruction, Stack } from '../reversible/stack.ts';
import type { Arena } from '../tensor/arena.ts';
import type { Model, ModelRun, Score } from './model.ts';
import { patchesOf } from './patches.ts';
import { type VitConfig, checkVitConfig, vitParameters, vitTokens } from './vit-config.ts';

export class Vit implements Model {
  readonly config: Filled<VitConfig>;
  readonly store: ParameterStore;
  private readonly stack: Stack;
  /** T. */
  private readonly tokens: number;
  /** One of each thread. */
  private readonly embeddings: PatchEmbedding[];
  private readonly heads: Head[];
  /** int16 [sequences, image], int32 [sequences]. */
  private readonly patches: Pointer;
  private readonly labels: Pointer;

  constructor(arena: Arena, config: VitConfig, private readonly run: ModelRun) {
    this.config = checkVitConfig(config);
    const { layers, channels, heads, mlpRatio, classes } = this.config, { sequences, fraction, threads } = run, context = vitTokens(this.config);
    const shape = { context, channels, heads, hidden: mlpRatio * channels, causal: false, memory: 0 };
    const each = <T>(make: () => T): T[] => Array.from({ length: threads }, make);
    this.tokens = context;
    this.store = new ParameterStore(arena, vitParameters(config));
    this.stack = new Stack(arena, { ...shape, layers, sequences, fraction }, run, each(() => new Block(arena, shape)));
    this.embeddings = each(() => new PatchEmbedding(arena, context, channels, this.imageSize / (context - 1)));
    this.heads = each(() => new Head(arena, { context: 1, channels, vocabulary: classes, matrix: 'head' }));
    this.patches = arena.allocate('workspace', sequences * this.imageSize * 2);
    this.labels = arena.allocate('workspace', sequences * 4);
  }

  /** Numbers of an image. */
  get imageSize(): number {
    const { width, height, colours } = this.config;
    return width * height * colours;
  }

  get reconstruction(): Reconstruction {
    return this.stack.reconstruction;
  }

  resetReconstruction(): void {
    this.stack.resetReconstruction();
  }

  accumulate(d: Device, first: number, count: number, step: number): Score {
    const { rank } = d.team, head = this.heads[rank], score: Score = { loss: 0, correct: 0 };
    const pass: Pass = { count, rows: () => this.tokens, training: { step, first, embed: (s, at) => this.embed(d, s, at) } };
    this.start(d, pass, true);
    this.stack.each(d, pass, (s) => {
      this.score(d, s, pass, true, score);
      const gradient = this.stack.gradient(s), { channels } = this.config;
      clearGradient(d, gradient, this.tokens * channels); // only the class token's row has one
      gradient.exponent = head.backward(d, gradient.at, 1);
    });
    this.stack.backward(d, this.store, pass);
    this.stack.each(d, pass, (s) => this.embeddings[rank].backward(d, this.store, this.patchesAt(s), this.stack.gradient(s)));
    return score;
  }

  evaluate(d: Device, count: number, gamma8: number): Score {
    const pass: Pass = { count, rows: () => this.tokens, gamma8 }, score: Score = { loss: 0, correct: 0 };
    this.start(d, pass, false);
    this.stack.each(d, pass, (s) => this.score(d, s, pass, false, score));
    return score;
  }

  /** Embeds and runs the blocks forward; makes the head ready. */
  private start(d: Device, pass: Pass, backward: boolean): void {
    const { rank } = d.team;
    this.embeddings[rank].prepare(d, this.store);
    this.stack.each(d, pass, (s) => this.embed(d, s, this.stack.input(s)));
    this.stack.forward(d, this.store, pass);
    this.heads[rank].prepare(d, this.store, backward);
  }

  private score(d: Device, s: number, pass: Pass, backward: boolean, sum: Score): void {
    const head = this.heads[d.team.rank], logits = head.logits(d, this.stack.output(d, s, pass), this.run.fraction, 1);
    const row = d.view(logits.at, this.config.classes), [label] = d.view(this.labels + s * 4, 1);
    let best = 0;
    row.forEach((value, c) => { if (value > row[best]) best = c; });
    if (best === label) sum.correct++;
    sum.loss += head.loss(d, logits, this.labels + s * 4, 1, backward);
  }

  /** Raw logits of one image, with their fraction bits. The view is of scratch. */
  logits(d: Device, pixels: Uint8Array): { raw: Int32Array; fraction: number } {
    const pass: Pass = { count: 1, rows: () => this.tokens }; // by the calling thread alone
    this.load(d, pixels, Int32Array.of(0), 0, 1);
    this.start(d, pass, false);
    const { at, fraction } = this.heads[0].logits(d, this.stack.output(d, 0, pass), this.run.fraction, 1);
    return { raw: d.view(at, this.config.classes), fraction };
  }

  private patchesAt(s: number): Pointer {
    return this.patches + s * this.imageSize * 2;
  }

  /** Copies `count` images from `first` on into memory, as patches, for accumulate and evaluate. By the calling thread. */
  load(d: Device, pixels: Uint8Array, labels: Int32Array, first: number, count: number): void {
    const { width, height, colours: channels, patch } = this.config, n = this.imageSize;
    for (let s = 0; s < count; s++)
      patchesOf(pixels.subarray((first + s) * n, (first + s + 1) * n), { width, height, channels }, patch, new Int16Array(d.bytes.buffer, this.patchesAt(s), n));
    d.view(this.labels, count).set(labels.subarray(first, first + count));
  }

  private embed(d: Device, s: number, at: Pointer): void {
    this.embeddings[d.team.rank].forward(d, this.store, this.patchesAt(s), at, this.run.fraction);
  }
}
