// Rows of a left operand that is stored transposed, rounded by chance and packed as pack.ts packs
// rows: eight columns and sixteen rows at a time, which are rounded where they lie and turned as
// pairs of bytes, in the other build as int16. Turning first and then rounding takes half as long
// again.

import { loadInt16s } from '../lanes';
import { storeTransposed } from '../pack';
import { areOperands } from './domain';
import { CHUNK, headerBytes, OFFSET, PANEL, RELAXED, rowBytes } from './layout';
import { LINE, lineMaxima, panelMaxima, quotients, shiftOf } from './pack';

/** Bytes of noise of a row of 32 columns. */
const DRAWS: usize = 32;
/** Rows of a turn. */
const TURN: i32 = 16;

/** Int8Kernels.pack_columns_i8. A line of memory is taken at a time, to where its rows follow each
 *  other: of 128 rows of 512 columns a cache would lose it to the next eight, as they share a few
 *  of its places. */
export function pack_columns_i8(
  a: usize,
  lda: i32,
  k: i32,
  m: i32,
  packed: usize,
  noise: usize,
  scratch: usize,
): void {
  assert(m >= 0 && k >= 0 && lda >= m, 'pack_columns_i8: sizes');
  if (k == 0) return;
  const row = usize(lda) << 1;
  assert(ASC_NO_ASSERT || areOperands(a, row, k, m), 'pack_columns_i8: operands');
  const stride = rowBytes(k);
  const eight = 8 * stride;
  let at = packed + (RELAXED ? headerBytes(k) : 0);
  for (; m > 0; m -= LINE) {
    const isWhole = m >= LINE;
    if (isWhole) {
      copyLine(a, row, k, scratch);
      lineMaxima(scratch, 64, k, at, eight, 2 * eight);
    }
    for (let j = 0; j < min(m, LINE); j += PANEL) {
      const from = (isWhole ? scratch : a) + (j << 1);
      if (!isWhole) panelMaxima(from, row, k, m - j, at);
      packEight(from, isWhole ? 64 : row, k, m - j, packed, at, stride, noise + j);
      packed += eight;
      at += eight;
    }
    a += 2 * LINE;
    noise += usize(k) << 5;
  }
}

/** 32 columns of k rows to where nothing lies between them. */
function copyLine(a: usize, row: usize, k: i32, to: usize): void {
  for (; k > 0; k--, a += row, to += 64) {
    v128.store(to, v128.load(a));
    v128.store(to, v128.load(a, 16), 16);
    v128.store(to, v128.load(a, 32), 32);
    v128.store(to, v128.load(a, 48), 48);
  }
}

/** Powers of two for scales in the place of eight maxima (uint16 at `at`). */
// @ts-ignore: decorator
@inline
function scalesOf(at: usize): v128 {
  for (const end = at + 16; at < end; at += 2) {
    const max = load<u16>(at);
    store<u16>(at, u16((<i32>1) << shiftOf(max)));
  }
  return v128.load(at - 16);
}

/** 2^15 / scale in their place. The scale 1 has 2^15 - 1: numbers up to 127 stay themselves. */
// @ts-ignore: decorator
@inline
function inversesOf(at: usize): v128 {
  for (const end = at + 16; at < end; at += 2) {
    const e = ctz(u32(load<u16>(at)));
    store<u16>(at, u16(min<u32>(32767, (<u32>32768) >> e)));
  }
  return v128.load(at - 16);
}

/** Rounds eight elements of a row: to numbers of bytes, or in the other build to what those stand
 *  for. quotients() rounds up from a half, which is taken away before. */
// @ts-ignore: decorator
@inline
function rounded(v: v128, noise: usize, mask: v128, half: v128, inverse: v128): v128 {
  const sum = i16x8.add(v, v128.and(v128.load8x8_u(noise), mask));
  return RELAXED ? quotients(i16x8.sub(sum, half), inverse) : v128.andnot(sum, mask);
}

/** Eight columns, of which `left` exist, whose maxima are at `at`. Their sums are int16 until a
 *  chunk ends: 128 * 127 < 2^15. */
function packEight(
  a: usize,
  row: usize,
  k: i32,
  left: i32,
  packed: usize,
  at: usize,
  stride: usize,
  noise: usize,
): void {
  const scales = scalesOf(at);
  const mask = i16x8.sub(scales, i16x8.splat(1));
  const half = i16x8.shr_u(scales, 1);
  const inverse = RELAXED ? inversesOf(at) : scales;
  let total0 = i32x4.splat(0);
  let total1 = i32x4.splat(0);
  let part = packed + 8;
  for (let first = 0; first < k; first += CHUNK, part += 4) {
    let sum = i16x8.splat(0);
    let rest = min(k - first, CHUNK);
    if (left >= PANEL)
      for (; rest >= TURN; rest -= TURN, a += usize(TURN) * row, noise += usize(TURN) * DRAWS) {
        sum = turn(a, row, at, stride, noise, mask, half, inverse, sum);
        at += RELAXED ? TURN : 2 * TURN;
      }
    for (; rest > 0; rest--, a += row, noise += DRAWS, at += RELAXED ? 1 : 2) {
      const w = rounded(loadInt16s(a, left), noise, mask, half, inverse);
      sum = i16x8.add(sum, w);
      scatter(w, at, stride, left);
    }
    if (!RELAXED) continue;
    const factor = i32x4.splat(-OFFSET);
    const sum0 = i32x4.mul(i32x4.extend_low_i16x8_s(sum), factor);
    const sum1 = i32x4.mul(i32x4.extend_high_i16x8_s(sum), factor);
    total0 = i32x4.add(total0, sum0);
    total1 = i32x4.add(total1, sum1);
    scatterWords(sum0, sum1, part, stride, left);
  }
  const filler = -k & 15;
  for (let j = filler > 0 ? min(left, PANEL) : 0; j > 0; j--, at += stride)
    memory.fill(at, 0, usize(RELAXED ? filler : 2 * filler));
  if (!RELAXED) return;
  const scale0 = i32x4.extend_low_i16x8_u(scales);
  const scale1 = i32x4.extend_high_i16x8_u(scales);
  scatterWords(scale0, scale1, packed, stride, left);
  scatterWords(total0, total1, packed + 4, stride, left);
}

