// Operands of 8 bits (../int8.ts), packed as the int16 operands that they stand for.

import { INT8_COLUMN_MAX, INT8_ROW_MAX, type Int8Packing } from '../int8.ts';
import { panelStride } from '../kernels.ts';
import { halfUp, q15 } from './fixed.ts';
import type { Memory } from './memory.ts';
import { packedIndex } from './pack.ts';

/** Elements of a packed row and of a row of noise. */
export const filled = (k: number): number => Math.ceil(k / 16) * 16;

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

/** A row of a left operand of k elements: element p (0 beyond), what is added to it before it is
 *  rounded down to a multiple of 2^e. */
export interface LeftRow {
  readonly k: number;
  readonly e: number;
  at(p: number): number;
  added(p: number): number;
}

/** The kernels that pack left operands, whose rows `put` writes in a layout, and their noise. */
export function leftPacking(
  memory: Memory,
  put: (row: LeftRow, index: number, packed: number) => void,
): Pick<Int8Packing, 'pack_rows_i8' | 'pack_columns_i8' | 'spread_u32'> {
  return {
    spread_u32(at, n) {
      const words = memory.int32(at);
      const [s0, s1] = words;
      for (let i = 0; i < n; i++) words[i] = noiseWord(i, s0, s1);
    },

    pack_rows_i8(a, lda, rows, k, packed, noise) {
      const A = memory.int16(a);
      const bytes = memory.uint8(noise);
      for (let r = 0; r < rows; r++) {
        const at = (p: number): number => (p < k ? A[r * lda + p] : 0);
        const e = shiftOf(largest(k, at));
        const draw = (p: number): number => bytes[r * filled(k) + p] % 2 ** e;
        const added = noise === 0 ? () => Math.floor(2 ** e / 2) : draw;
        put({ k, e, at, added }, r, packed);
      }
    },

    pack_columns_i8(a, lda, k, m, packed, noise) {
      const A = memory.int16(a);
      const bytes = memory.uint8(noise);
      for (let c = 0; c < m && k > 0; c++) {
        const at = (p: number): number => (p < k ? A[p * lda + c] : 0);
        const e = shiftOf(largest(k, at));
        const draws = (c - (c % 32)) * k + (c % 32);
        const draw = (p: number): number => (p < k ? bytes[draws + 32 * p] % 2 ** e : 0);
        put({ k, e, at, added: draw }, c, packed);
      }
    },
  };
}

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
    ...leftPacking(memory, ({ k, at, added, e }, row, packed) => {
      const out = memory.int16(packed);
      for (let p = 0; p < filled(k); p++)
        out[row * filled(k) + p] = 2 ** e * Math.floor((at(p) + added(p)) / 2 ** e);
    }),

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
