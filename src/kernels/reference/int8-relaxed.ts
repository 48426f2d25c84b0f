// Operands of 8 bits (../int8.ts), packed as the relaxed instruction takes them: where each byte
// lies is said in assembly/int8/layout.ts. What they stand for is that of int8.ts.

import { INT8_CHUNK, type Int8Kernels, type Int8Packing } from '../int8.ts';
import { int8PackedBytes, int8RowBytes } from '../int8-layout.ts';
import { halfUp, q15, wrapInt32 } from './fixed.ts';
import { factorOf, filled, inverseOf, largest, leftPacking } from './int8.ts';
import type { Memory } from './memory.ts';

/** Columns of a panel, bytes of its factors and of four of its rows, what is added to an element.
 */
const PANEL = 8;
const FACTORS = 32;
const QUAD = 32;
const OFFSET = 64;

const signed = (byte: number): number => (byte << 24) >> 24;

/** Where a panel's element (p, column) is, from the beginning of all panels. */
const elementAt = (k: number, p: number, column: number): number =>
  Math.floor(column / PANEL) * int8PackedBytes('relaxed', k, PANEL) +
  FACTORS +
  Math.floor(p / 4) * QUAD +
  (column % PANEL) * 4 +
  (p % 4);

function relaxedPacking(memory: Memory): Int8Packing {
  const pack = (
    k: number,
    n: number,
    packed: number,
    b: (p: number, column: number) => number,
  ): void => {
    const out = memory.uint8(packed);
    const factors = memory.int32(packed);
    const stride = int8PackedBytes('relaxed', k, PANEL);
    for (let c = 0; c < Math.ceil(n / PANEL) * PANEL; c++) {
      const at = (p: number): number => (c < n && p < k ? b(p, c) : 0);
      const factor = factorOf(largest(k, at));
      factors[(Math.floor(c / PANEL) * stride) / 4 + (c % PANEL)] = factor;
      for (let p = 0; p < Math.ceil(k / 4) * 4; p++)
        out[elementAt(k, p, c)] = q15(at(p), inverseOf(factor)) + OFFSET;
    }
  };
  return {
    ...leftPacking(memory, ({ k, at, added, e }, row, packed) => {
      const bytes = int8RowBytes('relaxed', k);
      const words = memory.int32(packed + row * bytes);
      const out = memory.uint8(packed + (row + 1) * bytes - filled(k));
      const sums = new Array<number>(Math.ceil(k / INT8_CHUNK)).fill(0);
      for (let p = 0; p < filled(k); p++) {
        const element = Math.floor((at(p) + added(p)) / 2 ** e);
        out[p] = element;
        sums[Math.floor(p / INT8_CHUNK)] -= OFFSET * element;
      }
      words[0] = 2 ** e;
      words[1] = sums.reduce((sum, part) => sum + part, 0);
      sums.forEach((sum, i) => {
        words[2 + i] = sum;
      });
    }),

    pack_nn_i8(b, ldb, k, n, packed) {
      const B = memory.int16(b);
      if (k > 0) pack(k, n, packed, (p, c) => B[p * ldb + c]);
    },

    pack_nt_i8(bt, ldb, k, n, packed) {
      const B = memory.int16(bt);
      pack(k, n, packed, (p, c) => B[c * ldb + p]);
    },
  };
}

/** The kernels on the layout of the relaxed instruction. */
export function relaxedKernels(memory: Memory): Int8Kernels {
  /** Calls `each` with the sums of a' b' over every `chunk` elements of a row and a column. */
  const products = (
    [a, packed, m, n, k]: readonly number[],
    chunk: number,
    each: (row: number, column: number, sum: number) => void,
  ): void => {
    const rowBytes = int8RowBytes('relaxed', k);
    const panels = memory.uint8(packed);
    const stride = int8PackedBytes('relaxed', k, PANEL);
    for (let i = 0; i < m; i++) {
      const scale = memory.int32(a + i * rowBytes)[0];
      const row = memory.uint8(a + (i + 1) * rowBytes - filled(k));
      for (let j = 0; j < n; j++) {
        const factors = memory.int32(packed + Math.floor(j / PANEL) * stride);
        let from = 0;
        do {
          let sum = 0;
          for (let p = from; p < Math.min(from + chunk, k); p++)
            sum += signed(row[p]) * (panels[elementAt(k, p, j)] - OFFSET);
          each(i, j, sum * factors[j % PANEL] * scale);
          from += chunk;
        } while (from < k);
      }
    }
  };
  return {
    ...relaxedPacking(memory),

    gemm_i8i8i32(a, packed, c, ldc, m, n, k) {
      const C = memory.int32(c);
      products([a, packed, m, n, k], Infinity, (i, j, sum) => {
        C[i * ldc + j] = wrapInt32(sum);
      });
    },

    gemm_i8i8i64(a, packed, c, ldc, m, n, k, shift) {
      const C = memory.int64(c);
      products([a, packed, m, n, k], INT8_CHUNK, (i, j, sum) => {
        C[i * ldc + j] += BigInt(halfUp(sum, -shift));
      });
    },
  };
}
