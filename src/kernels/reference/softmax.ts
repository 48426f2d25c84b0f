// Softmax with base-2 exponentials, forward and backward. The largest element's exponential is
// exactly 2^30, so the sum of a row is never 0. cross-entropy.ts shares `exponentials`.

import { PROBABILITY_MAX } from '../../memory/formats.ts';
import type { Kernels } from '../kernels.ts';
import { halfUp, halfUpBig, multiplyShift32, saturateInt32Big } from './fixed.ts';
import type { Memory } from './memory.ts';
import { EXP2_Q30 } from './tables.ts';

/** E(f): 2^-(f / 2^15) in Q30, 0 <= f < 2^15. */
export function exp2Fraction(f: number): number {
  let y = EXP2_Q30[5];
  for (let i = 4; i >= 0; i--) y = EXP2_Q30[i] - Math.floor((y * f) / 2 ** 15);
  return y;
}

/** e = 2^-(t / 2^15) in Q30, t >= 0. */
function exp2(t: number): number {
  const n = Math.floor(t / 2 ** 15);
  const f = t % 2 ** 15;
  return n > 30 ? 0 : Math.floor(exp2Fraction(f) / 2 ** n);
}

/** Of `count` >= 1 values from s[at]: the distances t to the largest, the exponentials e, their sum
 *  Z and R = floor(2^61 / Z). */
export function exponentials(
  s: Int32Array,
  at: number,
  count: number,
  scale: number,
): { t: number[]; e: number[]; Z: bigint; R: bigint } {
  let max = -Infinity;
  for (let j = 0; j < count; j++) max = Math.max(max, s[at + j]);
  const t = Array.from({ length: count }, (_, j) => multiplyShift32(max - s[at + j], scale));
  const e = t.map(exp2);
  const Z = BigInt(e.reduce((sum, value) => sum + value, 0)); // at most 2^20 * 2^30
  return { t, e, Z, R: (1n << 61n) / Z };
}

export function softmaxKernels(
  memory: Memory,
): Pick<Kernels, 'softmax_forward_i32i16' | 'softmax_backward_i16i32'> {
  return {
    softmax_forward_i32i16(s, lds, p, ldp, rows, columns, valid, causal, scale) {
      const S = memory.int32(s);
      const P = memory.int16(p);
      for (let i = 0; i < rows; i++) {
        const v = valid + i * causal;
        const { e, R } = exponentials(S, i * lds, v, scale);
        for (let j = 0; j < columns; j++) {
          const value = j < v ? e[j] : 0;
          const share = Number((BigInt(value) * R + (1n << 45n)) >> 46n);
          P[i * ldp + j] = Math.min(PROBABILITY_MAX, share);
          if (j < Math.ceil(v / 8) * 8) S[i * lds + j] = value;
        }
      }
    },

    softmax_backward_i16i32(p, ldp, dp, lddp, ds, ldds, rows, columns, valid, causal, factor) {
      const P = memory.int16(p);
      const Dp = memory.int32(dp);
      const Ds = memory.int32(ds);
      for (let i = 0; i < rows; i++) {
        const v = valid + i * causal;
        const d = Array.from({ length: v }, (_, j) => BigInt(halfUp(Dp[i * lddp + j], 2)));
        const dot = halfUpBig(
          d.reduce((sum, value, j) => sum + BigInt(P[i * ldp + j]) * value, 0n),
          15,
        );
        for (let j = 0; j < columns; j++) {
          const value =
            j < v ? halfUpBig((d[j] - dot) * BigInt(P[i * ldp + j]) * BigInt(factor), 28) : 0n;
          Ds[i * ldds + j] = Number(saturateInt32Big(value));
        }
      }
    },
  };
}
