// The product of packed rows and panels by i32x4.relaxed_dot_i8x16_i7x16_add_s: sixteen products,
// added in fours to four sums. Its second operand stays in 1..127, where every processor gives the
// same. Where the processor has no instruction for that, V8 puts five together; those of
// i16x8.relaxed_dot_i8x16_i7x16_s, which adds sixteen products in pairs, and of what adds these are
// three. Every kernel is there with either: Dot is the type of what products are first added to,
// i32 or i16.
//
// Tile: 6 rows x 8 columns, 12 sums: where the instruction takes 5 cycles and two can begin in each
// (Intel), 8 sums of a tile of 2 x 16 reach 75 % of its peak, 12 reach 96 %. With 2 vectors of the
// panel and 1 of a row they are 15, all that V8 has on x64. Rows that are left make tiles of 4, and
// the last one alone.

import { isPanelOf7Bits } from './domain';
import { CHUNK, FACTORS, headerBytes, PANEL, panelBytes, QUAD, rowBytes } from './layout';
import { factors, isPlain, storeRow } from './store';

const CHUNK_BYTES: usize = usize(CHUNK >> 2) * QUAD;
/** Rows whose tiles take the same panel in turn. A tile stores half a cache line of C's rows; with
 *  all rows of A in between, the line was gone by the other half: 5 % of the time of a product with
 *  384 or 512 columns. */
const BLOCK: i32 = 24;
/** Most products of a sum that cannot overflow before its factors: 127 * 63 * 2^16 < 2^31. */
const WHOLE_PRODUCTS: i32 = 1 << 16;
/** Bytes of eight int32s. */
const EIGHT: usize = 32;

/** Int8Kernels.gemm_i8i8i32. */
export function gemm_i8i8i32(
  a: usize,
  packed: usize,
  c: usize,
  ldc: i32,
  m: i32,
  n: i32,
  k: i32,
): void {
  into32<i32>(a, packed, c, ldc, m, n, k);
}

/** The same, products added in pairs. */
export function gemm_i8i8i32_pairs(
  a: usize,
  packed: usize,
  c: usize,
  ldc: i32,
  m: i32,
  n: i32,
  k: i32,
): void {
  into32<i16>(a, packed, c, ldc, m, n, k);
}

/** Int8Kernels.gemm_i8i8i64. */
export function gemm_i8i8i64(
  a: usize,
  packed: usize,
  c: usize,
  ldc: i32,
  m: i32,
  n: i32,
  k: i32,
  shift: i32,
): void {
  into64<i32>(a, packed, c, ldc, m, n, k, shift);
}

/** The same, products added in pairs. */
export function gemm_i8i8i64_pairs(
  a: usize,
  packed: usize,
  c: usize,
  ldc: i32,
  m: i32,
  n: i32,
  k: i32,
  shift: i32,
): void {
  into64<i16>(a, packed, c, ldc, m, n, k, shift);
}

// @ts-ignore: decorator
@inline
function into32<Dot>(a: usize, packed: usize, c: usize, ldc: i32, m: i32, n: i32, k: i32): void {
  assert(m >= 0 && n >= 0 && k >= 0 && ldc >= n, 'gemm_i8i8i32: sizes');
  if (k == 0) {
    for (let i = 0; i < m; i++, c += usize(ldc) << 2) memory.fill(c, 0, usize(n) << 2);
    return;
  }
  const stride = rowBytes(k);
  const bytes = panelBytes(k);
  for (let p = packed, j = 0; j < n; j += PANEL, p += bytes)
    assert(ASC_NO_ASSERT || isPanelOf7Bits(p, k), 'gemm_i8i8i32: bytes in 0..127');
  while (m > 0) {
    const block = m < BLOCK + 8 ? m : BLOCK;
    let panel = packed;
    let to = c;
    for (let j = 0; j < n; j += PANEL, panel += bytes, to += EIGHT) {
      let left = block;
      let row = a;
      let at = to;
      while (left > 0) {
        const rows = rowsOf<Dot>(left);
        const x = headerBytes(k);
        tile<i32, Dot>(rows, row, stride, 4, x, panel, 0, bytes, at, usize(ldc) << 2, n - j, 0);
        left -= rows;
        row += usize(rows) * stride;
        at += usize(rows * ldc) << 2;
      }
    }
    m -= block;
    a += usize(block) * stride;
    c += usize(block * ldc) << 2;
  }
}

/** All panels take the rows of a tile before the next ones, so that C, which is larger than the
 *  caches, is met in its order: 79 % of the time that all rows for each panel take. */
