// Changing formats: products and gradients back to operands, masters to working copies, and the
// maxima that choose the shifts.

import type { Kernels } from '../kernels.ts';
import { bitsBig, clamp, halfUp, halfUpBig, isqrt } from './fixed.ts';
import type { Memory } from './memory.ts';

/** Fraction bits that a bias of requantize_i32i16 has beyond the output's, if the shift allows
 *  them. */
const BIAS_GUARD = 6;

type Names =
  | 'requantize_i32i16'
  | 'requantize_i32i32'
  | 'narrow_i64i32'
  | 'max_abs_i32'
  | 'max_bits_i64'
  | 'quantize_i32i16'
  | 'l1_max_i16'
  | 'row_norm_max_i16';

export function requantizeKernels(memory: Memory): Pick<Kernels, Names> {
  return {
    requantize_i32i16(a, lda, out, ldo, rows, columns, shift, bound, bias) {
      const A = memory.int32(a);
      const O = memory.int16(out);
      const Bias = bias === 0 ? undefined : memory.int32(bias);
      const guard = Math.min(BIAS_GUARD, shift);
      let clamped = 0;
      for (let r = 0; r < rows; r++)
        for (let c = 0; c < columns; c++) {
          // Below 2^54. What a double could lose, the last bit of a sum beyond 2^53, is far beyond
          // the clamp.
          const sum = A[r * lda + c] + (Bias === undefined ? 0 : Bias[c] * 2 ** (shift - guard));
          const value = halfUp(sum, shift);
          O[r * ldo + c] = clamp(value, bound);
          if (Math.abs(value) > bound) clamped++;
        }
      return clamped;
    },

    requantize_i32i32(a, lda, out, ldo, rows, columns, shift, bound, bias) {
      const A = memory.int32(a);
      const O = memory.int32(out);
      const Bias = bias === 0 ? undefined : memory.int32(bias);
      let clamped = 0;
      for (let r = 0; r < rows; r++)
        for (let c = 0; c < columns; c++) {
          const value = halfUp(A[r * lda + c], shift) + (Bias === undefined ? 0 : Bias[c]);
          O[r * ldo + c] = clamp(value, bound);
          if (Math.abs(value) > bound) clamped++;
        }
      return clamped;
    },

    narrow_i64i32(a, lda, out, ldo, rows, columns, shift) {
      const A = memory.int64(a);
      const O = memory.int32(out);
      for (let r = 0; r < rows; r++)
        for (let c = 0; c < columns; c++) O[r * ldo + c] = Number(halfUpBig(A[r * lda + c], shift));
    },

    max_abs_i32(a, lda, rows, columns) {
      const A = memory.int32(a);
      let max = 0;
      for (let r = 0; r < rows; r++)
        for (let c = 0; c < columns; c++) max = Math.max(max, Math.abs(A[r * lda + c]));
      return max;
    },

    max_bits_i64(a, n) {
      const A = memory.int64(a);
      let max = 0;
      for (let i = 0; i < n; i++) max = Math.max(max, bitsBig(A[i]));
      return max;
    },

    quantize_i32i16(a, out, n, shift, bound) {
      const A = memory.int32(a);
      const O = memory.int16(out);
      let clamped = 0;
      for (let i = 0; i < n; i++) {
        const value = halfUp(A[i], shift);
        O[i] = clamp(value, bound);
        if (Math.abs(value) > bound) clamped++;
      }
      return clamped;
    },

    row_norm_max_i16(w, rows, columns) {
      const W = memory.int16(w);
      let max = 0;
      for (let r = 0; r < rows; r++) {
        let sum = 0; // at most 2^15 elements of 2^30: exact in a double
        for (let c = 0; c < columns; c++) sum += W[r * columns + c] ** 2;
        max = Math.max(max, sum);
      }
      return Number(isqrt(BigInt(max)));
    },

    l1_max_i16(w, rows, columns, scratch) {
      const W = memory.int16(w);
      const columnSums = memory.int32(scratch);
      columnSums.fill(0, 0, columns);
      let max = 0;
      for (let r = 0; r < rows; r++) {
        let rowSum = 0;
        for (let c = 0; c < columns; c++) {
          rowSum += Math.abs(W[r * columns + c]);
          columnSums[c] += Math.abs(W[r * columns + c]); // 2^15 rows of at most 2^15: up to 2^30
        }
        max = Math.max(max, rowSum);
      }
      for (let c = 0; c < columns; c++) max = Math.max(max, columnSums[c]);
      return max;
    },
  };
}
