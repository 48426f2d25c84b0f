// Draws of tests, a function of a seed.

import { philox4x32 } from '../../src/core/random.ts';
import { scaleU32 } from '../../src/data/batch.ts';

export class Draws {
  private index = 0;

  constructor(private readonly seed: number) {}

  u32(): number {
    return philox4x32(this.index++, 17, 0, 0, this.seed, 0)[0];
  }

  /** 0 .. count - 1. */
  below(count: number): number {
    return scaleU32(this.u32(), count);
  }
}
