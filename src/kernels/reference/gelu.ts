// GELU (Hendrycks & Gimpel 2016), u Phi(u) with the exact normal distribution function: GELU(u) =
// max(u, 0) - g(|u|), where g(a) = a (1 - Phi(a)) is a piecewise cubic on 16 segments of [0, 5),
// and its derivative likewise (tables.ts).

import { OPERAND_MAX } from '../../memory/formats.ts';
import type { Kernels } from '../kernels.ts';
import { clamp, halfUp, q15, shiftRightFloor } from './fixed.ts';
import type { Memory } from './memory.ts';
import { GELU_GAP_Q17, GELU_SLOPE_Q15 } from './tables.ts';

/** Largest |u| inside the table: just below 5 with 11 fraction bits. Beyond, g is 0 to the
 *  precision kept. */
const INPUT_MAX = 10239;
/** 1/5 in Q15: w = (3 + 1/5) a = 16/5 a has 11 fraction bits and its integer part is the segment.
 */
const FIFTH_Q15 = 6554;
const ONE_Q14 = 16384;

/** cubic(T) at |u|: the polynomial of the segment at the position f within it. */
function cubic(table: number[][], u: number): number {
  const a = Math.min(Math.abs(u), INPUT_MAX);
  const w = 3 * a + q15(a, FIFTH_Q15);
  const segment = Math.floor(w / 2 ** 11);
  const f = (w % 2 ** 11) * 2 ** 4;
  const [T0, T1, T2, T3] = table.map((row) => row[segment]);
  return q15(q15(q15(T3, f) + T2, f) + T1, f) + T0;
}

export function geluKernels(
  memory: Memory,
): Pick<Kernels, 'gelu_forward_i16i16' | 'gelu_backward_i32'> {
  return {
    gelu_forward_i16i16(u, act, n, shift) {
      const U = memory.int16(u);
      const Act = memory.int16(act);
      let clamped = 0;
      for (let i = 0; i < n; i++) {
        const gap = shiftRightFloor(cubic(GELU_GAP_Q17, U[i]) + 32, 6);
        const value = halfUp(Math.max(U[i], 0) - gap, shift);
        Act[i] = clamp(value, OPERAND_MAX);
        if (Math.abs(value) > OPERAND_MAX) clamped++;
      }
      return clamped;
    },

    gelu_backward_i32(dAct, u, du, n) {
      const DAct = memory.int32(dAct);
      const U = memory.int16(u);
      const Du = memory.int32(du);
      for (let i = 0; i < n; i++) {
        const g = shiftRightFloor(cubic(GELU_SLOPE_Q15, U[i]) + 1, 1);
        const slope = U[i] < 0 ? g : ONE_Q14 - g;
        Du[i] = halfUp(DAct[i] * slope, 15);
      }
    },
  };
}
