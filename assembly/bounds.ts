// Bounds on the numbers in memory, which only assertions ask about: the checked build looks at
// every element, the release build has none of this. Called as `assert(ASC_NO_ASSERT || ...)`.

import { halfUp } from './fixed';

/** Whether |a[i]| <= bound for every int16. */
export function isWithin16(a: usize, n: i32, bound: i32): bool {
  for (; n > 0; n--, a += 2) if (abs<i32>(load<i16>(a)) > bound) return false;
  return true;
}

/** Whether |a[i] * factor| <= bound for every int32. */
export function isWithin32(a: usize, n: i32, factor: i32, bound: i64): bool {
  for (; n > 0; n--, a += 4) if (abs<i64>(i64(load<i32>(a)) * factor) > bound) return false;
  return true;
}

/** Whether halfUp(a[i], shift) fits int32 for every int64. */
export function isNarrow(a: usize, n: i32, shift: i32): bool {
  for (; n > 0; n--, a += 8) {
    const v = halfUp(load<i64>(a), shift);
    if (v != i64(i32(v))) return false;
  }
  return true;
}

/** Whether halfUp(a[i], -shift), and out[i] with it, fits int64. */
export function isSummable(a: usize, out: usize, n: i32, shift: i32): bool {
  for (; n > 0; n--, a += 8, out += 8) {
    const v = load<i64>(a);
    const shifted = halfUp(v, -shift);
    const old = load<i64>(out);
    const sum = old + shifted;
    if (shift > 0 && shifted >> shift != v) return false;
    if (((old ^ sum) & (shifted ^ sum)) < 0) return false;
  }
  return true;
}

/** Whether the sums of a[i][p] b[p][j] over chunks of p are at most `bound`; a and b as in
 *  Kernels.gemm_i16i16i64. */
export function areChunksWithin(
  a: usize,
  lda: usize,
  b: usize,
  stride: usize,
  m: i32,
  n: i32,
  k: i32,
  chunk: i32,
  bound: i64,
): bool {
  for (let i = 0; i < m; i++, a += lda << 1) {
    for (let j = 0; j < n; j++) {
      const column = b + usize(j >> 4) * stride + usize((j & 15) << 2);
      for (let p = 0, sum: i64 = 0; p < k; p++) {
        sum +=
          i64(load<i16>(a + (usize(p) << 1))) *
          load<i16>(column + (usize(p >> 1) << 6) + (usize(p & 1) << 1));
        if (abs(sum) > bound && ((p + 1) % chunk == 0 || p + 1 == k)) return false;
        if ((p + 1) % chunk == 0) sum = 0;
      }
    }
  }
  return true;
}