/** An element of each of the first `left` packed rows. */
function scatter(v: v128, at: usize, stride: usize, left: i32): void {
  for (let j = min(left, PANEL); j > 0; j--, at += stride) {
    if (RELAXED) store<u8>(at, u8(i16x8.extract_lane_u(v, 0)));
    else store<u16>(at, u16(i16x8.extract_lane_u(v, 0)));
    v = v128.shuffle<i16>(v, v, 1, 2, 3, 4, 5, 6, 7, 0);
  }
}

/** An int32 of each of the first `left` packed rows. */
function scatterWords(low: v128, high: v128, at: usize, stride: usize, left: i32): void {
  for (let j = 0; j < min(left, PANEL); j++, at += stride) {
    if (j == 4) low = high;
    store<i32>(at, i32x4.extract_lane(low, 0));
    low = v128.shuffle<i32>(low, low, 1, 2, 3, 0);
  }
}

/** Two rows, rounded, as pairs of bytes, a column each. */
// @ts-ignore: decorator
@inline
function pair(a: usize, row: usize, noise: usize, mask: v128, half: v128, inverse: v128): v128 {
  const even = rounded(v128.load(a), noise, mask, half, inverse);
  const odd = rounded(v128.load(a + row), noise + DRAWS, mask, half, inverse);
  return v128.or(v128.and(even, i16x8.splat(0xff)), i16x8.shl(odd, 8));
}

/** Sums of pairs of bytes, added to `sum`. */
// @ts-ignore: decorator
@inline
function addPairs(sum: v128, pairs: v128): v128 {
  return i16x8.add(sum, i16x8.extadd_pairwise_i8x16_s(pairs));
}

/** Sixteen rows of eight columns; returns `sum` more the columns' sums. */
// @ts-ignore: decorator
@inline
function turn(
  a: usize,
  row: usize,
  at: usize,
  stride: usize,
  noise: usize,
  mask: v128,
  half: v128,
  inverse: v128,
  sum: v128,
): v128 {
  if (!RELAXED) {
    turnEight(a, row, at, stride, noise, mask);
    turnEight(a + 8 * row, row, at + 16, stride, noise + 8 * DRAWS, mask);
    return sum;
  }
  const c0 = pair(a, row, noise, mask, half, inverse);
  const c1 = pair(a + 2 * row, row, noise + 2 * DRAWS, mask, half, inverse);
  const c2 = pair(a + 4 * row, row, noise + 4 * DRAWS, mask, half, inverse);
  const c3 = pair(a + 6 * row, row, noise + 6 * DRAWS, mask, half, inverse);
  const c4 = pair(a + 8 * row, row, noise + 8 * DRAWS, mask, half, inverse);
  const c5 = pair(a + 10 * row, row, noise + 10 * DRAWS, mask, half, inverse);
  const c6 = pair(a + 12 * row, row, noise + 12 * DRAWS, mask, half, inverse);
  const c7 = pair(a + 14 * row, row, noise + 14 * DRAWS, mask, half, inverse);
  storeTransposed(at, stride, c0, c1, c2, c3, c4, c5, c6, c7);
  sum = addPairs(addPairs(addPairs(addPairs(sum, c0), c1), c2), c3);
  return addPairs(addPairs(addPairs(addPairs(sum, c4), c5), c6), c7);
}

/** Eight rows of eight columns, as int16. */
function turnEight(a: usize, row: usize, at: usize, stride: usize, noise: usize, mask: v128): void {
  storeTransposed(
    at,
    stride,
    rounded(v128.load(a), noise, mask, mask, mask),
    rounded(v128.load(a + 1 * row), noise + 1 * DRAWS, mask, mask, mask),
    rounded(v128.load(a + 2 * row), noise + 2 * DRAWS, mask, mask, mask),
    rounded(v128.load(a + 3 * row), noise + 3 * DRAWS, mask, mask, mask),
    rounded(v128.load(a + 4 * row), noise + 4 * DRAWS, mask, mask, mask),
    rounded(v128.load(a + 5 * row), noise + 5 * DRAWS, mask, mask, mask),
    rounded(v128.load(a + 6 * row), noise + 6 * DRAWS, mask, mask, mask),
    rounded(v128.load(a + 7 * row), noise + 7 * DRAWS, mask, mask, mask),
  );
}
