// AdamW (Loshchilov & Hutter 2019) in integers. The second moment is kept as its square root r, so
// that it fits int32.

import { OPTIMIZER_FRACTION } from '../../memory/formats.ts';
import type { Kernels } from '../kernels.ts';
import { clampBig, halfUpBig, isqrt, saturateInt32Big } from './fixed.ts';
import type { Memory } from './memory.ts';

/** Largest |clipped gradient|: 1. */
const GRADIENT_MAX = 1n << BigInt(OPTIMIZER_FRACTION);

export function adamKernels(memory: Memory): Pick<Kernels, 'sum_squares_i64' | 'adamw_i64'> {
  return {
    sum_squares_i64(g, n, shift, out) {
      const G = memory.int64(g);
      let sum = 0n;
      for (let i = 0; i < n; i++) sum += halfUpBig(G[i], shift) ** 2n;
      memory.int64(out)[0] = sum;
    },

    adamw_i64(w, g, m, r, n, shift, factor, factorShift, k1, k2, rate, epsilon, decay, limit) {
      const W = memory.int32(w);
      const Gradient = memory.int64(g);
      const Moment = memory.int32(m);
      const Root = memory.int32(r);
      const K1 = BigInt(k1);
      const K2 = BigInt(k2);
      const limitBig = BigInt(limit);
      let clamped = 0;
      for (let i = 0; i < n; i++) {
        const G = halfUpBig(Gradient[i], shift);
        const ghat = clampBig(halfUpBig(G * BigInt(factor), factorShift), GRADIENT_MAX);

        // BigInt division truncates, as the formula does
        const moment = (((1n << K1) - 1n) * BigInt(Moment[i]) + ghat) / (1n << K1);
        const rSquared = BigInt(Root[i]) ** 2n;
        const v = rSquared - (rSquared >> K2) + ((ghat * ghat) >> K2);
        const root = isqrt(v);

        const exact = (moment * BigInt(rate)) / (root + BigInt(epsilon));
        const update = saturateInt32Big(exact);
        const decayed = halfUpBig(BigInt(W[i]) * BigInt(decay), 32);
        const weight = BigInt(W[i]) - halfUpBig(update, 8) - decayed;

        Moment[i] = Number(moment);
        Root[i] = Number(root);
        W[i] = Number(clampBig(weight, limitBig));
        if (update !== exact) clamped++;
        if (BigInt(W[i]) !== weight) clamped++;
      }
      return clamped;
    },
  };
}
