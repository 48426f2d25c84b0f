// Noise of training that can be replayed: dropout on the output of every sublayer (Srivastava et
// al., JMLR 2014), and stochastic depth, which leaves out a block of a sample (Huang et al., ECCV
// 2016). Both are functions of (seed, step, sample, block), so a block that is computed again draws
// the same, and nothing is saved.

import { PURPOSE, randomU32 } from '../core/random.ts';
import type { Pointer } from '../kernels/kernels.ts';
import { BRANCH_LIMIT } from '../memory/formats.ts';
import type { Site } from './rule.ts';

export interface NoiseOptions {
  /** Probability that an element of a sublayer's output is dropped. */
  readonly dropout: number;
  /** Probability that the last block is left out; block k's is (k + 1) / L of it. */
  readonly stochasticDepth: number;
}

/** Fraction bits of the factor 1 / (1 - p). */
const FACTOR_FRACTION = 15;
const threshold = (p: number): number => Math.floor(p * 2 ** 32);
const factor = (p: number): number => Math.round(2 ** FACTOR_FRACTION / (1 - p));

export class Noise {
  readonly isSilent: boolean;

  constructor(private readonly options: NoiseOptions) {
    this.isSilent = options.dropout === 0 && options.stochasticDepth === 0;
  }

  /** Probability that a site's block is left out: the linear rule of Huang et al., section 3. */
  private depth({ k, layers }: Site): number {
    return (this.options.stochasticDepth * (k + 1)) / layers;
  }

  /** Whether a site's block is left out for its sample. */
  skips(site: Site): boolean {
    const { seed, step, sample, block } = site;
    return randomU32(seed, PURPOSE.depth, step, sample, block) < threshold(this.depth(site));
  }

  /** Drops elements of the output of sublayer `part` (int32, 16 fraction bits) or of its gradient,
   *  in place, and scales the rest. */
  apply(site: Site, at: Pointer, part: number, isGradient: boolean): void {
    const { run, n, seed, step, sample, block } = site;
    const { dropout } = this.options;
    const scale = factor(1 - (1 - dropout) * (1 - this.depth(site)));
    const high = Math.floor(seed / 2 ** 32);
    const place = PURPOSE.dropout + 16 * (block * 4 + part);
    const limit = isGradient ? 2 ** 31 - 1 : BRANCH_LIMIT;
    run.counts.saturated += run.kernels.dropout_i32(
      at,
      n,
      sample,
      step,
      place,
      seed >>> 0,
      high,
      threshold(dropout),
      scale,
      limit,
    );
  }
}
