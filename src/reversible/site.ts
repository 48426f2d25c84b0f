// A block at a sequence, as an update rule sees it (rule.ts). One of each thread, moved from place
// to place: a step builds no objects.

import type { Pointer } from '../kernels/kernels.ts';
import type { Gradient } from '../memory/tensor.ts';
import { clearGradient } from '../ops/gradient.ts';
import type { Memory, Run } from '../ops/run.ts';
import type { ApplyNoise, Block, BlockPass, BlockSaved } from './block.ts';
import type { Noise } from './noise.ts';
import type { Lane, Site } from './rule.ts';

/** The sequences of a pass: lanes 0..count-1. */
export interface Pass {
  readonly count: number;
  /** A training pass; else inference. */
  readonly isTraining: boolean;
  readonly seed: number;
  readonly step: number;
  /** The sample that lane 0 holds. */
  readonly first: number;
  /** Inference: 8 gamma (0). */
  readonly gamma8: number;
  /** Rows of lane s. */
  rows(s: number): number;
  /** What lane s's cross-attention looks at. */
  memory(s: number): Memory | undefined;
  /** Writes x_0 of lane s again; called only to name the element of a failed reconstruction. */
  embed(run: Run, s: number, at: Pointer): void;
}

/** What does not change of a site. */
export interface SiteShape {
  readonly layers: number;
  readonly channels: number;
  /** Number of the first block among all of the model's, for random draws. */
  readonly firstBlock: number;
  readonly h: Pointer;
  readonly dBranch: Pointer;
}

/** `move` sets whatever varies, before anything is asked of it. */
export class BlockSite implements Site, BlockPass {
  k!: number;
  block!: number;
  n!: number;
  l!: number;
  rows!: number;
  gamma8!: number;
  seed!: number;
  step!: number;
  sample!: number;
  isTraining!: boolean;
  run!: Run;
  lane!: Lane;
  saved!: BlockSaved;
  noise: ApplyNoise | undefined;
  readonly layers: number;
  readonly parts: number;
  readonly h: Pointer;
  readonly spare: Pointer;
  readonly dBranch: Gradient;
  private skips!: boolean;
  private readonly applyNoise: ApplyNoise;

  constructor(
    private readonly code: Block,
    private readonly source: Noise,
    private readonly shape: SiteShape,
  ) {
    this.layers = shape.layers;
    this.parts = code.parts.length;
    this.h = shape.h;
    this.spare = shape.dBranch;
    this.dBranch = { at: shape.dBranch, exponent: 0 };
    this.applyNoise = (at, part, isGradient) => source.apply(this, at, part, isGradient);
  }

  /** Moves to lane s of a pass, in block this.k. */
  move(run: Run, lane: Lane, saved: BlockSaved, s: number, pass: Pass): this {
    const { source, shape } = this;
    this.run = run;
    this.l = run.stateFraction;
    this.lane = lane;
    this.saved = saved;
    this.block = shape.firstBlock + this.k;
    this.rows = pass.rows(s);
    this.n = this.rows * shape.channels;
    this.gamma8 = pass.gamma8;
    this.isTraining = pass.isTraining;
    this.seed = pass.seed;
    this.step = pass.step;
    this.sample = pass.first + s;
    run.sample = this.sample;
    const isNoisy = pass.isTraining && !source.isSilent;
    this.noise = isNoisy ? this.applyNoise : undefined;
    this.skips = isNoisy && source.skips(this);
    run.memory = pass.memory(s);
    return this;
  }

  branch(x: Pointer, from = 0, to = this.parts): void {
    if (this.skips) this.run.clear(this.h, this.n * 4);
    else this.code.forward(this, x, this.h, from, to);
  }

  gradient(from = 0, to = this.parts): void {
    if (this.skips) clearGradient(this.run, this.dBranch, this.n);
    else this.code.backward(this, this.dBranch, from, to);
  }
}
