// The reversible update (Zhang et al. 2024, "On Exact Bit-level Reversible Transformers Without
// Changing Architectures") and its inverse, bit for bit. 16 elements at a time, so that each plane
// of side bits takes two bytes:
//   elements 0..15 -> int32 lanes (4 vectors) -> b in byte lanes 0..15
//   -> bit j moved to each byte's sign -> i8x16.bitmask -> plane j

import { addHalfEvenLanes, ceilShiftLanes } from './fixed';
import { BRANCH_FRACTION, STATE_LIMIT_BITS } from './formats';
import { beyond, loadInt32s, storeInt32s, sumLanes } from './lanes';

/** sigma * v for sigma = 1 (sign 0) or -1 (sign all ones). */
// @ts-ignore: decorator
@inline
function signed(v: v128, sign: v128): v128 {
  return i32x4.sub(v128.xor(v, sign), sign);
}

/** R(X, h) of four elements; low = 2^m - 1. (2^m + sigma) h - sigma q is computed as h 2^m + sigma
 *  (h - q). */
// @ts-ignore: decorator
@inline
function rounded(x: v128, h: v128, l: i32, sign: v128, m: i32, low: v128): v128 {
  const inner = i32x4.sub(h, i32x4.shl(v128.and(x, low), BRANCH_FRACTION - l));
  const v = i32x4.add(i32x4.shl(h, m), signed(inner, sign));
  return addHalfEvenLanes(
    i32x4.sub(x, signed(i32x4.shr_s(x, m), sign)),
    v,
    BRANCH_FRACTION - l + m,
  );
}

/** (-prev) mod 2^m. */
// @ts-ignore: decorator
@inline
function sideBits(prev: v128, low: v128): v128 {
  return v128.and(i32x4.neg(prev), low);
}

/** One step of up to 16 elements; returns `count` less one in a lane for each element out of range.
 *  A second copy for whole 16 takes two thirds of its time, 0.5 % of a GPT's step, and with that of
 *  inverse16 0.34 kB of every page. */
// @ts-ignore: decorator
@inline
function step16(
  prev: usize,
  x: usize,
  h: usize,
  next: usize,
  side: usize,
  plane: usize,
  left: i32,
  l: i32,
  sign: v128,
  m: i32,
  low: v128,
  limit: v128,
  count: v128,
): v128 {
  const p0 = loadInt32s(prev, left);
  const p1 = loadInt32s(prev + 16, left - 4);
  const p2 = loadInt32s(prev + 32, left - 8);
  const p3 = loadInt32s(prev + 48, left - 12);
  const b0 = sideBits(p0, low);
  const b1 = sideBits(p1, low);
  const b2 = sideBits(p2, low);
  const b3 = sideBits(p3, low);
  const b = i16x8.shl(
    i8x16.narrow_i16x8_u(i16x8.narrow_i32x4_s(b0, b1), i16x8.narrow_i32x4_s(b2, b3)),
    8 - m,
  );
  // A shift of 16-bit lanes also carries bits of an even byte into the next, but below the bits
  // that matter there.
  for (let j = m - 1, bits = b; j >= 0; j--, bits = i16x8.shl(bits, 1)) {
    const mask = i8x16.bitmask(bits);
    if (left > 8) store<u16>(side + usize(j) * plane, u16(mask));
    else store<u8>(side + usize(j) * plane, u8(mask));
  }
  const n0 = i32x4.add(
    signed(ceilShiftLanes(p0, b0, m), sign),
    rounded(loadInt32s(x, left), loadInt32s(h, left), l, sign, m, low),
  );
  const n1 = i32x4.add(
    signed(ceilShiftLanes(p1, b1, m), sign),
    rounded(loadInt32s(x + 16, left - 4), loadInt32s(h + 16, left - 4), l, sign, m, low),
  );
  const n2 = i32x4.add(
    signed(ceilShiftLanes(p2, b2, m), sign),
    rounded(loadInt32s(x + 32, left - 8), loadInt32s(h + 32, left - 8), l, sign, m, low),
  );
  const n3 = i32x4.add(
    signed(ceilShiftLanes(p3, b3, m), sign),
    rounded(loadInt32s(x + 48, left - 12), loadInt32s(h + 48, left - 12), l, sign, m, low),
  );
  storeInt32s(next, n0, left);
  storeInt32s(next + 16, n1, left - 4);
  storeInt32s(next + 32, n2, left - 8);
  storeInt32s(next + 48, n3, left - 12);
  return i32x4.add(
    i32x4.add(i32x4.add(count, beyond(n0, limit)), beyond(n1, limit)),
    i32x4.add(beyond(n2, limit), beyond(n3, limit)),
  );
}

/** x + h of four elements, of which `left` exist; returns `count` less one in a lane for each
 *  element out of range. */
// @ts-ignore: decorator
@inline
function plain4(
  x: usize,
  h: usize,
  next: usize,
  left: i32,
  l: i32,
  limit: v128,
  count: v128,
): v128 {
  const v = addHalfEvenLanes(loadInt32s(x, left), loadInt32s(h, left), BRANCH_FRACTION - l);
  storeInt32s(next, v, left);
  return i32x4.add(count, beyond(v, limit));
}

