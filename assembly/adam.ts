// AdamW (Loshchilov & Hutter 2019) in integers. The second moment is kept as its square root r, so that it fits int32.

import { clamp, halfUp, halfUpNarrowLanes, isqrt, saturateInt32, truncatedShift } from './fixed';
import { loadPart, sumLanes64 } from './lanes';

/** Largest |clipped gradient|: 1 with 30 fraction bits. */
const GRADIENT_MAX: i64 = 1 << 30;

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

/** Kernels.adamw_i64. */
export function adamw_i64(w: usize, g: usize, m: usize, r: usize, n: i32, shift: i32, factor: i32, factorShift: i32, k1: i32, k2: i32, rate: u32, epsilon: i32, decay: i32, limit: i32): i32 {
  assert(shift >= 0 && shift <= 62, 'adamw_i64: shift in 0..62');
  assert(factor >= 0 && factorShift >= 1 && factorShift <= 62, 'adamw_i64: factor >= 0, factorShift in 1..62');
  assert(k1 >= 0 && k1 <= 30 && k2 >= 0 && k2 <= 62, 'adamw_i64: k1, k2');
  assert(rate > 0 && epsilon >= 1 && decay >= 0, 'adamw_i64: rate > 0, epsilon >= 1, decay >= 0');
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
