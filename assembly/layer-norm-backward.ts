// Layer norm, backward: the gradient of the input, and the sums for gain and bias.

import { isWithin16 } from './bounds';
import {
  floorDivide,
  halfStep,
  halfUp,
  overflowLanes,
  roundedProductHigh,
  roundedProductLow,
  saturateInt32,
  saturateLanes,
  shiftHalfUpLanes,
  shiftNarrowLanes,
} from './fixed';
import { MIN_XHAT_FRACTION, XHAT_FRACTION } from './formats';
import {
  addWide,
  firstLanes,
  loadPart,
  storeInt32s,
  sumLanes,
  sumLanes64,
  widenSum,
} from './lanes';
import { roundedMean } from './layer-norm';

/** sum + dy gain xhat of eight columns, in two int64 lanes. */
// @ts-ignore: decorator
@inline
function addTripleProducts(sum: v128, d: v128, g: v128, h: v128): v128 {
  const w0 = i32x4.extmul_low_i16x8_s(d, g);
  const w1 = i32x4.extmul_high_i16x8_s(d, g);
  const h0 = i32x4.extend_low_i16x8_s(h);
  const h1 = i32x4.extend_high_i16x8_s(h);
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
  fraction: i32,
): i32 {
  assert(
    fraction >= MIN_XHAT_FRACTION && fraction <= XHAT_FRACTION,
    'layer_norm_backward_i16i32: fraction in 9..11',
  );
  assert(
    columns >= 1 && columns <= 1 << (30 - 2 * fraction),
    'layer_norm_backward_i16i32: columns in 1..4^(15 - fraction)',
  );
  assert(shift >= 1 && shift <= 62, 'layer_norm_backward_i16i32: shift in 1..62');
  assert(
    ASC_NO_ASSERT || isWithin16(dy, rows * columns, 16383),
    'layer_norm_backward_i16i32: |dy| <= 16383',
  );
  const narrow = usize(columns) << 1;
  columnSums(dy, xhat, dGain, dBias, rows, columns);
  let count = 0;
  for (let row = 0; row < rows; row++, dy += narrow, xhat += narrow, dz += 2 * narrow, rstd += 4) {
    let sumW = i64x2.splat(0);
    let sumWX = i64x2.splat(0);
    let left = columns;
    let i: usize = 0;
    for (; left >= 8; left -= 8, i += 16) {
      const d = v128.load(dy + i);
      const g = v128.load(gain + i);
      sumW = i64x2.add(sumW, widenSum(i32x4.dot_i16x8_s(d, g)));
      sumWX = addTripleProducts(sumWX, d, g, v128.load(xhat + i));
    }
    if (left > 0) {
      const d = loadPart(dy + i, left << 1);
      const g = loadPart(gain + i, left << 1);
      sumW = i64x2.add(sumW, widenSum(i32x4.dot_i16x8_s(d, g)));
      sumWX = addTripleProducts(sumWX, d, g, loadPart(xhat + i, left << 1));
    }
    const a = roundedMean(sumLanes64(sumW), columns);
    const b = saturateInt32(halfUp(floorDivide(sumLanes64(sumWX), columns), fraction));
    count +=
      abs<i64>(b) >> (14 + fraction)
        ? backwardRowWide(dy, xhat, gain, dz, columns, a, b, load<i32>(rstd), shift, fraction)
        : backwardRow(
            dy,
            xhat,
            gain,
            dz,
            columns,
            i32(a),
            i32(b),
            load<i32>(rstd),
            shift,
            fraction,
          );
  }
  return count;
}

/** dz of one row in lanes, f = fraction: halfUp(xhat B, f) = xhat B1 + halfUp(xhat B0, 11) with B =
 *  2^f B1 + 2^(f - 11) B0; returns the count of saturated elements. xhat B1 and v fit int32 as
 *  |B| < 2^(14 + f): |v| < 2^29 + 2^29 + 2^29 + 2^15. */
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
  fraction: i32,
): i32 {
  const mean = i32x4.splat(a);
  const b1 = i32x4.splat(b >> fraction);
  const b0 = i32x4.splat((b << (11 - fraction)) & 2047);
  const rstds = i32x4.splat(rstd);
  let count = i32x4.splat(0);
  let left = columns;
  for (; left >= 8; left -= 8, dy += 16, gain += 16, xhat += 16, dz += 32) {
    const d = v128.load(dy);
    const g = v128.load(gain);
    const h = v128.load(xhat);
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
    const d = loadPart(dy, left << 1);
    const g = loadPart(gain, left << 1);
    const h = loadPart(xhat, left << 1);
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
  const low = roundedProductLow(v, rstd, shift);
  const high = roundedProductHigh(v, rstd, shift);
  let result = shiftNarrowLanes(low, high, shift);
  let over = overflowLanes(low, high, shift);
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
  fraction: i32,
): i32 {
  let count = 0;
  for (; columns > 0; columns--, dy += 2, xhat += 2, gain += 2, dz += 4) {
    const w = i64(load<i16>(dy)) * load<i16>(gain);
    const value = halfUp(
      saturateInt32(w - a - halfUp(load<i16>(xhat) * b, fraction)) * rstd,
      shift,
    );
    const stored = saturateInt32(value);
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
    let g0 = i64x2.splat(0);
    let g1 = i64x2.splat(0);
    let g2 = i64x2.splat(0);
    let g3 = i64x2.splat(0);
    let offset: usize = 0;
    for (let r = 0; r < rows; r += ROWS_OF_LANE) {
      let low = i32x4.splat(0);
      let high = i32x4.splat(0);
      for (let left = min(rows - r, ROWS_OF_LANE); left > 0; left--, offset += row) {
        const d = v128.load(dy + offset);
        const h = v128.load(xhat + offset);
        const p0 = i32x4.extmul_low_i16x8_s(d, h);
        const p1 = i32x4.extmul_high_i16x8_s(d, h);
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
    let gainSum: i64 = 0;
    let biasSum: i64 = 0;
    let offset: usize = 0;
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
