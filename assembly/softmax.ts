// Softmax with base-2 exponentials, forward and backward. The largest element's exponential is
// exactly 2^30, so the sum of a row is never 0. cross-entropy.ts shares the exponentials. Four
// int32 columns a vector.

import { isWithin32 } from './bounds';
import { ALL_BYTES, BYTE_OFFSETS, EXP2, LOW_15, MOST_HALVINGS, POWERS } from './constants';
import {
  clamp,
  halfUp,
  halfUpLanes,
  multiplyHalfUpLanes,
  multiplyHalfUpLanesU,
  multiplyHighLanes,
  saturateInt16Lanes,
  saturateInt32,
} from './fixed';
import {
  firstLanes,
  loadInt32s,
  loadPart,
  maxLanes,
  storeInt16s,
  storeInt32s,
  sumLanes64,
  widenSumU,
} from './lanes';

/** c - floor(y f / 2^15) for y < 2^30, f < 2^15: y = 2^15 yHigh + yLow, whose products with f fit
 *  int32. One dot_i16x8_s each, as the upper half of every lane is 0. */
// @ts-ignore: decorator
@inline
function hornerStep(c: usize, y: v128, f: v128): v128 {
  const high = i32x4.dot_i16x8_s(i32x4.shr_u(y, 15), f);
  const low = i32x4.dot_i16x8_s(v128.and(y, v128.load32_splat(LOW_15)), f);
  return i32x4.sub(i32x4.sub(v128.load32_splat(c), high), i32x4.shr_u(low, 15));
}

/** 2^(31 - n) of every int32 n in 0..31: byte b of the lane is 2^(7 - i) for i = n + 8 b - 24 in
 *  0..7, else 0, which is what a swizzle makes of other indices. */
// @ts-ignore: decorator
@inline
function powerOfTwo(n: v128): v128 {
  const inAllBytes = i32x4.mul(n, v128.load32_splat(ALL_BYTES));
  const index = i8x16.add(inAllBytes, v128.load32_splat(BYTE_OFFSETS));
  return i8x16.swizzle(v128.load(POWERS), index);
}

/** e = 2^-(t / 2^15) in Q30 of every element of a row, t = floor((max - s) * scale / 2^32). */
// @ts-ignore: decorator
@inline
function exponentials(s: v128, largest: v128, scale: v128): v128 {
  const t = multiplyHighLanes(i32x4.sub(largest, s), scale);
  const f = v128.and(t, v128.load32_splat(LOW_15));
  let y = i32x4.sub(
    // C5 = 2^20 + what is in the table
    i32x4.sub(v128.load32_splat(EXP2, 16), i32x4.shl(f, 5)),
    i32x4.shr_u(i32x4.dot_i16x8_s(f, v128.load32_splat(EXP2, 20)), 15),
  );
  y = hornerStep(EXP2 + 12, y, f);
  y = hornerStep(EXP2 + 8, y, f);
  y = hornerStep(EXP2 + 4, y, f);
  y = hornerStep(EXP2, y, f);
  const n = i32x4.min_u(i32x4.shr_u(t, 15), v128.load32_splat(MOST_HALVINGS));
  return multiplyHighLanes(i32x4.shl(y, 1), powerOfTwo(n));
}

/** The same, not inlined: where few are wanted, for the module's size. */
export function exponentialsOf(s: v128, largest: v128, scale: v128): v128 {
  return exponentials(s, largest, scale);
}

/** The largest of `count` >= 1 int32s. */
// @ts-ignore: decorator
@inline
export function rowMax(s: usize, count: i32): i32 {
  let largest = i32x4.splat(i32.MIN_VALUE);
  for (; count >= 4; count -= 4, s += 16) largest = i32x4.max_s(largest, v128.load(s));
  let result = maxLanes(largest);
  for (; count > 0; count--, s += 4) result = max(result, load<i32>(s));
  return result;
}

