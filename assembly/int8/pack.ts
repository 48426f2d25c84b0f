// Operands of 13 bits rounded to 8 and packed for a product: rows by a power of two each, columns
// by a whole factor each. What a rounded element stands for is again an int16, so products are as
// exact as those of int16 operands.

import { loadInt16s, sumLanes } from '../lanes';
import { areOperands, isRowOfOperands } from './domain';
import {
  CHUNK,
  FACTORS,
  headerBytes,
  OFFSET,
  PANEL,
  panelBytes,
  QUAD,
  RELAXED,
  rowBytes,
} from './layout';

/** Largest element of a row, and of a panel. */
const ROW_MAX: u32 = 127;
const COLUMN_MAX: i32 = 63;

/** The largest of eight uint16 lanes. */
// @ts-ignore: decorator
@inline
function maxLanes16(v: v128): i32 {
  v = i16x8.max_u(v, v128.shuffle<i64>(v, v, 1, 0));
  v = i16x8.max_u(v, v128.shuffle<i32>(v, v, 1, 0, 3, 2));
  return max(i32(i16x8.extract_lane_u(v, 0)), i32(i16x8.extract_lane_u(v, 1)));
}

/** The larger of each of eight lanes and of eight |elements|, of which `left` exist. */
// @ts-ignore: decorator
@inline
function maxAbs(largest: v128, p: usize, left: i32): v128 {
  return i16x8.max_u(largest, i16x8.abs(loadInt16s(p, left)));
}

/** The largest |element| of a row. */
function rowMax(p: usize, k: i32): i32 {
  let even = i16x8.splat(0);
  let odd = even;
  for (; k >= 16; k -= 16, p += 32) {
    even = maxAbs(even, p, 8);
    odd = maxAbs(odd, p + 16, 8);
  }
  for (; k > 0; k -= 8, p += 16) even = maxAbs(even, p, k);
  return maxLanes16(i16x8.max_u(even, odd));
}

/** Smallest e with max <= 127 * 2^e. */
// @ts-ignore: decorator
@inline
export function shiftOf(max: u32): i32 {
  return 32 - i32(clz(max == 0 ? 0 : (max - 1) / ROW_MAX));
}

/** Rounds 16 elements, of which `left` exist, down to multiples of 2^e after `added0` and `added1`,
 *  and stores them; returns `sum` more their sums (relaxed). In int16 the low bits are cleared: a
 *  shift by a variable is four instructions in V8, and there would be two. */
// @ts-ignore: decorator
@inline
function round16(
  p: usize,
  left: i32,
  added0: v128,
  added1: v128,
  e: i32,
  mask: v128,
  out: usize,
  sum: v128,
): v128 {
  const v0 = i16x8.add(loadInt16s(p, left), added0);
  const v1 = i16x8.add(loadInt16s(p + 16, left - 8), added1);
  if (!RELAXED) {
    v128.store(out, v128.andnot(v0, mask));
    v128.store(out, v128.andnot(v1, mask), 16);
    return sum;
  }
  const w0 = i16x8.shr_s(v0, e);
  const w1 = i16x8.shr_s(v1, e);
  v128.store(out, i8x16.narrow_i16x8_s(w0, w1));
  return i32x4.add(sum, i32x4.extadd_pairwise_i16x8_s(i16x8.add(w0, w1)));
}

/** Bytes of 16 rounded elements. */
const ROUNDED: usize = RELAXED ? 16 : 32;

/** Rounds `k` elements, a chunk at most, and stores them; returns their sum (relaxed). */
// @ts-ignore: decorator
@inline
function roundChunk(p: usize, k: i32, e: i32, noise: usize, out: usize): i32 {
  const step: i32 = 1 << e;
  const mask = i16x8.splat(i16(step - 1));
  let sum = i32x4.splat(0);
  if (noise) {
    for (; k > 0; k -= 16, p += 32, out += ROUNDED, noise += 16) {
      const bytes = v128.load(noise);
      const added0 = v128.and(i16x8.extend_low_i8x16_u(bytes), mask);
      const added1 = v128.and(i16x8.extend_high_i8x16_u(bytes), mask);
      if (k >= 16) sum = round16(p, 16, added0, added1, e, mask, out, sum);
      else sum = round16(p, k, added0, added1, e, mask, out, sum);
    }
    return sumLanes(sum);
  }
  const half = i16x8.splat(i16(step >> 1));
  for (; k >= 16; k -= 16, p += 32, out += ROUNDED)
    sum = round16(p, 16, half, half, e, mask, out, sum);
  if (k > 0) sum = round16(p, k, half, half, e, mask, out, sum);
  return sumLanes(sum);
}

/** Int8Kernels.pack_rows_i8. Rounding down what a number below 2^e was added to: half of it for the
 *  nearest, or a random one. */
