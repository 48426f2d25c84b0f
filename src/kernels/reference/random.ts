// Random numbers by the block: Philox4x32-10 (src/random.ts), sums of eight of its 16-bit halves,
// which are nearly normal, and dropout.

import { philox4x32 } from '../../core/random.ts';
import type { Kernels } from '../kernels.ts';
import { clamp, halfUp } from './fixed.ts';
import type { Memory } from './memory.ts';

/** The mean of the sum of eight numbers in 0..65535. */
const MEAN_OF_EIGHT = 262140;

export function randomKernels(
  memory: Memory,
): Pick<Kernels, 'random_u32' | 'random_normal_i32' | 'dropout_i32'> {
  return {
    random_u32(out, n, c1, c2, c3, key0, key1) {
      const O = memory.uint32(out);
      for (let b = 0; b < n / 4; b++) O.set(philox4x32(b, c1, c2, c3, key0, key1), 4 * b);
    },

    random_normal_i32(out, n, c1, c2, c3, key0, key1, scale) {
      const O = memory.int32(out);
      for (let i = 0; i < n; i++) {
        const h = philox4x32(i, c1, c2, c3, key0, key1).reduce(
          (sum, word) => sum + (word & 0xffff) + (word >>> 16),
          0,
        );
        O[i] = halfUp((h - MEAN_OF_EIGHT) * scale, 16); // below 2^50
      }
    },

    dropout_i32(x, n, c1, c2, c3, key0, key1, threshold, factor, limit) {
      const X = memory.int32(x);
      let clamped = 0;
      for (let i = 0; i < n; i++) {
        const word = philox4x32(Math.floor(i / 4), c1, c2, c3, key0, key1)[i % 4];
        const scaled = halfUp(X[i] * factor, 15); // below 2^51
        X[i] = word < threshold ? 0 : clamp(scaled, limit);
        if (word >= threshold && X[i] !== scaled) clamped++;
      }
      return clamped;
    },
  };
}
