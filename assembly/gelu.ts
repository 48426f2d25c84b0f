// GELU (Hendrycks & Gimpel 2016), u Phi(u), forward and backward: max(u, 0) - g(|u|) with g(a) = a
// (1 - Phi(a)) a piecewise cubic on 16 segments of [0, 5). The tables fit vectors: two swizzles
// (low and high bytes) fetch a coefficient for 16 elements.
//   segment of 16 int16s -> byte lanes 0..15 -> swizzle LOW, swizzle HIGH -> interleave
//   -> coefficients of elements 0..7, 8..15

import { FIFTH_Q15, GELU_INPUT_MAX, LARGEST_OPERAND, LOW_15, ONE_Q14 } from './constants';
import { clampLanes16, halfUpLanes, halfUpLanes16, halveUpLanes16, q15Lanes } from './fixed';
import { loadInt16s, loadInt32s, storeInt16s, storeInt32s, sumLanes } from './lanes';
import { GELU_GAP, GELU_SLOPE } from './tables';

/** w of eight elements, 16/5 a = (3 + 1/5) a with 11 fraction bits, whose integer part is the
 *  segment: |-32768| saturates through the unsigned minimum. */
// @ts-ignore: decorator
@inline
function position(u: v128): v128 {
  const a = i16x8.min_u(i16x8.abs(u), v128.load16_splat(GELU_INPUT_MAX));
  return i16x8.add(i16x8.add(i16x8.add(a, a), a), q15Lanes(v128.load16_splat(FIFTH_Q15), a));
}

/** The segments of 16 elements, one a byte. */
// @ts-ignore: decorator
@inline
function segments(w0: v128, w1: v128): v128 {
  return i8x16.narrow_i16x8_u(i16x8.shr_u(w0, 11), i16x8.shr_u(w1, 11));
}

/** f of eight elements: the position within the segment, in Q15. */
// @ts-ignore: decorator
@inline
function fraction(w: v128): v128 {
  return i16x8.shr_u(i16x8.shl(w, 5), 1);
}

