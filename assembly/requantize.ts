// Changing formats: products and gradients back to operands, masters to working copies, and the
// maxima that choose the shifts.

import { isNarrow, isWithin16 } from './bounds';
import {
  bits,
  clampLanes,
  clampLanes16,
  halfStep,
  halfUpLanes,
  halfUpNarrowLanes,
  halveUpLanes16,
  isqrt,
  saturateInt16Lanes,
  shiftHalfUpLanes,
} from './fixed';
import { BRANCH_LIMIT, OPERAND_MAX } from './formats';
import {
  loadInt32s,
  loadPart,
  maxLanesU,
  storeInt16s,
  storeInt32s,
  storePart,
  sumLanes,
  sumLanes64,
  widenSumU,
} from './lanes';

/** Fraction bits that a bias of requantize_i32i16 has beyond the output's, if the shift allows
 *  them. */
const BIAS_GUARD: i32 = 6;
/** Larger values are clamped by every bound, and any bias (< 2^28) can be added to them. */
const REQUANTIZE_MAX: i32 = 1 << 30;
/** The same for requantize_i32i32, whose bounds and biases are below 2^26. */
const WIDE_MAX: i32 = 1 << 28;

/** Eight columns of requantize_i32i16, of which `left` exist; returns `count` less one for each of
 *  the eight that is not clamped ("not equal" takes three instructions in V8, "equal" one).
 *  `narrow`: values are first limited to where every sum fits, which no shift above the guard
 *  needs. */
// @ts-ignore: decorator
@inline
function requantize8(
  a: usize,
  out: usize,
  bias: usize,
  left: i32,
  drop: i32,
  guard: i32,
  narrow: bool,
  half: v128,
  high: v128,
  low: v128,
  count: v128,
): v128 {
  let v0 = i32x4.shr_s(loadInt32s(a, left), drop);
  let v1 = i32x4.shr_s(loadInt32s(a + 16, left - 4), drop);
  if (narrow) {
    const most = i32x4.splat(REQUANTIZE_MAX);
    const least = i32x4.splat(-REQUANTIZE_MAX);
    v0 = clampLanes(v0, least, most);
    v1 = clampLanes(v1, least, most);
  }
  if (bias) {
    v0 = i32x4.add(v0, loadInt32s(bias, left));
    v1 = i32x4.add(v1, loadInt32s(bias + 16, left - 4));
  }
  v0 = shiftHalfUpLanes(v0, half, guard);
  v1 = shiftHalfUpLanes(v1, half, guard);
  const w0 = clampLanes(v0, low, high);
  const w1 = clampLanes(v1, low, high);
  storeInt16s(out, saturateInt16Lanes(w0, w1), left);
  return i32x4.add(i32x4.add(count, i32x4.eq(v0, w0)), i32x4.eq(v1, w1));
}

/** Largest bound for which 2 bound + 1 fits int16, so that twice the result may be saturated before
 *  its last bit is rounded off: what saturates is beyond the bound. */
const PLAIN_BOUND: i32 = 16383;

/** Eight columns without a bias, bound <= PLAIN_BOUND: floor((a / 2^(shift - 1) + 1) / 2) in int16.
 *  Returns `count` less one for each that is not clamped. */
// @ts-ignore: decorator
@inline
function requantizePlain8(
  a: usize,
  out: usize,
  less: i32,
  high: v128,
  low: v128,
  count: v128,
): v128 {
  const doubled = saturateInt16Lanes(
    i32x4.shr_s(v128.load(a), less),
    i32x4.shr_s(v128.load(a, 16), less),
  );
  const v = halveUpLanes16(doubled);
  const w = clampLanes16(v, low, high);
  v128.store(out, w);
  return i32x4.add(count, i32x4.extadd_pairwise_i16x8_s(i16x8.eq(v, w)));
}

/** Kernels.requantize_i32i16. */
export function requantize_i32i16(
  a: usize,
  lda: i32,
  out: usize,
  ldo: i32,
  rows: i32,
  columns: i32,
  shift: i32,
  bound: i32,
  bias: usize,
): i32 {
  assert(shift >= 1 && shift <= 31, 'requantize_i32i16: shift in 1..31');
  assert(bound >= 0 && bound <= 32767, 'requantize_i32i16: bound <= 32767');
  assert(
    ASC_NO_ASSERT || !bias || max_abs_i32(bias, columns, 1, columns) < 1 << 28,
    'requantize_i32i16: |bias| < 2^28',
  );
  return roundRows(a, lda, out, ldo, rows, columns, shift, bound, bias);
}

/** Both kernels that round to int16, 0 <= shift. With g guard bits and q = floor(a / 2^(shift - g))
 *  the sum is floor((q + bias + 2^(g-1)) / 2^g): dropping the low bits of a first changes nothing,
 *  as the other terms have none. */