/** floor((e R + 2^45) / 2^46) of eight elements; the largest possible, 32768, becomes 32767. */
// @ts-ignore: decorator
@inline
function probabilities(e0: v128, e1: v128, r: v128): v128 {
  return saturateInt16Lanes(multiplyHalfUpLanesU(e0, r, 46), multiplyHalfUpLanesU(e1, r, 46));
}

/** Kernels.softmax_forward_i32i16. Exponentials wait in the place of their scores until R is known.
 */
export function softmax_forward_i32i16(
  s: usize,
  lds: i32,
  p: usize,
  ldp: i32,
  rows: i32,
  columns: i32,
  valid: i32,
  causal: i32,
  scale: u32,
): void {
  assert(columns <= 4096, 'softmax_forward_i32i16: columns <= 4096');
  assert(
    rows == 0 || (valid >= 1 && valid + (rows - 1) * causal <= columns),
    'softmax_forward_i32i16: 1 <= valid columns <= columns',
  );
  assert(causal >> 1 == 0, 'softmax_forward_i32i16: causal 0 or 1');
  assert(scale > 0, 'softmax_forward_i32i16: scale > 0');
  const scales = i32x4.splat(scale);
  for (; rows > 0; rows--, s += usize(lds) << 2, p += usize(ldp) << 1, valid += causal) {
    const largest = i32x4.splat(rowMax(s, valid));
    const end = (valid + 7) & ~7;
    let sum = i64x2.splat(0);
    let from = s;
    let j = 0;
    for (; j + 8 <= valid; j += 8, from += 32) {
      const e0 = exponentials(v128.load(from), largest, scales);
      const e1 = exponentials(v128.load(from, 16), largest, scales);
      sum = i64x2.add(sum, widenSumU(i32x4.add(e0, e1))); // at most 2^31, as uint32
      v128.store(from, e0);
      v128.store(from, e1, 16);
    }
    for (; j < valid; j += 4, from += 16) {
      const e = v128.and(
        exponentialsOf(loadInt32s(from, columns - j), largest, scales),
        firstLanes(valid - j),
      );
      sum = i64x2.add(sum, widenSumU(e));
      storeInt32s(from, e, columns - j);
    }
    if (j < end) storeInt32s(from, i32x4.splat(0), columns - j);
    const r = i32x4.splat(i32(((<u64>1) << 61) / u64(sumLanes64(sum))));
    from = s;
    let to = p;
    const whole = min(end, columns & ~7);
    for (j = 0; j < whole; j += 8, from += 32, to += 16)
      v128.store(to, probabilities(v128.load(from), v128.load(from, 16), r));
    const left = columns - j;
    if (j < end) {
      const low = loadInt32s(from, left);
      storeInt16s(to, probabilities(low, loadInt32s(from + 16, left - 4), r), left);
    } else memory.fill(to, 0, usize(left) << 1);
  }
}

/** d - dot and p * factor may be multiplied in lanes if |d - dot| is below this: (d - dot) 2^3 and
 *  p factor 2 still fit int32. */
const FAST_LIMIT: i64 = 1 << 28;
/** Larger |(d - dot) p| saturate whatever the factor is (>= 2^14): 2^(46 + 14 - 28) = 2^32. */
const SATURATING: i64 = 1 << 46;

/** ds of one row, exactly, for any p and dp. */
function backwardRow(p: usize, dp: usize, ds: usize, valid: i32, dot: i64, factor: i32): void {
  for (; valid > 0; valid--, p += 2, dp += 4, ds += 4) {
    const product = clamp((halfUp(load<i32>(dp), 2) - dot) * load<i16>(p), SATURATING);
    store<i32>(ds, i32(saturateInt32(halfUp(product * factor, 28))));
  }
}

/** Up to four int16s, of which `left` (>= 1) exist, widened. */
// @ts-ignore: decorator
@inline
function loadFour(p: usize, left: i32): v128 {
  return left >= 4 ? v128.load16x4_s(p) : i32x4.extend_low_i16x8_s(loadPart(p, left << 1));
}

