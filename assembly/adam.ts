// AdamW (Loshchilov & Hutter 2019) in integers. The second moment is kept as its square root r, so
// that it fits int32. The root and the division, which have no vector instruction, are done one by
// one, everything else on four parameters at a time: three loops over 64 parameters that pass
// int64s on through memory take 9 % less time than one loop with lanes taken out and put back.

import { isNarrow } from './bounds';
import {
  addTruncatedLanes,
  clamp,
  clampLanes,
  halfUp,
  halfUpLanes,
  halfUpNarrowLanes,
  highWords,
  isqrt,
  lowWords,
  multiplyHalfUpLanes,
  overflowLanes,
  roundedProductHigh,
  roundedProductLow,
  saturateInt32,
  saturateLanes,
  shiftNarrowLanes,
  truncatedShift,
} from './fixed';
import { OPTIMIZER_FRACTION } from './formats';
import { loadPart, sumLanes, sumLanes64 } from './lanes';

/** Largest |clipped gradient|: 1. */
const GRADIENT_MAX: i32 = 1 << OPTIMIZER_FRACTION;
/** Within these bounds, which training never leaves, no lane of a step can overflow; beyond,
 *  parameters are done one by one. */
const FAST_MOMENT: i32 = (1 << 30) - 1;
const FAST_WEIGHT: i32 = 1 << 29;

/** Kernels.sum_squares_i64. */
export function sum_squares_i64(g: usize, n: i32, shift: i32, out: usize): void {
  assert(shift >= 0 && shift <= 62, 'sum_squares_i64: shift in 0..62');
  assert(n < 1 << 23, 'sum_squares_i64: n < 2^23');
  let sum = i64x2.splat(0);
  for (; n > 0; n -= 4, g += 32) {
    const low = n >= 4 ? v128.load(g) : loadPart(g, min(n, 2) << 3);
    const high = n >= 4 ? v128.load(g, 16) : loadPart(g + 16, max(n - 2, 0) << 3);
    const v = halfUpNarrowLanes(low, high, shift);
    assert(
      !v128.any_true(i32x4.gt_u(i32x4.abs(v), i32x4.splat(1 << 20))),
      'sum_squares_i64: rounded elements up to 2^20',
    );
    sum = i64x2.add(
      sum,
      i64x2.add(i64x2.extmul_low_i32x4_s(v, v), i64x2.extmul_high_i32x4_s(v, v)),
    );
  }
  store<i64>(out, sumLanes64(sum));
}

/** ghat = clamp(halfUp(G * factor, factorShift), 2^30). */
// @ts-ignore: decorator
@inline
function clippedGradient(g: v128, factor: v128, factorShift: i32): v128 {
  const low = roundedProductLow(g, factor, factorShift);
  const high = roundedProductHigh(g, factor, factorShift);
  const v = saturateLanes(
    shiftNarrowLanes(low, high, factorShift),
    low,
    high,
    overflowLanes(low, high, factorShift),
  );
  return clampLanes(v, i32x4.splat(-GRADIENT_MAX), i32x4.splat(GRADIENT_MAX));
}

/** r^2 - floor(r^2 / 2^k2) + floor(ghat^2 / 2^k2) of two parameters, from the squares. */
// @ts-ignore: decorator
@inline
function newSquare(square: v128, gradient: v128, k2: i32): v128 {
  return i64x2.add(i64x2.sub(square, i64x2.shr_u(square, k2)), i64x2.shr_u(gradient, k2));
}

/** Parameters of a turn, and the bytes of their int32s. */
const TURN: i32 = 64;
const BYTES: usize = 256;

/** Whether a weight or moment of a turn is beyond the bounds within which lanes cannot overflow. */
// @ts-ignore: decorator
@inline
function isFar(w: usize, m: usize): bool {
  let far = i32x4.splat(0);
  for (let i: usize = 0; i < BYTES; i += 16) {
    far = v128.or(far, i32x4.gt_u(i32x4.abs(v128.load(w + i)), i32x4.splat(FAST_WEIGHT)));
    far = v128.or(far, i32x4.gt_u(i32x4.abs(v128.load(m + i)), i32x4.splat(FAST_MOMENT)));
  }
  return v128.any_true(far);
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
  k1: i32,
  k2: i32,
): void {
  for (let i: usize = 0; i < BYTES; i += 16) {
    const moments = v128.load(m + i);
    const roots = v128.load(r + i);
    const low = v128.load(g + 2 * i);
    const high = v128.load(g + 2 * i, 16);
    const ghat = clippedGradient(halfUpNarrowLanes(low, high, shift), factor, factorShift);
    // ((2^k1 - 1) m + ghat) / 2^k1
    v128.store(m + i, addTruncatedLanes(moments, i32x4.sub(ghat, moments), k1));
    v128.store(
      v + 2 * i,
      newSquare(i64x2.extmul_low_i32x4_s(roots, roots), i64x2.extmul_low_i32x4_s(ghat, ghat), k2),
    );
    v128.store(
      v + 2 * i,
      newSquare(i64x2.extmul_high_i32x4_s(roots, roots), i64x2.extmul_high_i32x4_s(ghat, ghat), k2),
      16,
    );
  }
}

/** r of a turn, and its updates, not yet saturated, in the place of v. */
// @ts-ignore: decorator
@inline
function newRoots(v: usize, m: usize, r: usize, rate: u32, epsilon: i32): void {
  for (let i: usize = 0; i < BYTES; i += 4) {
    const root = isqrt(load<u64>(v + 2 * i));
    store<i32>(r + i, i32(root));
    store<i64>(v + 2 * i, (i64(load<i32>(m + i)) * i64(rate)) / i64(root + epsilon));
  }
}

/** The new weights of a turn; returns `count` less one in a lane for each saturated update and
 *  clamped weight. */
// @ts-ignore: decorator
@inline
function newWeights(w: usize, updates: usize, decay: v128, limit: i32, count: v128): v128 {
  for (let i: usize = 0; i < BYTES; i += 16) {
    const low = v128.load(updates + 2 * i);
    const high = v128.load(updates + 2 * i, 16);
    let update = lowWords(low, high);
    const over = i32x4.ne(i32x4.shr_s(update, 31), highWords(low, high));
    if (v128.any_true(over)) {
      update = saturateLanes(update, low, high, over);
      count = i32x4.add(count, over);
    }
    const weights = v128.load(w + i);
    const next = i32x4.sub(
      i32x4.sub(weights, halfUpLanes(update, 8)),
      multiplyHalfUpLanes(weights, decay),
    );
    const clamped = clampLanes(next, i32x4.splat(-limit), i32x4.splat(limit));
    count = i32x4.add(count, i32x4.ne(next, clamped));
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
  let oneByOne = 0;
  let count = i32x4.splat(0);
  for (; n >= TURN; n -= TURN, w += BYTES, g += 2 * BYTES, m += BYTES, r += BYTES) {
    if (isFar(w, m)) {
      oneByOne += stepOneByOne(
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
    newMoments(g, m, r, scratch, shift, factors, factorShift, k1, k2);
    newRoots(scratch, m, r, rate, epsilon);
    count = newWeights(w, scratch, decays, limit, count);
  }
  return (
    oneByOne -
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
