// Where packed operands of 8 bits lie, in both builds (src/kernels/int8.ts has the contract).
//
// RELAXED, for the relaxed dot products of i8x16 and i7x16, whose second operand has to stay in
// 0..127:
//   a row    int32 2^e, then -64 * (sum of all its elements) and -64 * (sum of every 128 of them),
//            filled up to 16 bytes; then its elements, int8, filled up to 16 with zeros
//   a panel  8 columns: int32 factors of them, then for every four rows 32 bytes: four elements of
//            the first column, four of the second, ...; each an element + 64, from 1 to 127
// The sums that a row begins with take away what the added 64 add to its products.
//
// Without: rows and panels of int16, as gemm_i16i16i32 takes them, of what the above stand for:
// element * 2^e and element * factor.

/** Whether rows and panels are those of the relaxed instruction: where there is none the checked
 *  build does as it does. */
export const RELAXED: bool = ASC_FEATURE_RELAXED_SIMD || !ASC_NO_ASSERT;

/** Columns in a panel of the relaxed build, bytes of its factors and of four rows. */
export const PANEL: i32 = 8;
export const FACTORS: usize = 32;
export const QUAD: usize = 32;
/** What is added to an element of a panel. */
export const OFFSET: i32 = 64;
/** Products that are summed before they are added to int64. */
export const CHUNK: i32 = 128;

/** Bytes before a row's elements. */
// @ts-ignore: decorator
@inline
export function headerBytes(k: i32): usize {
  return usize((2 + (k + CHUNK - 1) / CHUNK + 3) & ~3) << 2;
}

/** Bytes from a packed row to the next. */
// @ts-ignore: decorator
@inline
export function rowBytes(k: i32): usize {
  const filled = usize((k + 15) & ~15);
  return RELAXED ? headerBytes(k) + filled : filled << 1;
}

/** Bytes from a panel to the next: of 8 columns, or of 16. */
// @ts-ignore: decorator
@inline
export function panelBytes(k: i32): usize {
  return RELAXED ? FACTORS + usize((k + 3) >> 2) * QUAD : usize((k + 1) >> 1) << 6;
}
