// Layer norm (Ba, Kiros & Hinton 2016), forward. The deviations are scaled by a power
// of two to at most 2^20, so the sum of their squares is exact; then one integer square root and
// two divisions a row. z is computed anew in each pass over a row: that costs less than keeping it.
// Four int32 columns a vector, eight int16 outputs.

import {
  bits,
  clampLanes16,
  floorDivide,
  halfUp,
  halfUpLanes,
  halveUpLanes16,
  isqrt,
  multiplyHalfUpLanes,
  saturateInt16Lanes,
} from './fixed';
import { BRANCH_LIMIT, MIN_XHAT_FRACTION, OPERAND_MAX, XHAT_FRACTION } from './formats';
import {
  firstLanes,
  loadInt16s,
  loadInt32s,
  maxLanes,
  maxLanesU,
  minLanes,
  storeInt16s,
  sumLanes,
  sumLanes64,
  widenSum,
} from './lanes';
import { max_abs_i32 } from './requantize';

/** Epsilon, 1e-5, with 32 fraction bits as the squares of z have. */
const EPSILON_Q32: u64 = 42950;
/** 1/sigma of a row of equal values: floor(sqrt(2^76 / 42950)), 22 fraction bits. */
const RSTD_OF_CONSTANT_ROW: i32 = 1326350334;

/** z = x scale + y of four columns, of which `left` exist; the others are 0. A multiplication: a
 *  shift by a variable is four instructions in V8. Without a y it is x, and the scale one less. */
// @ts-ignore: decorator
@inline
function sumOfInputs(x: usize, scale: v128, y: usize, left: i32): v128 {
  return i32x4.add(i32x4.mul(loadInt32s(x, left), scale), loadInt32s(y, left));
}

/** floor((2 sum + columns) / (2 columns)): the mean, rounded half up. */
// @ts-ignore: decorator
@inline
export function roundedMean(sum: i64, columns: i32): i64 {
  return floorDivide(2 * sum + columns, 2 * columns);
}

/** max |d| of a row where z - mean can leave int32, wrapped as the contract says. */
function maxDeviation(x: usize, scale: v128, y: usize, columns: i32, mean: v128): u32 {
  let largest = i32x4.splat(0);
  for (let left = columns, i: usize = 0; left > 0; left -= 4, i += 16) {
    const d = i32x4.sub(sumOfInputs(x + i, scale, y + i, left), mean);
    largest = i32x4.max_u(largest, v128.and(i32x4.abs(d), firstLanes(left)));
  }
  return maxLanesU(largest);
}

/** e = halfUp(d, s) of four columns; for s <= 0 `up` is 2^-s. */
// @ts-ignore: decorator
@inline
function scaled(z: v128, mean: v128, s: i32, up: v128): v128 {
  const d = i32x4.sub(z, mean);
  return s > 0 ? halfUpLanes(d, s) : i32x4.mul(d, up);
}

/** The sum of e^2 over a row. */
// @ts-ignore: decorator
@inline
function sumOfSquares(
  x: usize,
  scale: v128,
  y: usize,
  columns: i32,
  mean: v128,
  s: i32,
  up: v128,
): u64 {
  let squares = i64x2.splat(0);
  for (; columns >= 4; columns -= 4, x += 16, y += 16) {
    const e = scaled(sumOfInputs(x, scale, y, 4), mean, s, up);
    squares = i64x2.add(
      squares,
      i64x2.add(i64x2.extmul_low_i32x4_s(e, e), i64x2.extmul_high_i32x4_s(e, e)),
    );
  }
  if (columns > 0) {
    const e = v128.and(scaled(sumOfInputs(x, scale, y, columns), mean, s, up), firstLanes(columns));
    squares = i64x2.add(
      squares,
      i64x2.add(i64x2.extmul_low_i32x4_s(e, e), i64x2.extmul_high_i32x4_s(e, e)),
    );
  }
  return u64(sumLanes64(squares));
}

/** x-hat and the output of eight columns, of which `left` exist; returns `count` less one for
 *  each of the eight that is not clamped. */
// @ts-ignore: decorator
@inline
function normalise8(
  x: usize,
  scale: v128,
  y: usize,
  gain: usize,
  bias: usize,
  out: usize,
  xhat: usize,
  left: i32,
  mean: v128,
  s: i32,
  up: v128,
  multiplier: v128,
  down: i32,
  high: v128,
  low: v128,
  count: v128,
): v128 {
  const e0 = scaled(sumOfInputs(x, scale, y, left), mean, s, up);
  const e1 = scaled(sumOfInputs(x + 16, scale, y + 16, left - 4), mean, s, up);
  const normal = saturateInt16Lanes(
    multiplyHalfUpLanes(e0, multiplier),
    multiplyHalfUpLanes(e1, multiplier),
  );
  const g = loadInt16s(gain, left);
  let v0 = i32x4.extmul_low_i16x8_s(normal, g);
  let v1 = i32x4.extmul_high_i16x8_s(normal, g);
  if (bias) {
    v0 = i32x4.add(v0, loadInt32s(bias, left));
    v1 = i32x4.add(v1, loadInt32s(bias + 16, left - 4));
  }
  const doubled = saturateInt16Lanes(i32x4.shr_s(v0, down - 1), i32x4.shr_s(v1, down - 1));
  const v = halveUpLanes16(doubled);
  const w = clampLanes16(v, low, high);
  if (xhat) storeInt16s(xhat, normal, left);
  storeInt16s(out, w, left);
  return i32x4.add(count, i32x4.extadd_pairwise_i16x8_s(i16x8.eq(v, w)));
}

