// THE CONTRACT of products of 8 bit operands, beside kernels.ts (whose notation holds): rows and
// columns of int16 operands are rounded to 8 bits with a scale each, and what they then stand for
// are int16 operands again, so products are exact sums as before and no build can give others.
//
// Four back ends fill it in: `relaxed`, with WebAssembly's i32x4.relaxed_dot_i8x16_i7x16_add_s,
// four times the work of an instruction where the processor has one for it; `pairs`, with
// i16x8.relaxed_dot_i8x16_i7x16_s on the same bytes, for those that have not; `baseline`, where the
// same numbers are packed as int16 for the kernels that there are; and the reference
// (reference/int8.ts). Where the operands lie is a matter of each (assembly/int8/layout.ts).
//
//   a row      a'[p] = 2^e round(a[p] / 2^e), |a'[p] / 2^e| <= 127, e the smallest that fits
//   a column   b'[p] = f round(b[p] / f), |b'[p] / f| <= 63, f the smallest whole number that fits
//
// The relaxed instructions multiply a signed byte by one of 0..127 for sure: an element of a
// column is kept as itself + 64, from 1 to 127.

import type { Pointer } from '../memory/arena.ts';

/** Largest |a' / 2^e|. */
export const INT8_ROW_MAX = 127;
/** Largest |b' / f|. */
export const INT8_COLUMN_MAX = 63;
/** Largest |a'|, of operands up to 4095: 2^6 * 64. */
export const INT8_OPERAND_MAX = 4096;
/** Products that are summed before they are shifted and added to int64. */
export const INT8_CHUNK = 128;
/** Largest shift to the left that the relaxed build multiplies into the factors of a sum, which is
 *  not cut into chunks then: 65 * 2^6 * 2^18 < 2^31. */
export const INT8_WHOLE_SHIFT = 18;
/** Most products of such a sum: 127 * 63 * 2^16 < 2^31. */
export const INT8_WHOLE_PRODUCTS = 2 ** 16;
/** How products of 8 bit operands are computed; the first two on the same bytes. */
export const INT8_BUILDS = ['relaxed', 'pairs', 'baseline'] as const;
/** One of them. */
export type Int8Build = (typeof INT8_BUILDS)[number];

/** The kernels for operands of 8 bits. */
export interface Int8Kernels {
  /** Packs a' of rows of a (int16 operands, |a| <= 4095). round(v) is halfUp, or with noise floor(v
   *  + u / 2^e), u the lowest e bits of a byte for each element, of rows filled up to 16 elements:
   *  right on average. Writes int8RowBytes(k) bytes a row. */
  pack_rows_i8(
    a: Pointer,
    lda: number,
    rows: number,
    k: number,
    packed: Pointer,
    noise: Pointer,
  ): void;

  /** Packs a' of the columns of A[k][m] as pack_rows_i8 packs rows. noise: for every 32 columns k
   *  rows of 32 bytes. scratch: 64 k bytes, overwritten. Writes int8RowBytes(k) bytes a column if k
   *  >= 1. */
  pack_columns_i8(
    a: Pointer,
    lda: number,
    k: number,
    m: number,
    packed: Pointer,
    noise: Pointer,
    scratch: Pointer,
  ): void;

  /** Makes n uint32 (n >= 4, a multiple of 4) of the two, s0 and s1, at `at`. Word i, modulo 2^32:
   *    x = i + s0,  x ^= x >> 17,  x = (x * 0xed5ad4bb) ^ s1,  x ^= x >> 11,  x *= 0xac4c1b51,
   *    x ^= x >> 15,  x *= 0x31848bab,  x ^= x >> 14
   *  (triple32 of C. Wellons, keyed): noise for pack_rows_i8 out of two words drawn by Philox. */
  spread_u32(at: Pointer, n: number): void;

  /** Packs b' of the columns of B[k][n] (int16 operands). b / f is q15(b, r), r = min(32767,
   *  halfUp(floor(65536 / f), 1)): within 0.5625 of the quotient, exact for f = 1. Writes
   *  int8PackedBytes(k, n) bytes if k >= 1. */
  pack_nn_i8(b: Pointer, ldb: number, k: number, n: number, packed: Pointer): void;

  /** As pack_nn_i8, for a B that is stored transposed: B[k][n] = bt[n * ldb + k]. */
  pack_nt_i8(bt: Pointer, ldb: number, k: number, n: number, packed: Pointer): void;

  /** C[i][j] = sum_p a'[i][p] b'[p][j] [wraps], int32. Exact if 4096 * (largest column sum of |b'|)
   *  < 2^31. C overwritten. */
  gemm_i8i8i32(
    a: Pointer,
    packed: Pointer,
    c: Pointer,
    ldc: number,
    m: number,
    n: number,
    k: number,
  ): void;

  /** C[i][j] += sum over chunks of halfUp(S, -shift), int64 [wraps]: S the exact sum of a'[i][p]
   *  b'[p][j] over 128 consecutive p. -16 <= shift <= 20. */
  gemm_i8i8i64(
    a: Pointer,
    packed: Pointer,
    c: Pointer,
    ldc: number,
    m: number,
    n: number,
    k: number,
    shift: number,
  ): void;
}

/** Those that are no products. */
export type Int8Packing = Omit<Int8Kernels, 'gemm_i8i8i32' | 'gemm_i8i8i64'>;