/** ds of four columns. */
// @ts-ignore: decorator
@inline
function gradient(dp: v128, p: v128, dot: v128, doubledFactor: v128): v128 {
  return multiplyHalfUpLanes(
    i32x4.shl(i32x4.sub(halfUpLanes(dp, 2), dot), 3),
    i32x4.mul(p, doubledFactor),
  );
}

/** Kernels.softmax_backward_i16i32. ds_j = floor((8 (d - dot) * 2 p factor + 2^31) / 2^32), a high
 *  word, if the operands fit int32; they do unless gradients are about to overflow. */
export function softmax_backward_i16i32(
  p: usize,
  ldp: i32,
  dp: usize,
  lddp: i32,
  ds: usize,
  ldds: i32,
  rows: i32,
  columns: i32,
  valid: i32,
  causal: i32,
  factor: i32,
): void {
  assert(columns <= 4096, 'softmax_backward_i16i32: columns <= 4096');
  assert(
    rows == 0 || (valid >= 1 && valid + (rows - 1) * causal <= columns),
    'softmax_backward_i16i32: 1 <= valid columns <= columns',
  );
  assert(causal >> 1 == 0, 'softmax_backward_i16i32: causal 0 or 1');
  assert(factor >= 1 << 14 && factor <= 1 << 15, 'softmax_backward_i16i32: factor in 2^14..2^15');
  const doubled = i32x4.splat(factor << 1);
  for (
    let row = 0;
    row < rows;
    row++, p += usize(ldp) << 1, dp += usize(lddp) << 2, ds += usize(ldds) << 2, valid += causal
  ) {
    assert(
      ASC_NO_ASSERT || isWithin32(dp, valid, 1, i32.MAX_VALUE),
      'softmax_backward_i16i32: |dp| < 2^31',
    );
    let sum = i64x2.splat(0);
    let largest = i32x4.splat(0);
    let from = dp;
    let to = ds;
    let q = p;
    let j = 0;
    for (; j + 4 <= valid; j += 4, from += 16, q += 8) {
      const d = halfUpLanes(v128.load(from), 2);
      const weight = v128.load16x4_s(q);
      sum = i64x2.add(
        sum,
        i64x2.add(i64x2.extmul_low_i32x4_s(d, weight), i64x2.extmul_high_i32x4_s(d, weight)),
      );
      largest = i32x4.max_s(largest, i32x4.abs(d));
    }
    if (j < valid) {
      const d = v128.and(halfUpLanes(loadInt32s(from, columns - j), 2), firstLanes(valid - j));
      const weight = loadFour(q, columns - j);
      sum = i64x2.add(
        sum,
        i64x2.add(i64x2.extmul_low_i32x4_s(d, weight), i64x2.extmul_high_i32x4_s(d, weight)),
      );
      largest = i32x4.max_s(largest, i32x4.abs(d));
    }
    const dot = halfUp(sumLanes64(sum), 15);
    if (abs<i64>(dot) + maxLanes(largest) >= FAST_LIMIT) {
      backwardRow(p, dp, ds, valid, dot, factor);
      j = valid;
    } else {
      const dots = i32x4.splat(i32(dot));
      for (j = 0, from = dp, q = p; j + 4 <= valid; j += 4, from += 16, to += 16, q += 8) {
        v128.store(to, gradient(v128.load(from), v128.load16x4_s(q), dots, doubled));
      }
      if (j < valid) {
        const result = gradient(
          loadInt32s(from, columns - j),
          loadFour(q, columns - j),
          dots,
          doubled,
        );
        storeInt32s(to, v128.and(result, firstLanes(valid - j)), columns - j);
        j += 4;
      }
    }
    if (j < columns) memory.fill(ds + (usize(j) << 2), 0, usize(columns - j) << 2);
  }
}