/** The last pass over a row. A multiplier of 0 makes x-hat 0. */
// @ts-ignore: decorator
@inline
function normalise(
  x: usize,
  scale: v128,
  y: usize,
  gain: usize,
  bias: usize,
  out: usize,
  xhat: usize,
  columns: i32,
  mean: v128,
  s: i32,
  up: v128,
  multiplier: v128,
  down: i32,
  high: v128,
  low: v128,
  count: v128,
): v128 {
  for (; columns >= 8; columns -= 8, x += 32, y += 32, gain += 16, out += 16) {
    count = normalise8(
      x,
      scale,
      y,
      gain,
      bias,
      out,
      xhat,
      8,
      mean,
      s,
      up,
      multiplier,
      down,
      high,
      low,
      count,
    );
    if (bias) bias += 32;
    if (xhat) xhat += 16;
  }
  return columns > 0
    ? normalise8(
        x,
        scale,
        y,
        gain,
        bias,
        out,
        xhat,
        columns,
        mean,
        s,
        up,
        multiplier,
        down,
        high,
        low,
        count,
      )
    : count;
}

/** Kernels.layer_norm_forward_i32i16. */
export function layer_norm_forward_i32i16(
  x: usize,
  shift: i32,
  y: usize,
  gain: usize,
  bias: usize,
  out: usize,
  xhat: usize,
  rstd: usize,
  rows: i32,
  columns: i32,
  fraction: i32,
): i32 {
  assert(
    fraction >= MIN_XHAT_FRACTION && fraction <= XHAT_FRACTION,
    'layer_norm_forward_i32i16: fraction in 9..11',
  );
  assert(
    columns >= 1 && columns <= 1 << (30 - 2 * fraction),
    'layer_norm_forward_i32i16: columns in 1..4^(15 - fraction)',
  );
  assert(shift >= 0 && shift <= 31, 'layer_norm_forward_i32i16: shift in 0..31');
  assert(
    ASC_NO_ASSERT || !bias || max_abs_i32(bias, columns, 1, columns) < u32(BRANCH_LIMIT),
    'layer_norm_forward_i32i16: |bias| < 2^26',
  );
  assert((xhat == 0) == (rstd == 0), 'layer_norm_forward_i32i16: both or none of xhat and rstd');
  const wide = usize(columns) << 2;
  const narrow = usize(columns) << 1;
  const scale = i32x4.splat((1 << shift) - i32(!y));
  if (!y) y = x;
  const high = i16x8.splat(i16(OPERAND_MAX));
  const low = i16x8.splat(i16(-OPERAND_MAX));
  const all = rows * ((columns + 7) & ~7);
  let count = i32x4.splat(0);
  for (let row = 0; row < rows; row++, x += wide, y += wide, out += narrow) {
    let sum = i64x2.splat(0);
    let least = i32x4.splat(i32.MAX_VALUE);
    let most = i32x4.splat(i32.MIN_VALUE);
    let left = columns;
    let i: usize = 0;
    for (; left >= 4; left -= 4, i += 16) {
      const z = sumOfInputs(x + i, scale, y + i, 4);
      sum = i64x2.add(sum, widenSum(z));
      least = i32x4.min_s(least, z);
      most = i32x4.max_s(most, z);
    }
    if (left > 0) {
      const z = sumOfInputs(x + i, scale, y + i, left);
      const first = i32x4.splat(i32x4.extract_lane(z, 0));
      const valid = firstLanes(left);
      sum = i64x2.add(sum, widenSum(z));
      least = i32x4.min_s(least, v128.bitselect(z, first, valid));
      most = i32x4.max_s(most, v128.bitselect(z, first, valid));
    }
    const mean = roundedMean(sumLanes64(sum), columns);
    const means = i32x4.splat(i32(mean));
    let deviation = max(maxLanes(most) - mean, mean - minLanes(least));
    if (deviation > i32.MAX_VALUE) deviation = maxDeviation(x, scale, y, columns, means);

    let s = 0;
    let up = i32x4.splat(1);
    let multiplier = 0;
    let inverse = RSTD_OF_CONSTANT_ROW;
    if (deviation != 0) {
      s = max(bits(deviation) - 20, -15);
      up = i32x4.splat(1 << max(-s, 0));
      const epsilon = EPSILON_Q32 * columns;
      const n =
        sumOfSquares(x, scale, y, columns, means, s, up) +
        (s > 0 ? epsilon >> (2 * s) : epsilon << (-2 * s));
      const u = (63 - bits(n)) & ~1;
      const root = isqrt((n << u) / columns);
      multiplier = i32(((<u64>1) << (32 + fraction + (u >> 1))) / root);
      inverse = i32(((<u64>1) << (38 + (u >> 1) - s)) / root);
    }
    count = normalise(
      x,
      scale,
      y,
      gain,
      bias,
      out,
      xhat,
      columns,
      means,
      s,
      up,
      i32x4.splat(multiplier),
      fraction + 3,
      high,
      low,
      count,
    );
    if (rstd) {
      store<i32>(rstd, inverse);
      rstd += 4;
      xhat += narrow;
    }
  }
  return all + sumLanes(count);
}