// @ts-ignore: decorator
@inline
function into64<Dot>(
  a: usize,
  packed: usize,
  c: usize,
  ldc: i32,
  m: i32,
  n: i32,
  k: i32,
  shift: i32,
): void {
  assert(m >= 0 && n >= 0 && k >= 0 && ldc >= n, 'gemm_i8i8i64: sizes');
  assert(shift >= -16 && shift <= 20, 'gemm_i8i8i64: shift in -16..20');
  const stride = rowBytes(k);
  const bytes = panelBytes(k);
  for (let p = packed, j = 0; j < n; j += PANEL, p += bytes)
    assert(ASC_NO_ASSERT || isPanelOf7Bits(p, k), 'gemm_i8i8i64: bytes in 0..127');
  const isWhole = isPlain(shift) && k <= WHOLE_PRODUCTS;
  const step = isWhole ? bytes : CHUNK_BYTES;
  while (m > 0) {
    const rows = rowsOf<Dot>(m);
    let panel = packed;
    let to = c;
    for (let j = 0; j < n; j += PANEL, panel += bytes, to += 2 * EIGHT) {
      let init: usize = isWhole ? 4 : 8;
      let x = headerBytes(k);
      for (let at = FACTORS; at < bytes; at += step, init += 4, x += CHUNK) {
        const end = min(at + step, bytes);
        const from = at - FACTORS;
        const row = usize(ldc) << 3;
        tile<i64, Dot>(rows, a, stride, init, x, panel, from, end, to, row, n - j, shift);
      }
    }
    m -= rows;
    a += usize(rows) * stride;
    c += usize(rows * ldc) << 3;
  }
}

/** Rows of the next tile. Pairs have tiles of 4 at the most: with 6 their 12 sums, 3 operands and a
 *  product are one register more than V8 has, some 3 % slower. */
// @ts-ignore: decorator
@inline
function rowsOf<Dot>(left: i32): i32 {
  if (sizeof<Dot>() == 4 && left >= 6 && left != 8) return 6;
  return left >= 4 ? 4 : 1;
}

/** Sums of `rows` rows (6, 4 or 1) from their byte x on, times a panel from byte `from` of its
 *  elements to byte `end`, stored as int32 or, shifted, added to int64. The sums begin with what
 *  is at `init` of each row. */
// @ts-ignore: decorator
@inline
function tile<T, Dot>(
  rows: i32,
  a: usize,
  stride: usize,
  init: usize,
  x: usize,
  panel: usize,
  from: usize,
  end: usize,
  c: usize,
  ldc: usize,
  columns: i32,
  shift: i32,
): void {
  const p = panel + FACTORS + from;
  const last = panel + end;
  if (sizeof<Dot>() == 4 && rows == 6)
    tile6<T>(a, stride, init, x, panel, p, last, c, ldc, columns, shift);
  else if (rows == 4) tile4<T, Dot>(a, stride, init, x, panel, p, last, c, ldc, columns, shift);
  else tile1<T, Dot>(a, init, a + x, panel, p, last, c, columns, shift);
}

/** Four sums of as much as a row begins with. */
// @ts-ignore: decorator
@inline
function begin(row: usize): v128 {
  return v128.load32_splat(row);
}

/** Adds four products to each of four sums, which Dot says how; in the checked build by what every
 *  engine has. */
// @ts-ignore: decorator
@inline
function dot<Dot>(row: v128, panel: v128, sums: v128): v128 {
  if (ASC_FEATURE_RELAXED_SIMD) {
    if (sizeof<Dot>() == 4) return i32x4.relaxed_dot_i8x16_i7x16_add_s(row, panel, sums);
    const pairs = i16x8.relaxed_dot_i8x16_i7x16_s(row, panel);
    return i32x4.add(sums, i32x4.extadd_pairwise_i16x8_s(pairs));
  }
  const low = i16x8.extmul_low_i8x16_s(row, panel);
  const high = i16x8.extmul_high_i8x16_s(row, panel);
  const ones = i16x8.splat(1);
  const pairs = i32x4.dot_i16x8_s(low, ones);
  const others = i32x4.dot_i16x8_s(high, ones);
  const even = v128.shuffle<i32>(pairs, others, 0, 2, 4, 6);
  const odd = v128.shuffle<i32>(pairs, others, 1, 3, 5, 7);
  return i32x4.add(sums, i32x4.add(even, odd));
}

