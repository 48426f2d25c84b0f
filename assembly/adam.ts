// AdamW (Loshchilov & Hutter 2019) in integers. The second moment is kept as its square root r, so
// that it fits int32. The root and the division, which have no vector instruction, are done one by
// one, everything else on four parameters at a time: three loops over 64 parameters that pass
// int64s on through memory take 9 % less time than one loop with lanes taken out and put back.

import { isNarrow } from './bounds';
import {
  clamp,
  clampLanes,
  halfUp,
  halfUpLanes,
  halfUpNarrowLanes,
  highWords,
  isqrt,
  lowWords,
  multiplyHalfUpLanes,
  saturateInt32,
  truncatedShift,
} from './fixed';
import { OPTIMIZER_FRACTION } from './formats';
import { loadPart, maxLanesU, sumLanes, sumLanes64 } from './lanes';

/** Largest |clipped gradient|: 1. */
const GRADIENT_MAX: i32 = 1 << OPTIMIZER_FRACTION;
/** Within these bounds, which training never leaves, no lane of a step can overflow; beyond,
 *  parameters are done one by one. */
const FAST_MOMENT: u32 = (1 << 30) - 8;
const FAST_WEIGHT: u32 = 1 << 29;

/** Kernels.sum_squares_i64. */
export function sum_squares_i64(g: usize, n: i32, shift: i32, out: usize): void {
  assert(shift >= 0 && shift <= 62, 'sum_squares_i64: shift in 0..62');
  assert(n < 1 << 23, 'sum_squares_i64: n < 2^23');
  let sum = i64x2.splat(0);
  for (; n >= 4; n -= 4, g += 32)
    sum = i64x2.add(sum, squares(v128.load(g), v128.load(g, 16), shift));
  if (n > 0) {
    const low = loadPart(g, min(n, 2) << 3);
    sum = i64x2.add(sum, squares(low, loadPart(g + 16, max(n - 2, 0) << 3), shift));
  }
  store<i64>(out, sumLanes64(sum));
}

/** The squares of four int64s, rounded, in two sums. */
// @ts-ignore: decorator
@inline
function squares(low: v128, high: v128, shift: i32): v128 {
  const v = halfUpNarrowLanes(low, high, shift);
  assert(
    !v128.any_true(i32x4.gt_u(i32x4.abs(v), i32x4.splat(1 << 20))),
    'sum_squares_i64: rounded elements up to 2^20',
  );
  return i64x2.add(i64x2.extmul_low_i32x4_s(v, v), i64x2.extmul_high_i32x4_s(v, v));
}

/** Of beta1 = 1 - 2^-3 and beta2 = 1 - 2^-7, the ones that training has: a shift by a constant is
 *  one instruction in V8 and one by a variable four. With others parameters are done one by one. */
const BETA1_SHIFT: i32 = 3;
const BETA2_SHIFT: i32 = 7;

/** Parameters of a turn, and the bytes of their int32s. */
const TURN: i32 = 64;
const BYTES: usize = 256;

/** Whether a weight or moment of a turn is beyond the bounds within which lanes cannot overflow. */
// @ts-ignore: decorator
@inline
function isFar(w: usize, m: usize): bool {
  let weights = i32x4.splat(0);
  let moments = i32x4.splat(0);
  for (let i: usize = 0; i < BYTES; i += 16) {
    weights = i32x4.max_u(weights, i32x4.abs(v128.load(w + i)));
    moments = i32x4.max_u(moments, i32x4.abs(v128.load(m + i)));
  }
  return maxLanesU(weights) > FAST_WEIGHT || maxLanesU(moments) > FAST_MOMENT;
}

/** ghat = clamp(halfUp(g * factor, shift), 2^30) of four parameters. Where |g| > limit =
 *  floor(2^(30 + shift) / factor) it is the end: limit + 1 gives no less, and no sum overflows.
 *  Beyond a shift of 32 nothing is so large. */
// @ts-ignore: decorator
@inline
function clippedGradient(g: v128, factor: v128, shift: i32, limit: v128): v128 {
  if (shift <= 32) g = clampLanes(g, i32x4.neg(limit), limit);
  const v = halfUpNarrowLanes(
    i64x2.extmul_low_i32x4_s(g, factor),
    i64x2.extmul_high_i32x4_s(g, factor),
    shift,
  );
  return shift <= 32 ? clampLanes(v, i32x4.splat(-GRADIENT_MAX), i32x4.splat(GRADIENT_MAX)) : v;
}

