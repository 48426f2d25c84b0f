// Layer norm, backward: the gradient of the input, and the sums for gain and bias.

import { isWithin16 } from './bounds';
import { floorDivide, halfUp, halfUpLanes, multiplyHalfUpLanes, saturateInt32 } from './fixed';
import { MIN_XHAT_FRACTION, XHAT_FRACTION } from './formats';
import { addWide, loadInt16s, loadPart, storeInt32s, sumLanes64, widenSum } from './lanes';
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
    const scale = i64(load<i32>(rstd)) << max(32 - shift, 0);
    if (shift <= 32 && scale <= i32.MAX_VALUE && !(abs<i64>(b) >> (14 + fraction)))
      backwardRow(dy, xhat, gain, dz, columns, i32(a), i32(b), i32(scale), fraction);
    else
      count += backwardRowWide(dy, xhat, gain, dz, columns, a, b, load<i32>(rstd), shift, fraction);
  }
  return count;
}

/** dz of one row in lanes, f = fraction: halfUp(xhat B, f) = xhat B1 + halfUp(xhat B0, 11) with B =
 *  2^f B1 + 2^(f - 11) B0. xhat B1 and v fit int32 as |B| < 2^(14 + f): |v| < 2^29 + 2^29 + 2^29 +
 *  2^15. halfUp(v rstd, shift) = halfUp(v scale, 32) with scale = 2^(32 - shift) rstd, and nothing
 *  saturates if that is below 2^31. */
function backwardRow(
  dy: usize,
  xhat: usize,
  gain: usize,
  dz: usize,
  columns: i32,
  a: i32,
  b: i32,
  scale: i32,
  fraction: i32,
): void {
  const mean = i32x4.splat(a);
  const b1 = i32x4.splat(b >> fraction);
  const b0 = i32x4.splat((b << (11 - fraction)) & 2047);
  const scales = i32x4.splat(scale);
  for (; columns >= 8; columns -= 8, dy += 16, gain += 16, xhat += 16, dz += 32)
    backward8(dy, xhat, gain, dz, 8, mean, b1, b0, scales);
  if (columns > 0) backward8(dy, xhat, gain, dz, columns, mean, b1, b0, scales);
}

/** dz of eight columns, of which `left` exist. */
// @ts-ignore: decorator
@inline
function backward8(
  dy: usize,
  xhat: usize,
  gain: usize,
  dz: usize,
  left: i32,
  mean: v128,
  b1: v128,
  b0: v128,
  scale: v128,
): void {
  const d = loadInt16s(dy, left);
  const g = loadInt16s(gain, left);
  const h = loadInt16s(xhat, left);
  const v0 = gradient(i32x4.extmul_low_i16x8_s(d, g), i32x4.extend_low_i16x8_s(h), mean, b1, b0);
  const v1 = gradient(i32x4.extmul_high_i16x8_s(d, g), i32x4.extend_high_i16x8_s(h), mean, b1, b0);
  storeInt32s(dz, multiplyHalfUpLanes(v0, scale), left);
  storeInt32s(dz + 16, multiplyHalfUpLanes(v1, scale), left - 4);
}

// @ts-ignore: decorator
@inline
function gradient(w: v128, xhat: v128, mean: v128, b1: v128, b0: v128): v128 {
  const correction = i32x4.add(i32x4.mul(xhat, b1), halfUpLanes(i32x4.mul(xhat, b0), 11));
  return i32x4.sub(i32x4.sub(w, mean), correction);
}

/** dz of one row whose B or rstd is large, exactly; returns the count of saturated elements. */
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

/** Rows whose products fit an int32 lane when summed: 4 * 16383 * 32768 < 2^31. */
const ROWS_OF_LANE: i32 = 4;

/** dGain += column sums of dy * xhat, dBias += column sums of dy, eight columns at a time and two
 *  rows: what dot_i16x8_s multiplies and adds are then two rows of a column. */
function columnSums(
  dy: usize,
  xhat: usize,
  dGain: usize,
  dBias: usize,
  rows: i32,
  columns: i32,
): void {
  const row = usize(columns) << 1;
  const zero = i16x8.splat(0);
  const one = i16x8.splat(1);
  for (; columns >= 8; columns -= 8, dy += 16, xhat += 16, dGain += 64) {
    let offset: usize = 0;
    for (let r = 0; r < rows; r += ROWS_OF_LANE) {
      let gainLow = zero;
      let gainHigh = zero;
      let biasLow = zero;
      let biasHigh = zero;
      for (let left = min(rows - r, ROWS_OF_LANE); left > 0; left -= 2, offset += 2 * row) {
        const d0 = v128.load(dy + offset);
        const h0 = v128.load(xhat + offset);
        const d1 = left > 1 ? v128.load(dy + offset + row) : zero;
        const h1 = left > 1 ? v128.load(xhat + offset + row) : zero;
        const dLow = v128.shuffle<i16>(d0, d1, 0, 8, 1, 9, 2, 10, 3, 11);
        const dHigh = v128.shuffle<i16>(d0, d1, 4, 12, 5, 13, 6, 14, 7, 15);
        const hLow = v128.shuffle<i16>(h0, h1, 0, 8, 1, 9, 2, 10, 3, 11);
        const hHigh = v128.shuffle<i16>(h0, h1, 4, 12, 5, 13, 6, 14, 7, 15);
        gainLow = i32x4.add(gainLow, i32x4.dot_i16x8_s(dLow, hLow));
        gainHigh = i32x4.add(gainHigh, i32x4.dot_i16x8_s(dHigh, hHigh));
        biasLow = i32x4.add(biasLow, i32x4.dot_i16x8_s(dLow, one));
        biasHigh = i32x4.add(biasHigh, i32x4.dot_i16x8_s(dHigh, one));
      }
      addWide(dGain, gainLow);
      addWide(dGain + 32, gainHigh);
      if (dBias) {
        addWide(dBias, biasLow);
        addWide(dBias + 32, biasHigh);
      }
    }
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