function tile6<T>(
  a: usize,
  stride: usize,
  init: usize,
  x: usize,
  panel: usize,
  p: usize,
  last: usize,
  c: usize,
  ldc: usize,
  columns: i32,
  shift: i32,
): void {
  const a1 = a + stride;
  const a2 = a1 + stride;
  const a3 = a2 + stride;
  const a4 = a3 + stride;
  const a5 = a4 + stride;
  let c00 = begin(a + init);
  let c10 = begin(a1 + init);
  let c20 = begin(a2 + init);
  let c30 = begin(a3 + init);
  let c40 = begin(a4 + init);
  let c50 = begin(a5 + init);
  let c01 = c00;
  let c11 = c10;
  let c21 = c20;
  let c31 = c30;
  let c41 = c40;
  let c51 = c50;
  do {
    const b0 = v128.load(p);
    const b1 = v128.load(p, 16);
    const x0 = v128.load32_splat(a + x);
    c00 = dot<i32>(x0, b0, c00);
    c01 = dot<i32>(x0, b1, c01);
    const x1 = v128.load32_splat(a1 + x);
    c10 = dot<i32>(x1, b0, c10);
    c11 = dot<i32>(x1, b1, c11);
    const x2 = v128.load32_splat(a2 + x);
    c20 = dot<i32>(x2, b0, c20);
    c21 = dot<i32>(x2, b1, c21);
    const x3 = v128.load32_splat(a3 + x);
    c30 = dot<i32>(x3, b0, c30);
    c31 = dot<i32>(x3, b1, c31);
    const x4 = v128.load32_splat(a4 + x);
    c40 = dot<i32>(x4, b0, c40);
    c41 = dot<i32>(x4, b1, c41);
    const x5 = v128.load32_splat(a5 + x);
    c50 = dot<i32>(x5, b0, c50);
    c51 = dot<i32>(x5, b1, c51);
    p += QUAD;
    x += 4;
  } while (p < last);
  const f0 = factors<T>(panel, shift);
  const f1 = factors<T>(panel + 16, shift);
  storeRow<T>(c, a, f0, f1, c00, c01, columns, shift);
  storeRow<T>(c + ldc, a1, f0, f1, c10, c11, columns, shift);
  storeRow<T>(c + 2 * ldc, a2, f0, f1, c20, c21, columns, shift);
  storeRow<T>(c + 3 * ldc, a3, f0, f1, c30, c31, columns, shift);
  storeRow<T>(c + 4 * ldc, a4, f0, f1, c40, c41, columns, shift);
  storeRow<T>(c + 5 * ldc, a5, f0, f1, c50, c51, columns, shift);
}

function tile4<T, Dot>(
  a: usize,
  stride: usize,
  init: usize,
  x: usize,
  panel: usize,
  p: usize,
  last: usize,
  c: usize,
  ldc: usize,
  columns: i32,
  shift: i32,
): void {
  const a1 = a + stride;
  const a2 = a1 + stride;
  const a3 = a2 + stride;
  let c00 = begin(a + init);
  let c10 = begin(a1 + init);
  let c20 = begin(a2 + init);
  let c30 = begin(a3 + init);
  let c01 = c00;
  let c11 = c10;
  let c21 = c20;
  let c31 = c30;
  do {
    const b0 = v128.load(p);
    const b1 = v128.load(p, 16);
    const x0 = v128.load32_splat(a + x);
    c00 = dot<Dot>(x0, b0, c00);
    c01 = dot<Dot>(x0, b1, c01);
    const x1 = v128.load32_splat(a1 + x);
    c10 = dot<Dot>(x1, b0, c10);
    c11 = dot<Dot>(x1, b1, c11);
    const x2 = v128.load32_splat(a2 + x);
    c20 = dot<Dot>(x2, b0, c20);
    c21 = dot<Dot>(x2, b1, c21);
    const x3 = v128.load32_splat(a3 + x);
    c30 = dot<Dot>(x3, b0, c30);
    c31 = dot<Dot>(x3, b1, c31);
    p += QUAD;
    x += 4;
  } while (p < last);
  const f0 = factors<T>(panel, shift);
  const f1 = factors<T>(panel + 16, shift);
  storeRow<T>(c, a, f0, f1, c00, c01, columns, shift);
  storeRow<T>(c + ldc, a1, f0, f1, c10, c11, columns, shift);
  storeRow<T>(c + 2 * ldc, a2, f0, f1, c20, c21, columns, shift);
  storeRow<T>(c + 3 * ldc, a3, f0, f1, c30, c31, columns, shift);
}

function tile1<T, Dot>(
  row: usize,
  init: usize,
  x: usize,
  panel: usize,
  p: usize,
  last: usize,
  c: usize,
  columns: i32,
  shift: i32,
): void {
  let c0 = begin(row + init);
  let c1 = c0;
  do {
    const x0 = v128.load32_splat(x);
    c0 = dot<Dot>(x0, v128.load(p), c0);
    c1 = dot<Dot>(x0, v128.load(p, 16), c1);
    p += QUAD;
    x += 4;
  } while (p < last);
  const f0 = factors<T>(panel, shift);
  const f1 = factors<T>(panel + 16, shift);
  storeRow<T>(c, row, f0, f1, c0, c1, columns, shift);
}