/** Coefficients of elements 0..7 (part 0) or 8..15 (part 1) from their bytes. */
// @ts-ignore: decorator
@inline
function join(low: v128, high: v128, part: i32): v128 {
  return part == 0
    ? i8x16.shuffle(low, high, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23)
    : i8x16.shuffle(low, high, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
}

/** ((T3 f + T2) f + T1) f + T0 in Q15 steps. */
// @ts-ignore: decorator
@inline
function horner(f: v128, t3: v128, t2: v128, t1: v128, t0: v128): v128 {
  return i16x8.add(q15Lanes(i16x8.add(q15Lanes(i16x8.add(q15Lanes(t3, f), t2), f), t1), f), t0);
}

/** Activations with 11 fraction bits from u and 64 g. */
// @ts-ignore: decorator
@inline
function activation(u: v128, gap: v128): v128 {
  const positive = i16x8.max_s(u, i16x8.splat(0));
  return i16x8.sub(positive, halveUpLanes16(i16x8.shr_s(gap, 5)));
}

/** Up to 16 activations; returns `count` less one for each that is not clamped, all lanes together.
 */
// @ts-ignore: decorator
@inline
function forward16(
  u: usize,
  act: usize,
  left: i32,
  shift: i32,
  high: v128,
  low: v128,
  count: v128,
): v128 {
  const u0 = loadInt16s(u, left);
  const u1 = loadInt16s(u + 16, left - 8);
  const w0 = position(u0);
  const w1 = position(u1);
  const s = segments(w0, w1);
  const f0 = fraction(w0);
  const f1 = fraction(w1);
  const c0l = i8x16.swizzle(v128.load(GELU_GAP), s);
  const c0h = i8x16.swizzle(v128.load(GELU_GAP, 16), s);
  const c1l = i8x16.swizzle(v128.load(GELU_GAP, 32), s);
  const c1h = i8x16.swizzle(v128.load(GELU_GAP, 48), s);
  const c2l = i8x16.swizzle(v128.load(GELU_GAP, 64), s);
  const c2h = i8x16.swizzle(v128.load(GELU_GAP, 80), s);
  const c3l = i8x16.swizzle(v128.load(GELU_GAP, 96), s);
  const c3h = i8x16.swizzle(v128.load(GELU_GAP, 112), s);
  let v0 = activation(
    u0,
    horner(f0, join(c3l, c3h, 0), join(c2l, c2h, 0), join(c1l, c1h, 0), join(c0l, c0h, 0)),
  );
  let v1 = activation(
    u1,
    horner(f1, join(c3l, c3h, 1), join(c2l, c2h, 1), join(c1l, c1h, 1), join(c0l, c0h, 1)),
  );
  if (shift > 0) {
    v0 = halfUpLanes16(v0, shift);
    v1 = halfUpLanes16(v1, shift);
  }
  const a0 = clampLanes16(v0, low, high);
  const a1 = clampLanes16(v1, low, high);
  storeInt16s(act, a0, left);
  storeInt16s(act + 16, a1, left - 8);
  const kept = i16x8.add(i16x8.eq(v0, a0), i16x8.eq(v1, a1));
  return i32x4.add(count, i32x4.extadd_pairwise_i16x8_s(kept));
}

/** Kernels.gelu_forward_i16i16. */
export function gelu_forward_i16i16(u: usize, act: usize, n: i32, shift: i32): i32 {
  assert(shift >= 0 && shift <= 3, 'gelu_forward_i16i16: shift in 0..3');
  const high = v128.load16_splat(LARGEST_OPERAND);
  const low = i16x8.neg(high);
  const all = (n + 15) & ~15;
  let count = i32x4.splat(0);
  for (; n >= 16; n -= 16, u += 32, act += 32)
    count = forward16(u, act, 16, shift, high, low, count);
  if (n > 0) count = forward16(u, act, n, shift, high, low, count);
  return all + sumLanes(count);
}

/** The slopes (14 fraction bits) of eight elements from 2 g. */
// @ts-ignore: decorator
@inline
function slope(u: v128, g2: v128): v128 {
  const g = halveUpLanes16(g2);
  return v128.bitselect(g, i16x8.sub(v128.load16_splat(ONE_Q14), g), i16x8.shr_s(u, 15));
}

/** halfUp(d * slope, 15) of four elements: d = 2^15 dHigh + dLow, so that both products fit int32
 *  (|slope| < 2^15). */
// @ts-ignore: decorator
@inline
function times(d: v128, slopes: v128): v128 {
  // the high half of every pair of dLow is 0
  const low = i32x4.dot_i16x8_s(v128.and(d, v128.load32_splat(LOW_15)), slopes);
  return i32x4.add(i32x4.mul(i32x4.shr_s(d, 15), slopes), halfUpLanes(low, 15));
}

// @ts-ignore: decorator
@inline
function backward16(dAct: usize, u: usize, du: usize, left: i32): void {
  const u0 = loadInt16s(u, left);
  const u1 = loadInt16s(u + 16, left - 8);
  const w0 = position(u0);
  const w1 = position(u1);
  const s = segments(w0, w1);
  const f0 = fraction(w0);
  const f1 = fraction(w1);
  const c0l = i8x16.swizzle(v128.load(GELU_SLOPE), s);
  const c0h = i8x16.swizzle(v128.load(GELU_SLOPE, 16), s);
  const c1l = i8x16.swizzle(v128.load(GELU_SLOPE, 32), s);
  const c1h = i8x16.swizzle(v128.load(GELU_SLOPE, 48), s);
  const c2l = i8x16.swizzle(v128.load(GELU_SLOPE, 64), s);
  const c2h = i8x16.swizzle(v128.load(GELU_SLOPE, 80), s);
  const c3l = i8x16.swizzle(v128.load(GELU_SLOPE, 96), s);
  const c3h = i8x16.swizzle(v128.load(GELU_SLOPE, 112), s);
  const s0 = slope(
    u0,
    horner(f0, join(c3l, c3h, 0), join(c2l, c2h, 0), join(c1l, c1h, 0), join(c0l, c0h, 0)),
  );
  const s1 = slope(
    u1,
    horner(f1, join(c3l, c3h, 1), join(c2l, c2h, 1), join(c1l, c1h, 1), join(c0l, c0h, 1)),
  );
  storeInt32s(du, times(loadInt32s(dAct, left), i32x4.extend_low_i16x8_s(s0)), left);
  storeInt32s(
    du + 16,
    times(loadInt32s(dAct + 16, left - 4), i32x4.extend_high_i16x8_s(s0)),
    left - 4,
  );
  storeInt32s(
    du + 32,
    times(loadInt32s(dAct + 32, left - 8), i32x4.extend_low_i16x8_s(s1)),
    left - 8,
  );
  storeInt32s(
    du + 48,
    times(loadInt32s(dAct + 48, left - 12), i32x4.extend_high_i16x8_s(s1)),
    left - 12,
  );
}

/** Kernels.gelu_backward_i32. */
export function gelu_backward_i32(dAct: usize, u: usize, du: usize, n: i32): void {
  for (; n >= 16; n -= 16, dAct += 64, u += 32, du += 64) backward16(dAct, u, du, 16);
  if (n > 0) backward16(dAct, u, du, n);
}
