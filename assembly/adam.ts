// AdamW (Loshchilov & Hutter 2019) in integers. The second moment is kept as its square root r, so that it fits int32.
// Four parameters at a time; only the root and the division, which have no vector instruction, are done one by one.

import {
  addTruncatedLanes, clamp, clampLanes, halfUp, halfUpLanes, halfUpNarrowLanes, isqrt, multiplyHalfUpLanes, overflowLanes, roundedProductHigh,
  roundedProductLow, saturateInt32, saturateLanes, shiftNarrowLanes, truncatedShift,
} from './fixed';
import { loadPart, sumLanes, sumLanes64 } from './lanes';

/** Largest |clipped gradient|: 1 with 30 fraction bits. */
const GRADIENT_MAX: i32 = 1 << 30;
/** Within these bounds, which training never leaves, no lane of a step can overflow; beyond, parameters are done one by one. */
const FAST_MOMENT: i32 = (1 << 30) - 1;
const FAST_WEIGHT: i32 = 1 << 29;

/** Kernels.sum_squares_i64. */
export function sum_squares_i64(g: usize, n: i32, shift: i32, out: usize): void {
  assert(shift >= 0 && shift <= 62, 'sum_squares_i64: shift in 0..62');
  assert(n <= 1 << 23, 'sum_squares_i64: n <= 2^23');
  let sum = i64x2.splat(0);
  for (; n > 0; n -= 4, g += 32) {
    const low = n >= 4 ? v128.load(g) : loadPart(g, min(n, 2) << 3), high = n >= 4 ? v128.load(g, 16) : loadPart(g + 16, max(n - 2, 0) << 3);
    const v = halfUpNarrowLanes(low, high, shift);
    assert(!v128.any_true(i32x4.gt_u(i32x4.abs(v), i32x4.splat(1 << 20))), 'sum_squares_i64: rounded elements up to 2^20');
    sum = i64x2.add(sum, i64x2.add(i64x2.extmul_low_i32x4_s(v, v), i64x2.extmul_high_i32x4_s(v, v)));
  }
  store<i64>(out, sumLanes64(sum));
}

/** ghat = clamp(halfUp(G * factor, factorShift), 2^30). */
// @ts-ignore: decorator
@inline
function clippedGradient(g: v128, factor: v128, factorShift: i32): v128 {
  const low = roundedProductLow(g, factor, factorShift), high = roundedProductHigh(g, factor, factorShift);
  const v = saturateLanes(shiftNarrowLanes(low, high, factorShift), low, high, overflowLanes(low, high, factorShift));
  return clampLanes(v, i32x4.splat(-GRADIENT_MAX), i32x4.splat(GRADIENT_MAX));
}

/** r^2 - floor(r^2 / 2^k2) + floor(ghat^2 / 2^k2) of two parameters, from the squares. */
// @ts-ignore: decorator
@inline
function newSquare(square: v128, gradient: v128, k2: i32): v128 {
  return i64x2.add(i64x2.sub(square, i64x2.shr_u(square, k2)), i64x2.shr_u(gradient, k2));
}

/** Not 0 if a does not fit int32. */
// @ts-ignore: decorator
@inline
function beyondInt32(a: i64): u64 {
  return u64(a + (<i64>1 << 31)) >> 32;
}

// @ts-ignore: decorator
@inline
function fourInt32s(a: i64, b: i64, c: i64, d: i64): v128 {
  return i32x4.replace_lane(i32x4.replace_lane(i32x4.replace_lane(i32x4.splat(i32(a)), 1, i32(b)), 2, i32(c)), 3, i32(d));
}

