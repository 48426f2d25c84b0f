// Element by element: weighted sums of int32 tensors, column sums, accumulation into int64, and the
// fingerprint of a state.

import { isSummable, isWithin32 } from './bounds';
import { halfUp, halfUpLanes, halfUpLanes64 } from './fixed';
import { loadInt32s, storeInt32s } from './lanes';

/** halfUp(v * factor, s) [wraps], of every int32; for s <= 0 the factor contains 2^-s. */
// @ts-ignore: decorator
@inline
function term(v: v128, factor: v128, s: i32): v128 {
  const product = i32x4.mul(v, factor);
  return s > 0 ? halfUpLanes(product, s) : product;
}

/** Four elements of combine_i32, of which `left` exist. */
// @ts-ignore: decorator
@inline
function combine4(
  a: usize,
  aFactor: v128,
  aShift: i32,
  b: usize,
  bFactor: v128,
  bShift: i32,
  c: usize,
  cFactor: v128,
  cShift: i32,
  out: usize,
  left: i32,
): void {
  let sum = term(loadInt32s(a, left), aFactor, aShift);
  if (b) sum = i32x4.add(sum, term(loadInt32s(b, left), bFactor, bShift));
  if (c) sum = i32x4.add(sum, term(loadInt32s(c, left), cFactor, cShift));
  storeInt32s(out, sum, left);
}

/** Kernels.combine_i32. */
export function combine_i32(
  a: usize,
  aFactor: i32,
  aShift: i32,
  b: usize,
  bFactor: i32,
  bShift: i32,
  c: usize,
  cShift: i32,
  out: usize,
  n: i32,
): void {
  assert(
    abs(aShift) <= 31 && abs(bShift) <= 31 && abs(cShift) <= 31,
    'combine_i32: shifts in -31..31',
  );
  assert(abs(aFactor) <= 15 && abs(bFactor) <= 15, 'combine_i32: factors in -15..15');
  assert(
    ASC_NO_ASSERT || isWithin32(a, n, aFactor, i32.MAX_VALUE),
    'combine_i32: |a * aFactor| < 2^31',
  );
  assert(
    ASC_NO_ASSERT || !b || isWithin32(b, n, bFactor, i32.MAX_VALUE),
    'combine_i32: |b * bFactor| < 2^31',
  );
  const fa = i32x4.splat(aFactor << max(-aShift, 0));
  const fb = i32x4.splat(bFactor << max(-bShift, 0));
  const fc = i32x4.splat(1 << max(-cShift, 0));
  for (; n >= 4; n -= 4, a += 16, out += 16) {
    combine4(a, fa, aShift, b, fb, bShift, c, fc, cShift, out, 4);
    if (b) b += 16;
    if (c) c += 16;
  }
  if (n > 0) combine4(a, fa, aShift, b, fb, bShift, c, fc, cShift, out, n);
}

/** Rows whose int16s fit an int32 lane when summed: 2^15 * 2^15 = 2^30. */
const ROWS_OF_LANE: i32 = 1 << 15;

/** Adds halfUp(v, -shift) of two int64s to memory. */
// @ts-ignore: decorator
@inline
function accumulateLanes(out: usize, v: v128, shift: i32): void {
  v128.store(
    out,
    i64x2.add(v128.load(out), shift < 0 ? halfUpLanes64(v, -shift) : i64x2.shl(v, shift)),
  );
}

/** Kernels.sum_rows_i16i64: eight columns at a time, int32 lanes emptied into int64 before they
 *  could overflow. */