/** m + (ghat - m) / 2^3 toward zero: 7 is added before the shift where the sum is negative. */
// @ts-ignore: decorator
@inline
function newMoment(m: v128, ghat: v128): v128 {
  const change = i32x4.sub(ghat, m);
  const sign = i32x4.shr_s(i32x4.add(m, i32x4.shr_s(change, BETA1_SHIFT)), 31);
  const rounding = i32x4.shr_u(sign, 32 - BETA1_SHIFT);
  return i32x4.add(m, i32x4.shr_s(i32x4.add(change, rounding), BETA1_SHIFT));
}

/** r^2 - floor(r^2 / 2^7) + floor(ghat^2 / 2^7) of two parameters, from the squares. */
// @ts-ignore: decorator
@inline
function newSquare(square: v128, gradient: v128): v128 {
  return i64x2.add(
    i64x2.sub(square, i64x2.shr_u(square, BETA2_SHIFT)),
    i64x2.shr_u(gradient, BETA2_SHIFT),
  );
}

/** The new m and v (int64) of a turn. */
// @ts-ignore: decorator
@inline
function newMoments(
  g: usize,
  m: usize,
  r: usize,
  v: usize,
  shift: i32,
  factor: v128,
  factorShift: i32,
  limit: v128,
): void {
  for (let i: usize = 0; i < BYTES; i += 16) {
    const roots = v128.load(r + i);
    const gradients = halfUpNarrowLanes(v128.load(g + 2 * i), v128.load(g + 2 * i, 16), shift);
    const ghat = clippedGradient(gradients, factor, factorShift, limit);
    v128.store(m + i, newMoment(v128.load(m + i), ghat));
    v128.store(
      v + 2 * i,
      newSquare(i64x2.extmul_low_i32x4_s(roots, roots), i64x2.extmul_low_i32x4_s(ghat, ghat)),
    );
    v128.store(
      v + 2 * i,
      newSquare(i64x2.extmul_high_i32x4_s(roots, roots), i64x2.extmul_high_i32x4_s(ghat, ghat)),
      16,
    );
  }
}

/** r of a turn, and the magnitudes of its updates, not yet saturated, in the place of v. */
function newRoots(v: usize, m: usize, r: usize, rate: u64, epsilon: u64): void {
  for (const end = r + BYTES; r < end; r += 4, m += 4, v += 8) {
    const root = isqrt(load<u64>(v));
    store<i32>(r, i32(root));
    store<u64>(v, (u64(u32(abs(load<i32>(m)))) * rate) / (root + epsilon));
  }
}

/** The new weights of a turn; returns `count` more one for each saturated update and less one for
 *  each weight that is not clamped, all lanes together. */
// @ts-ignore: decorator
@inline
function newWeights(
  w: usize,
  m: usize,
  updates: usize,
  decay: v128,
  high: v128,
  low: v128,
  count: v128,
): v128 {
  for (let i: usize = 0; i < BYTES; i += 16) {
    const v0 = v128.load(updates + 2 * i);
    const v1 = v128.load(updates + 2 * i, 16);
    const sign = i32x4.shr_s(v128.load(m + i), 31);
    const words = lowWords(v0, v1);
    const beyond = highWords(v0, v1);
    let update = i32x4.sub(v128.xor(words, sign), sign);
    if (v128.any_true(v128.or(beyond, i32x4.shr_s(words, 31)))) {
      // a magnitude of 2^31 is negative here: no saturation if the update is
      const zero = i32x4.splat(0);
      const fits = v128.and(
        i32x4.eq(beyond, zero),
        i32x4.le_u(words, i32x4.sub(i32x4.splat(i32.MAX_VALUE), sign)),
      );
      count = i32x4.add(count, i32x4.add(fits, i32x4.splat(1)));
      update = v128.bitselect(update, v128.xor(sign, i32x4.splat(i32.MAX_VALUE)), fits);
    }
    const weights = v128.load(w + i);
    const next = i32x4.sub(
      i32x4.sub(weights, halfUpLanes(update, 8)),
      multiplyHalfUpLanes(weights, decay),
    );
    const clamped = clampLanes(next, low, high);
    count = i32x4.add(count, i32x4.eq(next, clamped));
    v128.store(w + i, clamped);
  }
  return count;
}

