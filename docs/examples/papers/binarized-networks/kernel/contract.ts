// Products of operands that are 1 or -1, packed as bits: what the kernels compute, and why every
// sum is exact. A bit is 1 for -1. Words are uint32, two a pair; bits beyond a row's last are 0.

import type { Pointer } from '../../../../../src/kernels/kernels.ts';

/** Most products of a sum: |S| <= 2^16. */
export const BINARY_MAX = 65_536;
/** Pairs of words whose carries are counted together in bytes: 8 a pair, 8 * 31 = 248 < 2^8, and
 *  one pair more could be 256. */
export const BYTE_PAIRS = 31;

/** What the three back ends fill in, bit for bit alike. */
export interface BinaryKernels {
  /** Takes bit `bit`, 0..15, of each int16 of x [rows, k]; bit 15 is 1 of negative numbers.
   *  Element i of a row is bit i mod 32 of the row's word floor(i / 32). Word w of row r is word
   *  (floor(r / lanes) W + w) lanes + r mod lanes at `to`, W = 2 ceil(k / 64): lanes = 1 gives
   *  rows, lanes = 8 panels of eight rows side by side, of which those that x has not are 0.
   *  1 <= k <= BINARY_MAX, 1 <= lanes <= 8. `to`: uint32 [ceil(rows / lanes) lanes, W]. */
  pack_bits_i16(x: Pointer, rows: number, k: number, bit: number, lanes: number, to: Pointer): void;

  /** S[i][j] = sum over p < k of a[i][p] b[j][p] = k - 2 (bits in which row i of a and row j of b
   *  differ), exactly: int32 [m, n]. a: m rows of bits, b: n of them in panels of 8.
   *  1 <= k <= BINARY_MAX, so |S| <= 2^16. c may be neither a nor b. */
  gemm_b1b1i32(a: Pointer, b: Pointer, c: Pointer, m: number, n: number, k: number): void;
}
