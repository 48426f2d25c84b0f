// A block at a sequence, as an update rule sees it (rule.ts). One of each thread, moved from place to place.

import type { Device } from '../kernels/device.ts';
import type { Pointer } from '../kernels/kernels.ts';
import type { Block, BlockActivations, BlockShape, Memory, Noise as BlockNoise } from '../nn/block.ts';
import { type Scaled, clearGradient } from '../ops/gradient.ts';
import type { Noise } from './noise.ts';
import type { Lane, Site } from './rule.ts';

export interface StackShape extends BlockShape {
  readonly layers: number;
  /** Sequences held at a time. */
  readonly sequences: number;
  /** Number of the first block among all of a model, for random draws (0). */
  readonly firstBlock?: number;
  /** l: fraction bits of the state. */
  readonly fraction: number;
}

/** The sequences of a pass: lanes 0..count-1. */
export interface Pass {
  readonly count: number;
  /** Rows of lane s. */
  readonly rows: (s: number) => number;
  /** What lane s's cross-attention looks at. */
  readonly memory?: (s: number) => Memory;
  /** Makes it a training pass: the step, the sample that lane 0 holds, and how to write x_0 of lane s again; called only to name the
   *  element of a failed reconstruction. Without it inference. */
  readonly training?: { readonly step: number; readonly first: number; readonly embed: (s: number, at: Pointer) => void };
  /** Inference: 8 gamma (0). */
  readonly gamma8?: number;
}

export class BlockSite implements Site {
  d!: Device;
  lane!: Lane;
  k = 0;
  block = 0;
  n = 0;
  rows = 0;
  gamma8 = 0;
  sample = 0;
  training: { readonly step: number; readonly sample: number } | undefined;
  readonly layers: number;
  readonly l: number;
  readonly parts: number;
  private saved!: BlockActivations;
  private memory: Memory | undefined;
  private noise: BlockNoise | undefined;
  private skips = false;

  constructor(private readonly code: Block, private readonly source: Noise, private readonly shape: StackShape, readonly h: Pointer, readonly dBranch: Pointer) {
    this.layers = shape.layers;
    this.l = shape.fraction;
    this.parts = code.count;
  }

  get spare(): Pointer {
    return this.dBranch;
  }

  /** Moves to block k and lane s of a pass. */
  at(d: Device, lane: Lane, k: number, s: number, pass: Pass, saved: BlockActivations): this {
    const { layers, source, shape } = this, { training } = pass;
    this.d = d;
    this.lane = lane;
    this.k = k;
    this.block = (shape.firstBlock ?? 0) + k;
    this.rows = pass.rows(s);
    this.n = this.rows * shape.channels;
    this.saved = saved;
    this.memory = pass.memory?.(s);
    this.gamma8 = pass.gamma8 ?? 0;
    this.training = this.noise = undefined;
    this.skips = false;
    if (training === undefined) return this;
    const { step } = training, sample = training.first + s;
    this.sample = sample;
    this.training = { step, sample };
    if (source.isSilent) return this;
    this.skips = source.skips(step, sample, this.block, k, layers);
    this.noise = (on, at, n, part, isGradient) => source.apply(on, at, n, { step, sample, block: this.block, k, layers, part }, isGradient);
    return this;
  }

  branch(x: Pointer, from?: number, to?: number): void {
    if (this.skips) this.d.clear(this.h, this.n * 4);
    else this.code.forward(this.d, x, this.l, this.saved, this.h, this.rows, this.memory, this.noise, from, to);
  }

  gradient(dhExponent: number, from?: number, to?: number): Scaled {
    const { d, dBranch: at } = this, dh: Scaled = { at, exponent: dhExponent };
    if (this.skips) return clearGradient(d, dh, this.n);
    const { code, saved, rows, memory, noise } = this;
    dh.exponent = code.backward(d, dh, saved, at, rows, memory, noise, from, to);
    return dh;
  }
}
