// Operands of 8 bits (../int8.ts), packed as the int16 operands that they stand for.

import { INT8_COLUMN_MAX, INT8_ROW_MAX, type Int8Packing } from '../int8.ts';
import { panelStride } from '../kernels.ts';
import { halfUp, q15 } from './fixed.ts';
import type { Memory } from './memory.ts';
import { packedIndex } from './pack.ts';

/** The smallest e with max <= 127 * 2^e. */
export function shiftOf(max: number): number {
  let e = 0;
  while (INT8_ROW_MAX * 2 ** e < max) e++;
  return e;
}

/** The smallest factor f >= 1 with max <= 63 f. */
export const factorOf = (max: number): number => Math.max(1, Math.ceil(max / INT8_COLUMN_MAX));

/** What a column is multiplied with, 15 fraction bits, to divide it by its factor. */
export const inverseOf = (factor: number): number =>
  Math.min(32767, halfUp(Math.floor(65536 / factor), 1));

export const largest = (k: number, at: (p: number) => number): number => {
  let max = 0;
  for (let p = 0; p < k; p++) max = Math.max(max, Math.abs(at(p)));
  return max;
};

/** Word i of noise that s0 and s1 make. */
function noiseWord(i: number, s0: number, s1: number): number {
  let x = i + s0;
  x ^= x >>> 17;
  x = Math.imul(x, 0xed5ad4bb) ^ s1;
  x ^= x >>> 11;
  x = Math.imul(x, 0xac4c1b51);
  x ^= x >>> 15;
  x = Math.imul(x, 0x31848bab);
  return x ^ (x >>> 14);
}

/** Noise, of either layout. */
export const int8Noise = (memory: Memory): Pick<Int8Packing, 'spread_u32'> => ({
  spread_u32(at, n) {
    const words = memory.int32(at);
    const [s0, s1] = words;
    for (let i = 0; i < n; i++) words[i] = noiseWord(i, s0, s1);
  },
});

export function int8Packing(memory: Memory): Int8Packing {
  const pack = (
    k: number,
    n: number,
    packed: number,
    b: (p: number, column: number) => number,
  ): void => {
    const out = memory.int16(packed);
    const stride = panelStride(k);
    out.fill(0, 0, (Math.ceil(n / 16) * stride) / 2);
    for (let c = 0; c < n; c++) {
      const factor = factorOf(largest(k, (p) => b(p, c)));
      const inverse = inverseOf(factor);
      for (let p = 0; p < k; p++) out[packedIndex(stride, p, c)] = factor * q15(b(p, c), inverse);
    }
  };
  return {
    ...int8Noise(memory),

    pack_rows_i8(a, lda, rows, k, packed, noise) {
      const A = memory.int16(a);
      const out = memory.int16(packed);
      const bytes = memory.uint8(noise);
      const filled = Math.ceil(k / 16) * 16;
      for (let r = 0; r < rows; r++) {
        const e = shiftOf(largest(k, (p) => A[r * lda + p]));
        for (let p = 0; p < filled; p++) {
          const v = p < k ? A[r * lda + p] : 0;
          const added = noise === 0 ? 2 ** e / 2 : bytes[r * filled + p] % 2 ** e;
          out[r * filled + p] = 2 ** e * Math.floor((v + Math.floor(added)) / 2 ** e);
        }
      }
    },

    pack_nn_i8(b, ldb, k, n, packed) {
      const B = memory.int16(b);
      pack(k, n, packed, (p, c) => B[p * ldb + c]);
    },

    pack_nt_i8(bt, ldb, k, n, packed) {
      const B = memory.int16(bt);
      pack(k, n, packed, (p, c) => B[c * ldb + p]);
    },
  };
}