/** Kernels.adamw_i64. */
export function adamw_i64(w: usize, g: usize, m: usize, r: usize, n: i32, shift: i32, factor: i32, factorShift: i32, k1: i32, k2: i32, rate: u32, epsilon: i32, decay: i32, limit: i32): i32 {
  assert(shift >= 0 && shift <= 62, 'adamw_i64: shift in 0..62');
  assert(factor >= 0 && factorShift >= 1 && factorShift <= 62, 'adamw_i64: factor >= 0, factorShift in 1..62');
  assert(k1 >= 0 && k1 <= 30 && k2 >= 0 && k2 <= 62, 'adamw_i64: k1 in 0..30, k2 in 0..62');
  assert(rate > 0 && epsilon >= 1 && decay >= 0, 'adamw_i64: rate > 0, epsilon >= 1, decay >= 0');
  const factors = i32x4.splat(factor), decays = i32x4.splat(decay), most = i32x4.splat(limit), least = i32x4.splat(-limit);
  let count = 0, clampedWeights = i32x4.splat(0);
  for (; n >= 4; n -= 4, w += 16, g += 32, m += 16, r += 16) {
    const weights = v128.load(w), moments = v128.load(m);
    const far = v128.or(i32x4.gt_u(i32x4.abs(weights), i32x4.splat(FAST_WEIGHT)), i32x4.gt_u(i32x4.abs(moments), i32x4.splat(FAST_MOMENT)));
    if (v128.any_true(far)) {
      count += stepOneByOne(w, g, m, r, 4, shift, factor, factorShift, k1, k2, rate, epsilon, decay, limit);
      continue;
    }
    const ghat = clippedGradient(halfUpNarrowLanes(v128.load(g), v128.load(g, 16), shift), factors, factorShift);
    const moment = addTruncatedLanes(moments, i32x4.sub(ghat, moments), k1), roots = v128.load(r); // ((2^k1 - 1) m + ghat) / 2^k1
    const v01 = newSquare(i64x2.extmul_low_i32x4_s(roots, roots), i64x2.extmul_low_i32x4_s(ghat, ghat), k2);
    const v23 = newSquare(i64x2.extmul_high_i32x4_s(roots, roots), i64x2.extmul_high_i32x4_s(ghat, ghat), k2);
    const r0 = isqrt(i64x2.extract_lane(v01, 0)), r1 = isqrt(i64x2.extract_lane(v01, 1));
    const r2 = isqrt(i64x2.extract_lane(v23, 0)), r3 = isqrt(i64x2.extract_lane(v23, 1));
    const u0 = i64(i32x4.extract_lane(moment, 0)) * i64(rate) / i64(r0 + epsilon), u1 = i64(i32x4.extract_lane(moment, 1)) * i64(rate) / i64(r1 + epsilon);
    const u2 = i64(i32x4.extract_lane(moment, 2)) * i64(rate) / i64(r2 + epsilon), u3 = i64(i32x4.extract_lane(moment, 3)) * i64(rate) / i64(r3 + epsilon);
    if (beyondInt32(u0) | beyondInt32(u1) | beyondInt32(u2) | beyondInt32(u3)) {
      count += stepOneByOne(w, g, m, r, 4, shift, factor, factorShift, k1, k2, rate, epsilon, decay, limit);
      continue;
    }
    v128.store(m, moment);
    v128.store(r, fourInt32s(r0, r1, r2, r3));
    const updates = fourInt32s(u0, u1, u2, u3);
    const next = i32x4.sub(i32x4.sub(weights, halfUpLanes(updates, 8)), multiplyHalfUpLanes(weights, decays));
    const clamped = clampLanes(next, least, most);
    clampedWeights = i32x4.add(clampedWeights, i32x4.ne(next, clamped));
    v128.store(w, clamped);
  }
  return count - sumLanes(clampedWeights) + stepOneByOne(w, g, m, r, n, shift, factor, factorShift, k1, k2, rate, epsilon, decay, limit);
}

/** The same step, any values, one parameter after the other. */
function stepOneByOne(w: usize, g: usize, m: usize, r: usize, n: i32, shift: i32, factor: i32, factorShift: i32, k1: i32, k2: i32, rate: u32, epsilon: i32, decay: i32, limit: i32): i32 {
  const keep = (<i64>1 << k1) - 1;
  let count = 0;
  for (; n > 0; n--, w += 4, g += 8, m += 4, r += 4) {
    const gradient = clamp(halfUp(halfUp(load<i64>(g), shift) * factor, factorShift), GRADIENT_MAX);
    const moment = truncatedShift(keep * load<i32>(m) + gradient, k1);
    const square = i64(load<i32>(r)) * load<i32>(r);
    const root = i64(isqrt(square - (square >> k2) + ((gradient * gradient) >> k2)));

    const exact = moment * i64(rate) / (root + epsilon), update = saturateInt32(exact);
    const weight = i64(load<i32>(w)), next = weight - halfUp(update, 8) - halfUp(weight * decay, 32), clamped = clamp(next, limit);
    store<i32>(m, i32(moment));
    store<i32>(r, i32(root));
    store<i32>(w, i32(clamped));
    count += i32(update != exact) + i32(clamped != next);
  }
  return count;
}
