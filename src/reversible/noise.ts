// Noise of training that can be replayed: dropout on the output of every sublayer (Srivastava et al., JMLR 2014), and stochastic depth,
// which leaves out a block of a sample (Huang et al., ECCV 2016). Both are functions of (seed, step, sample, block), so a block that
// is computed again draws the same, and nothing is saved.

import type { Device } from '../kernels/device.ts';
import type { Pointer } from '../kernels/kernels.ts';
import { PURPOSE, randomU32 } from '../random.ts';
import { BRANCH_LIMIT } from '../tensor/formats.ts';

export interface NoiseOptions {
  readonly seed: number;
  /** Probability that an element of a sublayer's output is dropped. */
  readonly dropout: number;
  /** Probability that the last block is left out; block k's is (k + 1) / L of it. */
  readonly stochasticDepth: number;
}

/** Sublayer `part` of block k of a stack's `layers`, which is block `block` of the model, for a sample of a step. */
export interface NoisePlace {
  readonly step: number;
  readonly sample: number;
  readonly block: number;
  readonly k: number;
  readonly layers: number;
  readonly part: number;
}

/** Fraction bits of the factor 1 / (1 - p). */
const FACTOR_FRACTION = 15;
const threshold = (p: number): number => Math.floor(p * 2 ** 32);
const factor = (p: number): number => Math.round(2 ** FACTOR_FRACTION / (1 - p));

export class Noise {
  constructor(private readonly options: NoiseOptions) {}

  get isSilent(): boolean {
    return this.options.dropout === 0 && this.options.stochasticDepth === 0;
  }

  /** Probability that block k of `layers` is left out: the linear rule of Huang et al., section 3. */
  private depth(k: number, layers: number): number {
    return (this.options.stochasticDepth * (k + 1)) / layers;
  }

  /** Whether a block is left out for a sample of a step. */
  skips(step: number, sample: number, block: number, k: number, layers: number): boolean {
    return randomU32(this.options.seed, PURPOSE.depth, step, sample, block) < threshold(this.depth(k, layers));
  }

  /** Drops elements of a sublayer's output (int32, 16 fraction bits) or of its gradient, in place, and scales the rest. */
  apply(d: Device, at: Pointer, n: number, { step, sample, block, k, layers, part }: NoisePlace, isGradient: boolean): void {
    const { seed, dropout } = this.options, scale = factor(1 - (1 - dropout) * (1 - this.depth(k, layers)));
    const high = Math.floor(seed / 2 ** 32), place = PURPOSE.dropout + 16 * (block * 4 + part);
    d.counts.saturated += d.kernels.dropout_i32(at, n, sample, step, place, seed >>> 0, high, threshold(dropout), scale, isGradient ? 2 ** 31 - 1 : BRANCH_LIMIT);
  }
}
