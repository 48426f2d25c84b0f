// Element by element: weighted sums of int32 tensors, column sums, accumulation into int64, and the
// fingerprint of a state.

import type { Kernels } from '../kernels.ts';
import { halfUp, halfUpBig, wrapInt32 } from './fixed.ts';
import type { Memory } from './memory.ts';

const HASH_LANES = [0x9e3779b9, 0x85ebca6b, 0xc2b2ae35, 0x27d4eb2f];
const rotateLeft = (a: number, by: number): number => (a << by) | (a >>> (32 - by));

export function elementwiseKernels(
  memory: Memory,
): Pick<Kernels, 'combine_i32' | 'sum_rows_i16i64' | 'accumulate_i64' | 'hash_i32'> {
  return {
    combine_i32(a, aFactor, aShift, b, bFactor, bShift, c, cShift, out, n) {
      const A = memory.int32(a);
      const O = memory.int32(out);
      const B = b === 0 ? undefined : memory.int32(b);
      const C = c === 0 ? undefined : memory.int32(c);
      for (let i = 0; i < n; i++) {
        // A left shift can reach 2^62: each term is exact as a double but not their sum, so each is
        // wrapped before adding.
        const ofA = wrapInt32(halfUp(A[i] * aFactor, aShift));
        const ofB = B === undefined ? 0 : wrapInt32(halfUp(B[i] * bFactor, bShift));
        const ofC = C === undefined ? 0 : wrapInt32(halfUp(C[i], cShift));
        O[i] = wrapInt32(ofA + ofB + ofC);
      }
    },

    sum_rows_i16i64(a, lda, rows, columns, sum, shift) {
      const A = memory.int16(a);
      const Sum = memory.int64(sum);
      for (let c = 0; c < columns; c++) {
        let total = 0;
        for (let r = 0; r < rows; r++) total += A[r * lda + c];
        Sum[c] += halfUpBig(BigInt(total), -shift);
      }
    },

    accumulate_i64(a, out, n, shift) {
      const A = memory.int64(a);
      const O = memory.int64(out);
      for (let i = 0; i < n; i++) O[i] += halfUpBig(A[i], -shift);
    },

    hash_i32(a, n) {
      const A = memory.int32(a);
      const lanes = [...HASH_LANES];
      for (let i = 0; i < n; i++)
        lanes[i & 3] = wrapInt32(
          Math.imul(rotateLeft(lanes[i & 3] ^ A[i], 13), 0x9e3779b1) + 0x85ebca77,
        );
      let r = n;
      for (const h of lanes) {
        r = Math.imul(r ^ h, 0x01000193);
        r ^= r >>> 15;
      }
      return r >>> 0;
    },
  };
}
