// Layer norm (Ba, Kiros & Hinton 2016), forward and backward. The deviations are scaled by a power
// of two to at most 2^20, so the sum of their squares is exact; then one integer square root and
// two divisions a row. z is computed anew in each pass over a row: that costs less than keeping it.
// Four int32 columns a vector, eight int16 outputs.

import { isWithin16 } from './bounds';
import {
  bits,
  clampLanes16,
  floorDivide,
  halfStep,
  halfUp,
  halfUpLanes,
  isqrt,
  multiplyHalfUpLanes,
  overflowLanes,
  roundedProductHigh,
  roundedProductLow,
  saturateInt16Lanes,
  saturateInt32,
  saturateLanes,
  shiftHalfUpLanes,
  shiftNarrowLanes,
} from './fixed';
import {
  addWide,
  firstLanes,
  loadInt16s,
  loadInt32s,
  loadPart,
  maxLanes,
  maxLanesU,
  minLanes,
  storeInt16s,
  storeInt32s,
  sumLanes,
  sumLanes64,
  widenSum,
} from './lanes';
import { max_abs_i32 } from './requantize';

/** Epsilon, 1e-5, with 32 fraction bits as the squares of z have. */
const EPSILON_Q32: u64 = 42950;
/** 1/sigma of a row of equal values: floor(sqrt(2^76 / 42950)), 22 fraction bits. */
const RSTD_OF_CONSTANT_ROW: i32 = 1326350334;
/** Largest |output|: a 13-bit gemm operand. */
const OPERAND_MAX: i16 = 4095;

/** z = x 2^shift + y of four columns, of which `left` exist; the others are 0. A multiplication: a
 *  shift by a variable is four instructions in V8. */
// @ts-ignore: decorator
@inline
function sumOfInputs(x: usize, shift: i32, y: usize, left: i32): v128 {
  const scaled = i32x4.mul(loadInt32s(x, left), i32x4.splat(1 << shift));
  return y ? i32x4.add(scaled, loadInt32s(y, left)) : scaled;
}

/** floor((2 sum + columns) / (2 columns)): the mean, rounded half up. */
// @ts-ignore: decorator
@inline
function roundedMean(sum: i64, columns: i32): i64 {
  return floorDivide(2 * sum + columns, 2 * columns);
}

/** max |d| of a row where z - mean can leave int32, wrapped as the contract says. */
function maxDeviation(x: usize, shift: i32, y: usize, columns: i32, mean: v128): u32 {
  let largest = i32x4.splat(0);
  for (let left = columns, i: usize = 0; left > 0; left -= 4, i += 16) {
    const d = i32x4.sub(sumOfInputs(x + i, shift, y ? y + i : 0, left), mean);
    largest = i32x4.max_u(largest, v128.and(i32x4.abs(d), firstLanes(left)));
  }
  return maxLanesU(largest);
}

/** e = halfUp(d, s) of four columns. */
// @ts-ignore: decorator
@inline
function scaled(z: v128, mean: v128, s: i32): v128 {
  const d = i32x4.sub(z, mean);
  return s > 0 ? halfUpLanes(d, s) : i32x4.shl(d, -s);
}

/** The sum of e^2 over a row. */
// @ts-ignore: decorator
@inline
function sumOfSquares(x: usize, shift: i32, y: usize, columns: i32, mean: v128, s: i32): u64 {
  let squares = i64x2.splat(0);
  for (; columns >= 4; columns -= 4, x += 16) {
    const e = scaled(sumOfInputs(x, shift, y, 4), mean, s);
    squares = i64x2.add(
      squares,
      i64x2.add(i64x2.extmul_low_i32x4_s(e, e), i64x2.extmul_high_i32x4_s(e, e)),
    );
    if (y) y += 16;
  }
  if (columns > 0) {
    const e = v128.and(scaled(sumOfInputs(x, shift, y, columns), mean, s), firstLanes(columns));
    squares = i64x2.add(
      squares,
      i64x2.add(i64x2.extmul_low_i32x4_s(e, e), i64x2.extmul_high_i32x4_s(e, e)),
    );
  }
  return u64(sumLanes64(squares));
}