export function sum_rows_i16i64(
  a: usize,
  lda: i32,
  rows: i32,
  columns: i32,
  sum: usize,
  shift: i32,
): void {
  assert(shift >= -31 && shift <= 31, 'sum_rows_i16i64: shift in -31..31');
  const row = usize(lda) << 1;
  for (; columns >= 8; columns -= 8, a += 16, sum += 64) {
    let s0 = i64x2.splat(0);
    let s1 = i64x2.splat(0);
    let s2 = i64x2.splat(0);
    let s3 = i64x2.splat(0);
    let p = a;
    for (let r = 0; r < rows; r += ROWS_OF_LANE) {
      let low = i32x4.splat(0);
      let high = i32x4.splat(0);
      for (let count = min(rows - r, ROWS_OF_LANE); count > 0; count--, p += row) {
        const v = v128.load(p);
        low = i32x4.add(low, i32x4.extend_low_i16x8_s(v));
        high = i32x4.add(high, i32x4.extend_high_i16x8_s(v));
      }
      s0 = i64x2.add(s0, i64x2.extend_low_i32x4_s(low));
      s1 = i64x2.add(s1, i64x2.extend_high_i32x4_s(low));
      s2 = i64x2.add(s2, i64x2.extend_low_i32x4_s(high));
      s3 = i64x2.add(s3, i64x2.extend_high_i32x4_s(high));
    }
    accumulateLanes(sum, s0, shift);
    accumulateLanes(sum + 16, s1, shift);
    accumulateLanes(sum + 32, s2, shift);
    accumulateLanes(sum + 48, s3, shift);
  }
  for (; columns > 0; columns--, a += 2, sum += 8) {
    let total: i64 = 0;
    let p = a;
    for (let r = 0; r < rows; r++, p += row) total += load<i16>(p);
    store<i64>(sum, load<i64>(sum) + halfUp(total, -shift));
  }
}

/** Kernels.accumulate_i64. */
export function accumulate_i64(a: usize, out: usize, n: i32, shift: i32): void {
  assert(shift >= -62 && shift <= 31, 'accumulate_i64: shift in -62..31');
  assert(ASC_NO_ASSERT || isSummable(a, out, n, shift), 'accumulate_i64: the sum fits');
  for (; n >= 2; n -= 2, a += 16, out += 16) accumulateLanes(out, v128.load(a), shift);
  if (n) store<i64>(out, load<i64>(out) + halfUp(load<i64>(a), -shift));
}

const HASH_MULTIPLIER: i32 = 0x9e3779b1;
const HASH_INCREMENT: i32 = 0x85ebca77;
const HASH_FOLD: i32 = 0x01000193;

/** One element into the fingerprint of a lane. */
// @ts-ignore: decorator
@inline
function hashStep(h: i32, value: i32): i32 {
  return rotl<i32>(h ^ value, 13) * HASH_MULTIPLIER + HASH_INCREMENT;
}

// @ts-ignore: decorator
@inline
function hashFold(r: i32, h: i32): i32 {
  r = (r ^ h) * HASH_FOLD;
  return r ^ (r >>> 15);
}

/** Kernels.hash_i32. Lane i & 3 of the vector is lane i & 3 of the contract. */
export function hash_i32(a: usize, n: i32): u32 {
  const multiplier = i32x4.splat(HASH_MULTIPLIER);
  const increment = i32x4.splat(HASH_INCREMENT);
  let h = i32x4(0x9e3779b9, 0x85ebca6b, 0xc2b2ae35, 0x27d4eb2f);
  let rest = n;
  for (; rest >= 4; rest -= 4, a += 16) {
    const x = v128.xor(h, v128.load(a));
    h = i32x4.add(i32x4.mul(v128.or(i32x4.shl(x, 13), i32x4.shr_u(x, 19)), multiplier), increment);
  }
  let h0 = i32x4.extract_lane(h, 0);
  let h1 = i32x4.extract_lane(h, 1);
  let h2 = i32x4.extract_lane(h, 2);
  let h3 = i32x4.extract_lane(h, 3);
  if (rest > 0) h0 = hashStep(h0, load<i32>(a));
  if (rest > 1) h1 = hashStep(h1, load<i32>(a, 4));
  if (rest > 2) h2 = hashStep(h2, load<i32>(a, 8));
  return hashFold(hashFold(hashFold(hashFold(n, h0), h1), h2), h3);
}
