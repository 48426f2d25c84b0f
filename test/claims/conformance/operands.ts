// Kernels that pack, multiply, quantize and add, written from docs/conformance.md.

import {
  absolute,
  bits,
  clamped,
  count,
  type Elements,
  halfUp,
  int32,
  type Kernel,
  largest,
  root2,
  sum,
  two,
  uint32,
} from './arithmetic.ts';

/** Where B[p][j] is, in int16s from the start of a packed matrix whose panels are `stride` bytes
 *  apart. */
const packedAt = (stride: number, p: number, j: number): number =>
  (Math.floor(j / 16) * stride + 64 * Math.floor(p / 2) + 4 * (j % 16) + 2 * (p % 2)) / 2;
const panelStride = (k: number): number => Math.ceil(k / 2) * 64;
function pack(
  k: number,
  n: number,
  packed: Elements,
  element: (row: number, column: number) => bigint,
): void {
  for (const row of count(2 * Math.ceil(k / 2)))
    for (const column of count(16 * Math.ceil(n / 16)))
      packed[packedAt(panelStride(k), row, column)] =
        row < k && column < n ? element(row, column) : 0n;
}

/** In the order of the page. */
export const operandKernels: Record<string, Kernel> = {
  pack_nn_i16: (b: Elements, ldb, k, n, packed: Elements) =>
    pack(k, n, packed, (row, column) => b[row * ldb + column]),
  pack_nt_i16: (bt: Elements, ldb, k, n, packed: Elements) =>
    pack(k, n, packed, (row, column) => bt[column * ldb + row]),
  transpose_i16: (a: Elements, lda, rows, columns, out: Elements, ldo) => {
    for (const r of count(rows)) for (const c of count(columns)) out[c * ldo + r] = a[r * lda + c];
  },
  gemm_i16i16i32: (a: Elements, lda, b: Elements, stride, c: Elements, ldc, m, n, k) => {
    for (const i of count(m))
      for (const j of count(n))
        c[i * ldc + j] = int32(
          sum(count(k).map((p) => a[i * lda + p] * b[packedAt(stride, p, j)])),
        );
  },
  gemm_i16i16i64: (
    a: Elements,
    lda,
    b: Elements,
    stride,
    c: Elements,
    ldc,
    m,
    n,
    k,
    chunk,
    shift,
  ) => {
    for (const i of count(m))
      for (const j of count(n))
        for (let from = 0; from < k; from += chunk)
          c[i * ldc + j] += halfUp(
            sum(
              count(Math.min(chunk, k - from)).map(
                (p) => a[i * lda + from + p] * b[packedAt(stride, from + p, j)],
              ),
            ),
            -shift,
          );
  },

  requantize_i32i16: (
    a: Elements,
    lda,
    out: Elements,
    ldo,
    rows,
    columns,
    shift,
    bound,
    bias?: Elements,
  ) =>
    clamped(
      rows,
      columns,
      bound,
      (r, c) => halfUp(a[r * lda + c] + (bias?.[c] ?? 0n) * two(shift - Math.min(6, shift)), shift),
      (r, c, v) => {
        out[r * ldo + c] = v;
      },
    ),
  requantize_i32i32: (
    a: Elements,
    lda,
    out: Elements,
    ldo,
    rows,
    columns,
    shift,
    bound,
    bias?: Elements,
  ) =>
    clamped(
      rows,
      columns,
      bound,
      (r, c) => halfUp(a[r * lda + c], shift) + (bias?.[c] ?? 0n),
      (r, c, v) => {
        out[r * ldo + c] = v;
      },
    ),
  narrow_i64i32: (a: Elements, lda, out: Elements, ldo, rows, columns, shift) => {
    for (const r of count(rows))
      for (const c of count(columns)) out[r * ldo + c] = halfUp(a[r * lda + c], shift);
  },
  max_abs_i32: (a: Elements, lda, rows, columns) =>
    largest([
      0n,
      ...count(rows).flatMap((r) => count(columns).map((c) => absolute(a[r * lda + c]))),
    ]),
  max_bits_i64: (a: Elements, n) => bits(largest([0n, ...count(n).map((i) => absolute(a[i]))])),
  quantize_i32i16: (a: Elements, out: Elements, n, shift, bound) =>
    clamped(
      1,
      n,
      bound,
      (_, i) => halfUp(a[i], shift),
      (_, i, v) => {
        out[i] = v;
      },
    ),
  l1_max_i16: (w: Elements, rows, columns) =>
    largest([
      ...count(rows).map((r) => sum(count(columns).map((c) => absolute(w[r * columns + c])))),
      ...count(columns).map((c) => sum(count(rows).map((r) => absolute(w[r * columns + c])))),
    ]),
  row_norm_max_i16: (w: Elements, rows, columns) =>
    largest(
      count(rows).map((r) => root2(sum(count(columns).map((c) => w[r * columns + c] ** 2n)))),
    ),

  combine_i32: (
    a: Elements,
    aFactor,
    aShift,
    b: Elements | undefined,
    bFactor,
    bShift,
    c: Elements | undefined,
    cShift,
    out: Elements,
    n,
  ) => {
    for (const i of count(n))
      out[i] = int32(
        halfUp(a[i] * BigInt(aFactor), aShift) +
          halfUp((b?.[i] ?? 0n) * BigInt(bFactor), bShift) +
          halfUp(c?.[i] ?? 0n, cShift),
      );
  },
  sum_rows_i16i64: (a: Elements, lda, rows, columns, out: Elements, shift) => {
    for (const c of count(columns))
      out[c] += halfUp(sum(count(rows).map((r) => a[r * lda + c])), -shift);
  },
  accumulate_i64: (a: Elements, out: Elements, n, shift) => {
    for (const i of count(n)) out[i] += halfUp(a[i], -shift);
  },
  hash_i32: (a: Elements, n) => {
    const lanes = [0x9e3779b9n, 0x85ebca6bn, 0xc2b2ae35n, 0x27d4eb2fn];
    for (const i of count(n)) {
      const mixed = lanes[i & 3] ^ uint32(a[i]);
      lanes[i & 3] = uint32(uint32((mixed << 13n) | (mixed >> 19n)) * 0x9e3779b1n + 0x85ebca77n);
    }
    return lanes.reduce((r, h) => {
      const product = uint32((r ^ h) * 0x01000193n);
      return product ^ (product >> 15n);
    }, BigInt(n));
  },
};