/** x-hat and the output of eight columns, of which `left` exist; returns `count` less one in a lane
 *  for each clamped output. */
// @ts-ignore: decorator
@inline
function normalise8(
  x: usize,
  shift: i32,
  y: usize,
  gain: usize,
  bias: usize,
  out: usize,
  xhat: usize,
  left: i32,
  mean: v128,
  s: i32,
  multiplier: v128,
  count: v128,
): v128 {
  const e0 = scaled(sumOfInputs(x, shift, y, left), mean, s),
    e1 = scaled(sumOfInputs(x + 16, shift, y ? y + 16 : 0, left - 4), mean, s);
  const normal = saturateInt16Lanes(
      multiplyHalfUpLanes(e0, multiplier),
      multiplyHalfUpLanes(e1, multiplier),
    ),
    g = loadInt16s(gain, left);
  let v0 = i32x4.extmul_low_i16x8_s(normal, g),
    v1 = i32x4.extmul_high_i16x8_s(normal, g);
  if (bias) {
    v0 = i32x4.add(v0, loadInt32s(bias, left));
    v1 = i32x4.add(v1, loadInt32s(bias + 16, left - 4));
  }
  const half = i32x4.splat(halfStep(14)),
    high = i16x8.splat(OPERAND_MAX),
    low = i16x8.splat(-OPERAND_MAX);
  const v = saturateInt16Lanes(shiftHalfUpLanes(v0, half, 14), shiftHalfUpLanes(v1, half, 14)),
    w = clampLanes16(v, low, high);
  if (xhat) storeInt16s(xhat, normal, left);
  storeInt16s(out, w, left);
  return i32x4.add(count, i32x4.extadd_pairwise_i16x8_s(i16x8.ne(v, w)));
}

/** The last pass over a row. A multiplier of 0 makes x-hat 0. */
// @ts-ignore: decorator
@inline
function normalise(
  x: usize,
  shift: i32,
  y: usize,
  gain: usize,
  bias: usize,
  out: usize,
  xhat: usize,
  columns: i32,
  mean: v128,
  s: i32,
  multiplier: v128,
  count: v128,
): v128 {
  for (; columns >= 8; columns -= 8, x += 32, gain += 16, out += 16) {
    count = normalise8(x, shift, y, gain, bias, out, xhat, 8, mean, s, multiplier, count);
    if (y) y += 32;
    if (bias) bias += 32;
    if (xhat) xhat += 16;
  }
  return columns > 0
    ? normalise8(x, shift, y, gain, bias, out, xhat, columns, mean, s, multiplier, count)
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
): i32 {
  assert(columns >= 1 && columns <= 4096, 'layer_norm_forward_i32i16: columns in 1..4096');
  assert(shift >= 0 && shift <= 31, 'layer_norm_forward_i32i16: shift in 0..31');
  assert(
    ASC_NO_ASSERT || !bias || max_abs_i32(bias, columns, 1, columns) < 1 << 26,
    'layer_norm_forward_i32i16: |bias| < 2^26',
  );
  assert((xhat == 0) == (rstd == 0), 'layer_norm_forward_i32i16: both or none of xhat and rstd');
  const wide = usize(columns) << 2,
    narrow = usize(columns) << 1;
  let count = i32x4.splat(0);
  for (let row = 0; row < rows; row++, x += wide, out += narrow) {
    let sum = i64x2.splat(0),
      least = i32x4.splat(i32.MAX_VALUE),
      most = i32x4.splat(i32.MIN_VALUE),
      left = columns,
      i: usize = 0;
    for (; left >= 4; left -= 4, i += 16) {
      const z = sumOfInputs(x + i, shift, y ? y + i : 0, 4);
      sum = i64x2.add(sum, widenSum(z));
      least = i32x4.min_s(least, z);
      most = i32x4.max_s(most, z);
    }
    if (left > 0) {
      const z = sumOfInputs(x + i, shift, y ? y + i : 0, left),
        first = i32x4.splat(i32x4.extract_lane(z, 0)),
        valid = firstLanes(left);
      sum = i64x2.add(sum, widenSum(z));
      least = i32x4.min_s(least, v128.bitselect(z, first, valid));
      most = i32x4.max_s(most, v128.bitselect(z, first, valid));
    }
    const mean = roundedMean(sumLanes64(sum), columns),
      means = i32x4.splat(i32(mean));
    let deviation = max(maxLanes(most) - mean, mean - minLanes(least));
    if (deviation > i32.MAX_VALUE) deviation = maxDeviation(x, shift, y, columns, means);

    let s = 0,
      multiplier = 0,
      inverse = RSTD_OF_CONSTANT_ROW;
    if (deviation != 0) {
      s = max(bits(deviation) - 20, -15);
      const epsilon = EPSILON_Q32 * columns;
      const n =
        sumOfSquares(x, shift, y, columns, means, s) +
        (s > 0 ? epsilon >> (2 * s) : epsilon << (-2 * s));
      const u = (63 - bits(n)) & ~1,
        root = isqrt((n << u) / columns);
      multiplier = i32(((<u64>1) << (43 + (u >> 1))) / root);
      inverse = i32(((<u64>1) << (38 + (u >> 1) - s)) / root);
    }
    count = normalise(
      x,
      shift,
      y,
      gain,
      bias,
      out,
      xhat,
      columns,
      means,
      s,
      i32x4.splat(multiplier),
      count,
    );
    if (y) y += wide;
    if (rstd) {
      store<i32>(rstd, inverse);
      rstd += 4;
      xhat += narrow;
    }
  }
  return -sumLanes(count);
}