export function pack_rows_i8(
  a: usize,
  lda: i32,
  rows: i32,
  k: i32,
  packed: usize,
  noise: usize,
): void {
  assert(rows >= 0 && k >= 0 && lda >= k, 'pack_rows_i8: sizes');
  const filled = usize((k + 15) & ~15);
  for (; rows > 0; rows--, a += usize(lda) << 1, packed += rowBytes(k)) {
    assert(ASC_NO_ASSERT || isRowOfOperands(a, k), 'pack_rows_i8: operands');
    const e = shiftOf(rowMax(a, k));
    if (RELAXED) {
      let total = 0;
      let part = packed + 8;
      let out = packed + headerBytes(k);
      let draws = noise;
      let p = a;
      for (let left = k; left > 0; left -= CHUNK, p += 2 * CHUNK, out += CHUNK, part += 4) {
        const sum = -OFFSET * roundChunk(p, min(left, CHUNK), e, draws, out);
        store<i32>(part, sum);
        total += sum;
        if (draws) draws += CHUNK;
      }
      store<i32>(packed, 1 << e);
      store<i32>(packed, total, 4);
    } else roundChunk(a, k, e, noise, packed);
    if (noise) noise += filled;
  }
}

/** The factor of a column: the smallest by which its largest element fits. */
// @ts-ignore: decorator
@inline
function factorOf(max: i32): i32 {
  return max <= COLUMN_MAX ? 1 : (max + COLUMN_MAX - 1) / COLUMN_MAX;
}

/** 2^15 / factor, rounded: what q15mulr_sat_s divides by. */
// @ts-ignore: decorator
@inline
function inverseOf(factor: i32): i32 {
  return min(32767, (65536 / factor + 1) >> 1);
}

/** Turns eight maxima (uint16 at `at`) into inverses, and writes the factors behind them. */
function writeFactors(at: usize): void {
  for (let j: usize = 0; j < 16; j += 2) {
    const factor = factorOf(load<u16>(at + j));
    store<u16>(at + j, u16(inverseOf(factor)));
    store<u16>(at + j, u16(factor), 16);
  }
}

/** Two int16 vectors of a panel's rows, side by side for each of eight columns. */
// @ts-ignore: decorator
@inline
function storePair(p: usize, even: v128, odd: v128): void {
  v128.store(p, v128.shuffle<i16>(even, odd, 0, 8, 1, 9, 2, 10, 3, 11));
  v128.store(p, v128.shuffle<i16>(even, odd, 4, 12, 5, 13, 6, 14, 7, 15), 16);
}

/** Four rows of eight columns: a quad, or two pairs. The shuffles are those that processors have an
 *  instruction for. */