/** Kernels.adamw_i64. */
export function adamw_i64(
  w: usize,
  g: usize,
  m: usize,
  r: usize,
  n: i32,
  shift: i32,
  factor: i32,
  factorShift: i32,
  k1: i32,
  k2: i32,
  rate: u32,
  epsilon: i32,
  decay: i32,
  limit: i32,
  scratch: usize,
): i32 {
  assert(shift >= 0 && shift <= 62, 'adamw_i64: shift in 0..62');
  assert(
    factor >= 0 && factorShift >= 1 && factorShift <= 62,
    'adamw_i64: factor >= 0, factorShift in 1..62',
  );
  assert(k1 >= 0 && k1 <= 30 && k2 >= 0 && k2 <= 62, 'adamw_i64: k1 in 0..30, k2 in 0..62');
  assert(
    epsilon >= 1 && decay >= 0 && limit >= 0,
    'adamw_i64: epsilon >= 1, decay >= 0, limit >= 0',
  );
  assert(ASC_NO_ASSERT || isNarrow(g, n, shift), 'adamw_i64: G fits int32');
  const factors = i32x4.splat(factor);
  const decays = i32x4.splat(decay);
  const high = i32x4.splat(limit);
  const low = i32x4.splat(-limit);
  const most = ((<u64>1) << (30 + min(factorShift, 32))) / max(u64(factor), 1);
  const mosts = i32x4.splat(i32(min(most, i32.MAX_VALUE - 1)) + 1);
  const inLanes = k1 == BETA1_SHIFT && k2 == BETA2_SHIFT;
  let counted = 0;
  let count = i32x4.splat(0);
  for (; n >= TURN; n -= TURN, w += BYTES, g += 2 * BYTES, m += BYTES, r += BYTES) {
    if (!inLanes || isFar(w, m)) {
      counted += stepOneByOne(
        w,
        g,
        m,
        r,
        TURN,
        shift,
        factor,
        factorShift,
        k1,
        k2,
        rate,
        epsilon,
        decay,
        limit,
      );
      continue;
    }
    newMoments(g, m, r, scratch, shift, factors, factorShift, mosts);
    newRoots(scratch, m, r, rate, epsilon);
    count = newWeights(w, m, scratch, decays, high, low, count);
    counted += TURN;
  }
  return (
    counted +
    sumLanes(count) +
    stepOneByOne(w, g, m, r, n, shift, factor, factorShift, k1, k2, rate, epsilon, decay, limit)
  );
}

/** The same step, any values, one parameter after the other. */
function stepOneByOne(
  w: usize,
  g: usize,
  m: usize,
  r: usize,
  n: i32,
  shift: i32,
  factor: i32,
  factorShift: i32,
  k1: i32,
  k2: i32,
  rate: u32,
  epsilon: i32,
  decay: i32,
  limit: i32,
): i32 {
  const keep = ((<i64>1) << k1) - 1;
  let count = 0;
  for (; n > 0; n--, w += 4, g += 8, m += 4, r += 4) {
    const gradient = clamp(halfUp(halfUp(load<i64>(g), shift) * factor, factorShift), GRADIENT_MAX);
    const moment = truncatedShift(keep * load<i32>(m) + gradient, k1);
    const square = i64(load<i32>(r)) * load<i32>(r);
    const root = i64(isqrt(square - (square >> k2) + ((gradient * gradient) >> k2)));

    const exact = (moment * i64(rate)) / (root + epsilon);
    const update = saturateInt32(exact);
    const weight = i64(load<i32>(w));
    const next = weight - halfUp(update, 8) - halfUp(weight * decay, 32);
    const clamped = clamp(next, limit);
    store<i32>(m, i32(moment));
    store<i32>(r, i32(root));
    store<i32>(w, i32(clamped));
    count += i32(update != exact) + i32(clamped != next);
  }
  return count;
}