/** sum + dy gain xhat of eight columns, in two int64 lanes. */
// @ts-ignore: decorator
@inline
function addTripleProducts(sum: v128, d: v128, g: v128, h: v128): v128 {
  const w0 = i32x4.extmul_low_i16x8_s(d, g),
    w1 = i32x4.extmul_high_i16x8_s(d, g);
  const h0 = i32x4.extend_low_i16x8_s(h),
    h1 = i32x4.extend_high_i16x8_s(h);
  const low = i64x2.add(i64x2.extmul_low_i32x4_s(w0, h0), i64x2.extmul_high_i32x4_s(w0, h0));
  const high = i64x2.add(i64x2.extmul_low_i32x4_s(w1, h1), i64x2.extmul_high_i32x4_s(w1, h1));
  return i64x2.add(sum, i64x2.add(low, high));
}

/** Kernels.layer_norm_backward_i16i32. */
export function layer_norm_backward_i16i32(
  dy: usize,
  xhat: usize,
  gain: usize,
  rstd: usize,
  dz: usize,
  dGain: usize,
  dBias: usize,
  rows: i32,
  columns: i32,
  shift: i32,
): i32 {
  assert(columns >= 1 && columns <= 4096, 'layer_norm_backward_i16i32: columns in 1..4096');
  assert(shift >= 1 && shift <= 62, 'layer_norm_backward_i16i32: shift in 1..62');
  assert(
    ASC_NO_ASSERT || isWithin16(dy, rows * columns, 16383),
    'layer_norm_backward_i16i32: |dy| <= 16383',
  );
  const narrow = usize(columns) << 1;
  columnSums(dy, xhat, dGain, dBias, rows, columns);
  let count = 0;
  for (let row = 0; row < rows; row++, dy += narrow, xhat += narrow, dz += 2 * narrow, rstd += 4) {
    let sumW = i64x2.splat(0),
      sumWX = i64x2.splat(0),
      left = columns,
      i: usize = 0;
    for (; left >= 8; left -= 8, i += 16) {
      const d = v128.load(dy + i),
        g = v128.load(gain + i);
      sumW = i64x2.add(sumW, widenSum(i32x4.dot_i16x8_s(d, g)));
      sumWX = addTripleProducts(sumWX, d, g, v128.load(xhat + i));
    }
    if (left > 0) {
      const d = loadPart(dy + i, left << 1),
        g = loadPart(gain + i, left << 1);
      sumW = i64x2.add(sumW, widenSum(i32x4.dot_i16x8_s(d, g)));
      sumWX = addTripleProducts(sumWX, d, g, loadPart(xhat + i, left << 1));
    }
    const a = roundedMean(sumLanes64(sumW), columns);
    const b = saturateInt32(halfUp(floorDivide(sumLanes64(sumWX), columns), 11));
    count +=
      abs<i64>(b) < FAST_B
        ? backwardRow(dy, xhat, gain, dz, columns, i32(a), i32(b), load<i32>(rstd), shift)
        : backwardRowWide(dy, xhat, gain, dz, columns, a, b, load<i32>(rstd), shift);
  }
  return count;
}

