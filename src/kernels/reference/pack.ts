// Packing of a gemm's right operand into panels of 16 columns, and transposing. The panel is what
// the WebAssembly product wants: the two int16s of a pair of rows lie side by side for each column,
// as i32x4.dot_i16x8_s multiplies and adds neighbours.

import type { Kernels, Pointer } from '../kernels.ts';
import { PANEL_COLUMNS, panelStride } from '../kernels.ts';
import type { Memory } from './memory.ts';

/** Where B[row][column] lies in a packed matrix, in int16s from its start; `stride` in bytes. */
export const packedIndex = (stride: number, row: number, column: number): number =>
  Math.floor(column / PANEL_COLUMNS) * (stride / 2) +
  Math.floor(row / 2) * (2 * PANEL_COLUMNS) +
  2 * (column % PANEL_COLUMNS) +
  (row % 2);

export function packKernels(
  memory: Memory,
): Pick<Kernels, 'pack_nn_i16' | 'pack_nt_i16' | 'transpose_i16'> {
  /** Packs the matrix whose element (row, column) is element(row, column); what is missing in the
   *  last pair and panel is 0. */
  function pack(
    k: number,
    n: number,
    packed: Pointer,
    element: (row: number, column: number) => number,
  ): void {
    const P = memory.int16(packed);
    const rows = Math.ceil(k / 2) * 2;
    const columns = Math.ceil(n / PANEL_COLUMNS) * PANEL_COLUMNS;
    for (let row = 0; row < rows; row++)
      for (let column = 0; column < columns; column++)
        P[packedIndex(panelStride(k), row, column)] =
          row < k && column < n ? element(row, column) : 0;
  }

  return {
    pack_nn_i16(b, ldb, k, n, packed) {
      const B = memory.int16(b);
      pack(k, n, packed, (row, column) => B[row * ldb + column]);
    },

    pack_nt_i16(bt, ldb, k, n, packed) {
      const Bt = memory.int16(bt);
      pack(k, n, packed, (row, column) => Bt[column * ldb + row]);
    },

    transpose_i16(a, lda, rows, columns, out, ldo) {
      const A = memory.int16(a);
      const O = memory.int16(out);
      for (let r = 0; r < rows; r++)
        for (let c = 0; c < columns; c++) O[c * ldo + r] = A[r * lda + c];
    },
  };
}