/** Kernels.bdia_step_i32. */
export function bdia_step_i32(
  prev: usize,
  x: usize,
  h: usize,
  next: usize,
  side: usize,
  n: i32,
  l: i32,
  sigma: i32,
  m: i32,
): i32 {
  assert(l >= 6 && l <= 14, 'bdia_step_i32: l in 6..14');
  const limit = i32x4.splat(1 << (STATE_LIMIT_BITS + l));
  let count = i32x4.splat(0);
  if (sigma == 0) {
    for (; n >= 4; n -= 4, x += 16, h += 16, next += 16)
      count = plain4(x, h, next, 4, l, limit, count);
    if (n > 0) count = plain4(x, h, next, n, l, limit, count);
    return -sumLanes(count);
  }
  assert(
    (sigma == 1 || sigma == -1) && m >= 1 && m <= 3,
    'bdia_step_i32: gamma = 0 or +-2^-m, m in 1..3',
  );
  const plane = usize((n + 7) >> 3);
  const sign = i32x4.splat(sigma >> 1);
  const low = i32x4.splat((1 << m) - 1);
  for (; n > 0; n -= 16, prev += 64, x += 64, h += 64, next += 64, side += 2) {
    count = step16(prev, x, h, next, side, plane, n, l, sign, m, low, limit, count);
  }
  return -sumLanes(count);
}

/** Bit i of 16 bits as 2^j in byte lane i. */
// @ts-ignore: decorator
@inline
function spreadBits(word: u32, j: i32): v128 {
  const bytes = i8x16.shuffle(
    i16x8.splat(i16(word)),
    i16x8.splat(0),
    0,
    0,
    0,
    0,
    0,
    0,
    0,
    0,
    1,
    1,
    1,
    1,
    1,
    1,
    1,
    1,
  );
  const one = i8x16(1, 2, 4, 8, 16, 32, 64, -128, 1, 2, 4, 8, 16, 32, 64, -128);
  return v128.and(i8x16.eq(v128.and(bytes, one), one), i8x16.splat((<i8>1) << (<i8>j)));
}

/** prev of four elements: sigma (next - R) 2^m - b. */
// @ts-ignore: decorator
@inline
function inverse4(
  next: v128,
  x: v128,
  h: v128,
  b: v128,
  l: i32,
  sign: v128,
  m: i32,
  low: v128,
): v128 {
  return i32x4.sub(i32x4.shl(signed(i32x4.sub(next, rounded(x, h, l, sign, m, low)), sign), m), b);
}

// @ts-ignore: decorator
@inline
function inverse16(
  next: usize,
  x: usize,
  h: usize,
  side: usize,
  plane: usize,
  prev: usize,
  left: i32,
  l: i32,
  sign: v128,
  m: i32,
  low: v128,
): void {
  let b = i8x16.splat(0);
  for (let j = 0; j < m; j++) {
    const at = side + usize(j) * plane;
    b = v128.or(b, spreadBits(left > 8 ? load<u16>(at) : load<u8>(at), j));
  }
  const bLow = i16x8.extend_low_i8x16_u(b);
  const bHigh = i16x8.extend_high_i8x16_u(b);
  const p0 = inverse4(
    loadInt32s(next, left),
    loadInt32s(x, left),
    loadInt32s(h, left),
    i32x4.extend_low_i16x8_u(bLow),
    l,
    sign,
    m,
    low,
  );
  const p1 = inverse4(
    loadInt32s(next + 16, left - 4),
    loadInt32s(x + 16, left - 4),
    loadInt32s(h + 16, left - 4),
    i32x4.extend_high_i16x8_u(bLow),
    l,
    sign,
    m,
    low,
  );
  const p2 = inverse4(
    loadInt32s(next + 32, left - 8),
    loadInt32s(x + 32, left - 8),
    loadInt32s(h + 32, left - 8),
    i32x4.extend_low_i16x8_u(bHigh),
    l,
    sign,
    m,
    low,
  );
  const p3 = inverse4(
    loadInt32s(next + 48, left - 12),
    loadInt32s(x + 48, left - 12),
    loadInt32s(h + 48, left - 12),
    i32x4.extend_high_i16x8_u(bHigh),
    l,
    sign,
    m,
    low,
  );
  storeInt32s(prev, p0, left);
  storeInt32s(prev + 16, p1, left - 4);
  storeInt32s(prev + 32, p2, left - 8);
  storeInt32s(prev + 48, p3, left - 12);
}

/** Kernels.bdia_inverse_i32. */
export function bdia_inverse_i32(
  next: usize,
  x: usize,
  h: usize,
  side: usize,
  prev: usize,
  n: i32,
  l: i32,
  sigma: i32,
  m: i32,
): void {
  assert(l >= 6 && l <= 14, 'bdia_inverse_i32: l in 6..14');
  assert(
    (sigma == 1 || sigma == -1) && m >= 1 && m <= 3,
    'bdia_inverse_i32: gamma = +-2^-m, m in 1..3',
  );
  const plane = usize((n + 7) >> 3);
  const sign = i32x4.splat(sigma >> 1);
  const low = i32x4.splat((1 << m) - 1);
  for (; n > 0; n -= 16, next += 64, x += 64, h += 64, prev += 64, side += 2) {
    inverse16(next, x, h, side, plane, prev, n, l, sign, m, low);
  }
}
