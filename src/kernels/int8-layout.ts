// How large packed operands of 8 bits are in each build, and the products of the one that packs
// them as int16.

import { INT8_CHUNK, type Int8Build, type Int8Kernels, type Int8Packing } from './int8.ts';
import { type Backend, packedBytes, panelStride } from './kernels.ts';

const upTo = (n: number, multiple: number): number => Math.ceil(n / multiple) * multiple;

/** Bytes of a packed row of k elements.
 *  @example
 *  console.log(int8RowBytes('relaxed', 128), int8RowBytes('baseline', 128)); // 144 256
 */
export const int8RowBytes = (build: Int8Build, k: number): number =>
  build === 'baseline' ? 2 * upTo(k, 16) : 4 * upTo(2 + Math.ceil(k / INT8_CHUNK), 4) + upTo(k, 16);

/** Bytes of packed columns: K x N.
 *  @example
 *  console.log(int8PackedBytes('relaxed', 128, 20)); // 3168
 */
export const int8PackedBytes = (build: Int8Build, k: number, n: number): number =>
  build === 'baseline' ? packedBytes(k, n) : Math.ceil(n / 8) * (32 + 8 * upTo(k, 4));

/** What a packing build and the kernels for int16 make together. */
export const withWideProducts = (
  packing: Int8Packing,
  { kernels }: Pick<Backend, 'kernels'>,
): Int8Kernels => ({
  ...packing,
  gemm_i8i8i32: (a, packed, c, ldc, m, n, k) =>
    kernels.gemm_i16i16i32(a, upTo(k, 16), packed, panelStride(k), c, ldc, m, n, k),
  gemm_i8i8i64: (a, packed, c, ldc, m, n, k, shift) =>
    kernels.gemm_i16i16i64(
      a,
      upTo(k, 16),
      packed,
      panelStride(k),
      c,
      ldc,
      m,
      n,
      k,
      INT8_CHUNK,
      shift,
    ),
});
