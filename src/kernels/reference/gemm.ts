// The matrix product: int16 operands, exact sums. A product of two int16s is at most 2^30 and a
// double holds integers up to 2^53, so up to 2^23 products are summed exactly in plain numbers, far
// beyond the K of any model.

import type { Kernels } from '../kernels.ts';
import { halfUp, wrapInt32 } from './fixed.ts';
import type { Memory } from './memory.ts';
import { packedIndex } from './pack.ts';

/** sum of A[rowA + p] B[p][column] for from <= p < to, B packed, its rows two by two at a distance
 *  of 32 int16s. */
function dot(
  A: Int16Array,
  rowA: number,
  B: Int16Array,
  columnB: number,
  from: number,
  to: number,
): number {
  let sum = 0;
  for (let p = from; p < to; p++) sum += A[rowA + p] * B[columnB + (p >> 1) * 32 + (p & 1)];
  return sum;
}

export function gemmKernels(memory: Memory): Pick<Kernels, 'gemm_i16i16i32' | 'gemm_i16i16i64'> {
  return {
    gemm_i16i16i32(a, lda, packed, stride, c, ldc, m, n, k) {
      const A = memory.int16(a);
      const B = memory.int16(packed);
      const C = memory.int32(c);
      for (let i = 0; i < m; i++)
        for (let j = 0; j < n; j++)
          C[i * ldc + j] = wrapInt32(dot(A, i * lda, B, packedIndex(stride, 0, j), 0, k));
    },

    gemm_i16i16i64(a, lda, packed, stride, c, ldc, m, n, k, chunk, shift) {
      const A = memory.int16(a);
      const B = memory.int16(packed);
      const C = memory.int64(c);
      for (let i = 0; i < m; i++)
        for (let j = 0; j < n; j++)
          for (let p = 0; p < k; p += chunk) {
            const S = dot(A, i * lda, B, packedIndex(stride, 0, j), p, Math.min(p + chunk, k));
            C[i * ldc + j] += BigInt(halfUp(S, -shift)); // |S| < 2^31 and shift <= 20: below 2^51
          }
    },
  };
}