/** With B = 2^11 B1 + B0, xhat B1 and v fit int32 if |B| < 2^25: |v| < 2^29 + 2^29 + 2^29 + 2^15.
 */
const FAST_B: i64 = 1 << 25;

/** dz of one row in lanes, halfUp(xhat B, 11) = xhat B1 + halfUp(xhat B0, 11); returns the count of
 *  saturated elements. */
function backwardRow(
  dy: usize,
  xhat: usize,
  gain: usize,
  dz: usize,
  columns: i32,
  a: i32,
  b: i32,
  rstd: i32,
  shift: i32,
): i32 {
  const mean = i32x4.splat(a),
    b1 = i32x4.splat(b >> 11),
    b0 = i32x4.splat(b & 2047),
    rstds = i32x4.splat(rstd);
  let count = i32x4.splat(0);
  let left = columns;
  for (; left >= 8; left -= 8, dy += 16, gain += 16, xhat += 16, dz += 32) {
    const d = v128.load(dy),
      g = v128.load(gain),
      h = v128.load(xhat);
    const v0 = gradient(i32x4.extmul_low_i16x8_s(d, g), i32x4.extend_low_i16x8_s(h), mean, b1, b0);
    const v1 = gradient(
      i32x4.extmul_high_i16x8_s(d, g),
      i32x4.extend_high_i16x8_s(h),
      mean,
      b1,
      b0,
    );
    count = i32x4.add(count, storeProducts(dz, v0, rstds, shift, 4));
    count = i32x4.add(count, storeProducts(dz + 16, v1, rstds, shift, 4));
  }
  if (left > 0) {
    const d = loadPart(dy, left << 1),
      g = loadPart(gain, left << 1),
      h = loadPart(xhat, left << 1);
    const v0 = gradient(i32x4.extmul_low_i16x8_s(d, g), i32x4.extend_low_i16x8_s(h), mean, b1, b0);
    const v1 = gradient(
      i32x4.extmul_high_i16x8_s(d, g),
      i32x4.extend_high_i16x8_s(h),
      mean,
      b1,
      b0,
    );
    count = i32x4.add(count, storeProducts(dz, v0, rstds, shift, left));
    if (left > 4) count = i32x4.add(count, storeProducts(dz + 16, v1, rstds, shift, left - 4));
  }
  return -sumLanes(count);
}

// @ts-ignore: decorator
@inline
function gradient(w: v128, xhat: v128, mean: v128, b1: v128, b0: v128): v128 {
  const correction = i32x4.add(
    i32x4.mul(xhat, b1),
    shiftHalfUpLanes(i32x4.mul(xhat, b0), i32x4.splat(halfStep(11)), 11),
  );
  return i32x4.sub(i32x4.sub(w, mean), correction);
}

/** Stores halfUp(v * rstd, shift), saturated, of up to four columns; returns -1 in the lanes that
 *  saturate. */