function roundRows(
  a: usize,
  lda: i32,
  out: usize,
  ldo: i32,
  rows: i32,
  columns: i32,
  shift: i32,
  bound: i32,
  bias: usize,
): i32 {
  const guard = min(BIAS_GUARD, shift);
  const drop = shift - guard;
  const half = i32x4.splat(halfStep(guard));
  const isPlain = !bias && bound <= PLAIN_BOUND && shift > 0;
  const high = i32x4.splat(bound);
  const low = i32x4.splat(-bound);
  const high16 = i16x8.splat(i16(bound));
  const low16 = i16x8.splat(i16(-bound));
  const all = rows * ((columns + 7) & ~7);
  let count = i32x4.splat(0);
  for (let r = 0; r < rows; r++, a += usize(lda) << 2, out += usize(ldo) << 1) {
    let p = a;
    let o = out;
    let b = bias;
    let c = columns;
    if (isPlain) {
      for (; c >= 8; c -= 8, p += 32, o += 16)
        count = requantizePlain8(p, o, shift - 1, high16, low16, count);
    } else if (drop > 0) {
      for (; c >= 8; c -= 8, p += 32, o += 16) {
        count = requantize8(p, o, b, 8, drop, BIAS_GUARD, false, half, high, low, count);
        if (b) b += 32;
      }
    }
    for (; c > 0; c -= 8, p += 32, o += 16) {
      count = requantize8(p, o, b, c, drop, guard, true, half, high, low, count);
      if (b) b += 32;
    }
  }
  return all + sumLanes(count);
}

/** Four columns of requantize_i32i32, of which `left` exist; returns `count` less one for each of
 *  the four that is not clamped. A value to be shifted left is first limited to what stays beyond
 *  every bound and fits: `limit`. */
// @ts-ignore: decorator
@inline
function requantize4(
  a: usize,
  out: usize,
  bias: usize,
  left: i32,
  shift: i32,
  limit: v128,
  high: v128,
  low: v128,
  count: v128,
): v128 {
  let v = loadInt32s(a, left);
  v = shift > 0 ? halfUpLanes(v, shift) : i32x4.shl(clampLanes(v, i32x4.neg(limit), limit), -shift);
  if (bias) v = i32x4.add(v, loadInt32s(bias, left));
  const w = clampLanes(v, low, high);
  storeInt32s(out, w, left);
  return i32x4.add(count, i32x4.eq(v, w));
}

/** Kernels.requantize_i32i32. */
export function requantize_i32i32(
  a: usize,
  lda: i32,
  out: usize,
  ldo: i32,
  rows: i32,
  columns: i32,
  shift: i32,
  bound: i32,
  bias: usize,
): i32 {
  assert(shift >= -8 && shift <= 30, 'requantize_i32i32: shift in -8..30');
  assert(bound >= 0 && bound <= BRANCH_LIMIT, 'requantize_i32i32: bound <= 2^26');
  assert(
    ASC_NO_ASSERT || !bias || max_abs_i32(bias, columns, 1, columns) < u32(BRANCH_LIMIT),
    'requantize_i32i32: |bias| < 2^26',
  );
  const limit = i32x4.splat(WIDE_MAX >> max(-shift, 0));
  const high = i32x4.splat(bound);
  const low = i32x4.splat(-bound);
  const all = rows * ((columns + 3) & ~3);
  let count = i32x4.splat(0);
  for (let r = 0; r < rows; r++, a += usize(lda) << 2, out += usize(ldo) << 2) {
    let p = a;
    let o = out;
    let b = bias;
    let c = columns;
    for (; c >= 4; c -= 4, p += 16, o += 16) {
      count = requantize4(p, o, b, 4, shift, limit, high, low, count);
      if (b) b += 16;
    }
    if (c > 0) count = requantize4(p, o, b, c, shift, limit, high, low, count);
  }
  return all + sumLanes(count);
}

/** Kernels.narrow_i64i32. */
export function narrow_i64i32(
  a: usize,
  lda: i32,
  out: usize,
  ldo: i32,
  rows: i32,
  columns: i32,
  shift: i32,
): void {
  assert(shift >= 0 && shift <= 62, 'narrow_i64i32: shift in 0..62');
  for (let r = 0; r < rows; r++, a += usize(lda) << 3, out += usize(ldo) << 2) {
    assert(ASC_NO_ASSERT || isNarrow(a, columns, shift), 'narrow_i64i32: the result fits');
    let p = a;
    let o = out;
    let c = columns;
    for (; c >= 4; c -= 4, p += 32, o += 16)
      v128.store(o, halfUpNarrowLanes(v128.load(p), v128.load(p, 16), shift));
    if (c > 0) {
      const low = loadPart(p, min(c, 2) << 3);
      const high = loadPart(p + 16, max(c - 2, 0) << 3);
      storePart(o, halfUpNarrowLanes(low, high, shift), c << 2);
    }
  }
}