// @ts-ignore: decorator
@inline
function storeRows(p: usize, a: v128, b: v128, c: v128, d: v128, factor: v128, left: i32): void {
  if (!RELAXED) {
    storePair(p, i16x8.mul(a, factor), i16x8.mul(b, factor));
    if (left > 2) storePair(p + 64, i16x8.mul(c, factor), i16x8.mul(d, factor));
    return;
  }
  const offset = i8x16.splat(i8(OFFSET));
  const ac = i8x16.add(i8x16.narrow_i16x8_s(a, c), offset);
  const bd = i8x16.add(i8x16.narrow_i16x8_s(b, d), offset);
  const ab = v128.shuffle<i8>(ac, bd, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
  const cd = v128.shuffle<i8>(ac, bd, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
  v128.store(p, v128.shuffle<i16>(ab, cd, 0, 8, 1, 9, 2, 10, 3, 11));
  v128.store(p, v128.shuffle<i16>(ab, cd, 4, 12, 5, 13, 6, 14, 7, 15), 16);
}

/** v / factor, rounded: q15. Neither operand is ever -2^15, of which alone the relaxed instruction,
 *  one on x64 instead of four, may make something else. */
// @ts-ignore: decorator
@inline
export function quotients(v: v128, inverse: v128): v128 {
  if (ASC_FEATURE_RELAXED_SIMD) return i16x8.relaxed_q15mulr_s(v, inverse);
  return i16x8.q15mulr_sat_s(v, inverse);
}

/** Columns of a line of memory: four panels. */
export const LINE: i32 = 32;

/** The largest |element| of each column of a line: those of eight columns at `to`, the next `step`
 *  bytes behind, and the other sixteen's `half` behind theirs. Eight alone take a quarter of each
 *  line that they wait for: all in all twice as long. */
export function lineMaxima(
  p: usize,
  row: usize,
  k: i32,
  to: usize,
  step: usize,
  half: usize,
): void {
  let m0 = i16x8.splat(0);
  let m1 = m0;
  let m2 = m0;
  let m3 = m0;
  for (; k > 0; k--, p += row) {
    m0 = maxAbs(m0, p, 8);
    m1 = maxAbs(m1, p + 16, 8);
    m2 = maxAbs(m2, p + 32, 8);
    m3 = maxAbs(m3, p + 48, 8);
  }
  v128.store(to, m0);
  v128.store(to + step, m1);
  v128.store(to + half, m2);
  v128.store(to + half + step, m3);
}

/** The same of the columns of one panel, of which `left` exist. */
export function panelMaxima(p: usize, row: usize, k: i32, left: i32, panel: usize): void {
  let largest = i16x8.splat(0);
  for (; k > 0; k--, p += row) largest = maxAbs(largest, p, left);
  v128.store(panel, largest);
}

/** Int8Kernels.pack_nn_i8. */
export function pack_nn_i8(b: usize, ldb: i32, k: i32, n: i32, packed: usize): void {
  assert(k >= 0 && n >= 0 && ldb >= n, 'pack_nn_i8: sizes');
  if (k == 0) return;
  const row = usize(ldb) << 1;
  assert(ASC_NO_ASSERT || areOperands(b, row, k, n), 'pack_nn_i8: operands');
  const step: usize = RELAXED ? QUAD : 128;
  const columns = RELAXED ? n : (n + 15) & ~15;
  const eight = RELAXED ? panelBytes(k) : 32;
  const sixteen = RELAXED ? 2 * eight : panelBytes(k);
  for (let column = 0; column < columns; column += PANEL, b += 16) {
    const left = n - column;
    const panel = RELAXED
      ? packed + usize(column >> 3) * eight
      : packed + usize(column >> 4) * sixteen + (usize(column & 8) << 2);
    let to = RELAXED ? panel + FACTORS : panel;
    if (column >= (n & -LINE)) panelMaxima(b, row, k, left, panel);
    else if (column % LINE == 0) lineMaxima(b, row, k, panel, eight, sixteen);
    if (RELAXED) v128.store(to, v128.load(panel));
    writeFactors(to);
    const inverse = v128.load(to);
    const factor = v128.load(to, 16);
    if (RELAXED) {
      v128.store(panel, i32x4.extend_low_i16x8_u(factor));
      v128.store(panel, i32x4.extend_high_i16x8_u(factor), 16);
    }
    let p = b;
    let rest = k;
    if (left >= PANEL)
      for (; rest >= 4; rest -= 4, p += 4 * row, to += step)
        storeRows(
          to,
          quotients(v128.load(p), inverse),
          quotients(v128.load(p + row), inverse),
          quotients(v128.load(p + 2 * row), inverse),
          quotients(v128.load(p + 3 * row), inverse),
          factor,
          4,
        );
    for (; rest > 0; rest -= 4, p += 4 * row, to += step)
      storeRows(
        to,
        quotients(loadInt16s(p, left), inverse),
        quotients(rest > 1 ? loadInt16s(p + row, left) : i16x8.splat(0), inverse),
        quotients(rest > 2 ? loadInt16s(p + 2 * row, left) : i16x8.splat(0), inverse),
        quotients(rest > 3 ? loadInt16s(p + 3 * row, left) : i16x8.splat(0), inverse),
        factor,
        rest,
      );
  }
}

/** Int8Kernels.pack_nt_i8: once a step, so it stores four bytes at a time. */
export function pack_nt_i8(bt: usize, ldb: i32, k: i32, n: i32, packed: usize): void {
  assert(k >= 0 && n >= 0 && ldb >= k, 'pack_nt_i8: sizes');
  assert(ASC_NO_ASSERT || areOperands(bt, usize(ldb) << 1, n, k), 'pack_nt_i8: operands');
  const filled = RELAXED ? (n + 7) & ~7 : (n + 15) & ~15;
  for (let column = 0; column < filled; column++, bt += usize(ldb) << 1) {
    const columns = column < n ? k : 0;
    const factor = factorOf(rowMax(bt, columns));
    const inverse = i16x8.splat(i16(inverseOf(factor)));
    let to: usize;
    if (RELAXED) {
      const panel = packed + usize(column >> 3) * panelBytes(k);
      const place = usize(column & 7) << 2;
      store<i32>(panel + place, factor);
      to = panel + FACTORS + place;
    } else to = packed + usize(column >> 4) * panelBytes(k) + (usize(column & 15) << 2);
    let p = bt;
    for (let rest = k; rest > 0; rest -= 8, p += 16) {
      const left = column < n ? rest : 0;
      let v = quotients(loadInt16s(p, left), inverse);
      if (RELAXED) {
        v = i8x16.add(i8x16.narrow_i16x8_s(v, v), i8x16.splat(i8(OFFSET)));
        v128.store32_lane(to, v, 0);
        if (rest > 4) v128.store32_lane(to, v, 1, QUAD);
        to += 2 * QUAD;
        continue;
      }
      v = i16x8.mul(v, i16x8.splat(i16(factor)));
      v128.store32_lane(to, v, 0);
      if (rest > 2) v128.store32_lane(to, v, 1, 64);
      if (rest > 4) v128.store32_lane(to, v, 2, 128);
      if (rest > 6) v128.store32_lane(to, v, 3, 192);
      to += 256;
    }
  }
}