// @ts-ignore: decorator
@inline
function storeProducts(dz: usize, v: v128, rstd: v128, shift: i32, left: i32): v128 {
  const low = roundedProductLow(v, rstd, shift),
    high = roundedProductHigh(v, rstd, shift);
  let result = shiftNarrowLanes(low, high, shift),
    over = overflowLanes(low, high, shift);
  if (v128.any_true(over)) {
    if (left < 4) over = v128.and(over, firstLanes(left));
    result = saturateLanes(result, low, high, over);
  }
  storeInt32s(dz, result, left);
  return over;
}

/** dz of one row whose B is large, exactly; returns the count of saturated elements. */
function backwardRowWide(
  dy: usize,
  xhat: usize,
  gain: usize,
  dz: usize,
  columns: i32,
  a: i64,
  b: i64,
  rstd: i64,
  shift: i32,
): i32 {
  let count = 0;
  for (; columns > 0; columns--, dy += 2, xhat += 2, gain += 2, dz += 4) {
    const w = i64(load<i16>(dy)) * load<i16>(gain);
    const value = halfUp(saturateInt32(w - a - halfUp(load<i16>(xhat) * b, 11)) * rstd, shift),
      stored = saturateInt32(value);
    store<i32>(dz, i32(stored));
    count += i32(stored != value);
  }
  return count;
}

/** Rows whose dy (|dy| < 2^14) fit an int32 lane when summed. */
const ROWS_OF_LANE: i32 = 1 << 16;

/** dGain += column sums of dy * xhat, dBias += column sums of dy, eight columns at a time. */
function columnSums(
  dy: usize,
  xhat: usize,
  dGain: usize,
  dBias: usize,
  rows: i32,
  columns: i32,
): void {
  const row = usize(columns) << 1;
  for (; columns >= 8; columns -= 8, dy += 16, xhat += 16, dGain += 64) {
    let g0 = i64x2.splat(0),
      g1 = i64x2.splat(0),
      g2 = i64x2.splat(0),
      g3 = i64x2.splat(0),
      offset: usize = 0;
    for (let r = 0; r < rows; r += ROWS_OF_LANE) {
      let low = i32x4.splat(0),
        high = i32x4.splat(0);
      for (let left = min(rows - r, ROWS_OF_LANE); left > 0; left--, offset += row) {
        const d = v128.load(dy + offset),
          h = v128.load(xhat + offset);
        const p0 = i32x4.extmul_low_i16x8_s(d, h),
          p1 = i32x4.extmul_high_i16x8_s(d, h);
        g0 = i64x2.add(g0, i64x2.extend_low_i32x4_s(p0));
        g1 = i64x2.add(g1, i64x2.extend_high_i32x4_s(p0));
        g2 = i64x2.add(g2, i64x2.extend_low_i32x4_s(p1));
        g3 = i64x2.add(g3, i64x2.extend_high_i32x4_s(p1));
        low = i32x4.add(low, i32x4.extend_low_i16x8_s(d));
        high = i32x4.add(high, i32x4.extend_high_i16x8_s(d));
      }
      if (dBias) {
        addWide(dBias, low);
        addWide(dBias + 32, high);
      }
    }
    v128.store(dGain, i64x2.add(v128.load(dGain), g0));
    v128.store(dGain, i64x2.add(v128.load(dGain, 16), g1), 16);
    v128.store(dGain, i64x2.add(v128.load(dGain, 32), g2), 32);
    v128.store(dGain, i64x2.add(v128.load(dGain, 48), g3), 48);
    if (dBias) dBias += 64;
  }
  for (; columns > 0; columns--, dy += 2, xhat += 2, dGain += 8) {
    let gainSum: i64 = 0,
      biasSum: i64 = 0,
      offset: usize = 0;
    for (let r = 0; r < rows; r++, offset += row) {
      const d = load<i16>(dy + offset);
      gainSum += i64(d) * load<i16>(xhat + offset);
      biasSum += d;
    }
    store<i64>(dGain, load<i64>(dGain) + gainSum);
    if (!dBias) continue;
    store<i64>(dBias, load<i64>(dBias) + biasSum);
    dBias += 8;
  }
}