/** Kernels.max_abs_i32. |-2^31| is 2^31 as an unsigned lane. */
export function max_abs_i32(a: usize, lda: i32, rows: i32, columns: i32): u32 {
  let largest = i32x4.splat(0);
  for (let r = 0; r < rows; r++, a += usize(lda) << 2) {
    let p = a;
    let c = columns;
    for (; c >= 16; c -= 16, p += 64) {
      const v0 = i32x4.max_u(i32x4.abs(v128.load(p)), i32x4.abs(v128.load(p, 16)));
      const v1 = i32x4.max_u(i32x4.abs(v128.load(p, 32)), i32x4.abs(v128.load(p, 48)));
      largest = i32x4.max_u(largest, i32x4.max_u(v0, v1));
    }
    for (; c > 0; c -= 4, p += 16) largest = i32x4.max_u(largest, i32x4.abs(loadInt32s(p, c)));
  }
  return maxLanesU(largest);
}

/** Kernels.max_bits_i64: the magnitudes or-ed together have as many digits as the largest. */
export function max_bits_i64(a: usize, n: i32): i32 {
  let digits = i64x2.splat(0);
  for (; n >= 2; n -= 2, a += 16) digits = v128.or(digits, i64x2.abs(v128.load(a)));
  if (n) digits = v128.or(digits, i64x2.abs(loadPart(a, 8)));
  return bits(u64(i64x2.extract_lane(digits, 0) | i64x2.extract_lane(digits, 1)));
}

/** Kernels.quantize_i32i16. */
export function quantize_i32i16(a: usize, out: usize, n: i32, shift: i32, bound: i32): i32 {
  assert(shift >= 0 && shift <= 24, 'quantize_i32i16: shift in 0..24');
  assert(bound >= 0 && bound <= 32767, 'quantize_i32i16: bound <= 32767');
  return roundRows(a, n, out, n, 1, n, shift, bound, 0);
}

/** Kernels.l1_max_i16. |-32768| is 32768 as an unsigned lane; sums of 2^15 of them are at most
 *  2^30, of 2^19 operands below 2^31. */
export function l1_max_i16(w: usize, rows: i32, columns: i32, scratch: usize): i32 {
  assert(rows <= 1 << 15, 'l1_max_i16: rows up to 2^15');
  assert(
    ASC_NO_ASSERT ||
      columns <= 1 << 15 ||
      (columns <= 1 << 19 && isWithin16(w, rows * columns, OPERAND_MAX)),
    'l1_max_i16: columns up to 2^15, or 2^19 operands',
  );
  memory.fill(scratch, 0, usize(columns) << 2);
  let largest = 0;
  for (let r = 0; r < rows; r++) {
    let sum = i32x4.splat(0);
    let s = scratch;
    let c = columns;
    for (; c >= 8; c -= 8, w += 16, s += 32) {
      const v = i16x8.abs(v128.load(w));
      const low = i32x4.extend_low_i16x8_u(v);
      const high = i32x4.extend_high_i16x8_u(v);
      sum = i32x4.add(sum, i32x4.add(low, high));
      v128.store(s, i32x4.add(v128.load(s), low));
      v128.store(s, i32x4.add(v128.load(s, 16), high), 16);
    }
    let rowSum = sumLanes(sum);
    for (; c > 0; c--, w += 2, s += 4) {
      const v = abs<i32>(load<i16>(w));
      rowSum += v;
      store<i32>(s, load<i32>(s) + v);
    }
    largest = max(largest, rowSum);
  }
  for (let c = 0; c < columns; c++, scratch += 4) largest = max(largest, load<i32>(scratch));
  return largest;
}

/** Kernels.row_norm_max_i16. A pair of (-32768)^2 is 2^31, right as an unsigned lane. */
export function row_norm_max_i16(w: usize, rows: i32, columns: i32): i32 {
  assert(columns <= 1 << 15, 'row_norm_max_i16: columns up to 2^15');
  let largest: u64 = 0;
  for (; rows > 0; rows--) {
    let sum = i64x2.splat(0);
    let left = columns;
    for (; left >= 8; left -= 8, w += 16) {
      const v = v128.load(w);
      sum = i64x2.add(sum, widenSumU(i32x4.dot_i16x8_s(v, v)));
    }
    if (left > 0) {
      const v = loadPart(w, left << 1);
      sum = i64x2.add(sum, widenSumU(i32x4.dot_i16x8_s(v, v)));
      w += usize(left) << 1;
    }
    largest = max(largest, u64(sumLanes64(sum)));
  }
  return i32(isqrt(largest));
}
