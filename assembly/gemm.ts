// The matrix product: int16 operands, exact int32 sums by i32x4.dot_i16x8_s, no horizontal
// additions.
//
// Tile: 2 rows of A x 16 columns of B. A stays row-major: a pair of its elements is 4 bytes, spread
// over a vector by one splat load. B is a packed panel (pack.ts), 64 bytes a pair. Registers: 8
// accumulators + 4 of B + 2 of A + 1 product = 15, all that V8 has on x64 (xmm15 is its scratch).
// Lanes of accumulator c<row><group>: columns 4 group .. 4 group + 3.
//
// The inner loop is unrolled by 4 with a conditional break between the steps. Without it V8 11-12
// hoists the loads of all four steps and spills; so it never does: 97 % of the peak of dot and add
// at 512^3 (node 20, Zen 4), 8 to 13 % above the rolled loop. The panel is the outer loop within a
// block of rows, so that its part stays in L1 and the rows of A in L2.

import { areChunksWithin } from './bounds';
import { halfStep, shiftHalfUpLanes } from './fixed';

/** Columns of B in a panel, bytes of a pair of its rows. */
const PANEL: i32 = 16;
const PAIR: usize = 64;
/** Rows of A in a block: 256 rows of 768 elements are 384 KiB, within L2; 1 to 2 % faster than 128
 *  when B comes from beyond it. Most products in a block: 384 pairs are 24 KiB, within L1. Half or
 *  twice of either changes the speed by less than 2 %, blocks that are not alike (512 + 64
 *  products) by as much. With sums in int64 every row of C is a place of its own in memory that a
 *  prefetcher has to follow, of up to 32 (Intel) together with those of A and B: 16 rows take 91 %
 *  of the time of 32 there, 8 rows 89 %, but on AMD a whole step 1 % more than with 16. */
const BLOCK_ROWS: i32 = 256;
const BLOCK_ROWS_64: i32 = 16;
const BLOCK_PRODUCTS: i32 = 768;
/** Largest |sum| of a chunk: half a step of the largest shift can be added. */
const LARGEST_CHUNK: i64 = i32.MAX_VALUE - (1 << 15);

/** Kernels.gemm_i16i16i32. */
export function gemm_i16i16i32(
  a: usize,
  lda: i32,
  packed: usize,
  stride: usize,
  c: usize,
  ldc: i32,
  m: i32,
  n: i32,
  k: i32,
): void {
  assert(m >= 0 && n >= 0 && k >= 0, 'gemm_i16i16i32: sizes');
  assert(lda >= k && ldc >= n, 'gemm_i16i16i32: row distances');
  if (k == 0) {
    for (let i = 0; i < m; i++, c += usize(ldc) << 2) memory.fill(c, 0, usize(n) << 2);
    return;
  }
  blocks<i32>(a, usize(lda) << 1, packed, stride, c, usize(ldc) << 2, m, n, k, 2, 0);
}

/** Kernels.gemm_i16i16i64: each chunk's exact sum is flushed, shifted, into C. */
export function gemm_i16i16i64(
  a: usize,
  lda: i32,
  packed: usize,
  stride: usize,
  c: usize,
  ldc: i32,
  m: i32,
  n: i32,
  k: i32,
  chunk: i32,
  shift: i32,
): void {
  assert(m >= 0 && n >= 0 && k >= 0, 'gemm_i16i16i64: sizes');
  assert(lda >= k && ldc >= n, 'gemm_i16i16i64: row distances');
  assert(chunk >= 2 && (chunk & 1) == 0, 'gemm_i16i16i64: chunk is even');
  assert(shift >= -16 && shift <= 20, 'gemm_i16i16i64: shift in -16..20');
  assert(
    ASC_NO_ASSERT || areChunksWithin(a, lda, packed, stride, m, n, k, chunk, LARGEST_CHUNK),
    'gemm_i16i16i64: |S| <= 2^31 - 1 - 2^15',
  );
  blocks<i64>(a, usize(lda) << 1, packed, stride, c, usize(ldc) << 3, m, n, k, chunk, shift);
}

/** Walks row blocks, equal parts of k in multiples of `chunk` products, panels. C is int32,
 *  overwritten by the first part and added to by the others, or int64, always added to. */
// @ts-ignore: decorator
@inline
function blocks<C>(
  a: usize,
  lda: usize,
  packed: usize,
  stride: usize,
  c: usize,
  ldc: usize,
  m: i32,
  n: i32,
  k: i32,
  chunk: i32,
  shift: i32,
): void {
  const blockRows = sizeof<C>() == 8 ? BLOCK_ROWS_64 : BLOCK_ROWS;
  const block = divideUp(divideUp(k, divideUp(max(k, 1), BLOCK_PRODUCTS)), chunk) * chunk;
  for (let i = 0; i < m; i += blockRows) {
    const rows = min(m - i, blockRows);
    for (let p = 0; p < k; p += block) {
      const products = min(k - p, block);
      let b = packed + usize(p >> 1) * PAIR;
      let to = c;
      for (let j = 0; j < n; j += PANEL, b += stride, to += PANEL * sizeof<C>()) {
        panel<C>(
          a + (usize(p) << 1),
          lda,
          b,
          products,
          min((products + 1) & ~1, chunk),
          to,
          ldc,
          rows,
          min(n - j, PANEL),
          p > 0,
          shift,
        );
      }
    }
    a += usize(blockRows) * lda;
    c += usize(blockRows) * ldc;
  }
}

// @ts-ignore: decorator
@inline
function divideUp(a: u32, b: u32): u32 {
  return (a + b - 1) / b;
}

/** `rows` rows of A times one panel over `products` >= 1 products: tiles of 2 rows, then one of 1
 *  row. Each `chunk` of products is stored before the next begins; the tile of C stays in L1
 *  meanwhile. */
function panel<C>(
  a: usize,
  lda: usize,
  b: usize,
  products: i32,
  chunk: i32,
  c: usize,
  ldc: usize,
  rows: i32,
  columns: i32,
  add: bool,
  shift: i32,
): void {
  // int32 sums take all the products in one go: the loop over chunks is then no loop.
  const last = b + usize(products >> 1) * PAIR;
  const all = b + usize((products + 1) >> 1) * PAIR;
  const step = usize(chunk >> 1) * PAIR;
  const odd = products & 1;
  const factor = sizeof<C>() == 8 ? i32x4.splat(1 << max(shift, 0)) : i32x4.splat(0);
  for (; rows >= 2; rows -= 2) {
    let a0 = a;
    let a1 = a + lda;
    let p = b;
    do {
      const full = p + step;
      const end = sizeof<C>() == 8 ? min(full, last) : last;
      let c00 = i32x4.splat(0);
      let c01 = i32x4.splat(0);
      let c02 = i32x4.splat(0);
      let c03 = i32x4.splat(0);
      let c10 = i32x4.splat(0);
      let c11 = i32x4.splat(0);
      let c12 = i32x4.splat(0);
      let c13 = i32x4.splat(0);
      if (p < end)
        do {
          let b0 = v128.load(p);
          let b1 = v128.load(p, 16);
          let b2 = v128.load(p, 32);
          let b3 = v128.load(p, 48);
          let x0 = v128.load32_splat(a0);
          let x1 = v128.load32_splat(a1);
          c00 = i32x4.add(c00, i32x4.dot_i16x8_s(x0, b0));
          c01 = i32x4.add(c01, i32x4.dot_i16x8_s(x0, b1));
          c02 = i32x4.add(c02, i32x4.dot_i16x8_s(x0, b2));
          c03 = i32x4.add(c03, i32x4.dot_i16x8_s(x0, b3));
          c10 = i32x4.add(c10, i32x4.dot_i16x8_s(x1, b0));
          c11 = i32x4.add(c11, i32x4.dot_i16x8_s(x1, b1));
          c12 = i32x4.add(c12, i32x4.dot_i16x8_s(x1, b2));
          c13 = i32x4.add(c13, i32x4.dot_i16x8_s(x1, b3));
          if (p + 64 >= end) {
            a0 += 4;
            a1 += 4;
            p += 64;
            break;
          }
          b0 = v128.load(p, 64);
          b1 = v128.load(p, 80);
          b2 = v128.load(p, 96);
          b3 = v128.load(p, 112);
          x0 = v128.load32_splat(a0, 4);
          x1 = v128.load32_splat(a1, 4);
          c00 = i32x4.add(c00, i32x4.dot_i16x8_s(x0, b0));
          c01 = i32x4.add(c01, i32x4.dot_i16x8_s(x0, b1));
          c02 = i32x4.add(c02, i32x4.dot_i16x8_s(x0, b2));
          c03 = i32x4.add(c03, i32x4.dot_i16x8_s(x0, b3));
          c10 = i32x4.add(c10, i32x4.dot_i16x8_s(x1, b0));
          c11 = i32x4.add(c11, i32x4.dot_i16x8_s(x1, b1));
          c12 = i32x4.add(c12, i32x4.dot_i16x8_s(x1, b2));
          c13 = i32x4.add(c13, i32x4.dot_i16x8_s(x1, b3));
          if (p + 128 >= end) {
            a0 += 8;
            a1 += 8;
            p += 128;
            break;
          }
          b0 = v128.load(p, 128);
          b1 = v128.load(p, 144);
          b2 = v128.load(p, 160);
          b3 = v128.load(p, 176);
          x0 = v128.load32_splat(a0, 8);
          x1 = v128.load32_splat(a1, 8);
          c00 = i32x4.add(c00, i32x4.dot_i16x8_s(x0, b0));
          c01 = i32x4.add(c01, i32x4.dot_i16x8_s(x0, b1));
          c02 = i32x4.add(c02, i32x4.dot_i16x8_s(x0, b2));
          c03 = i32x4.add(c03, i32x4.dot_i16x8_s(x0, b3));
          c10 = i32x4.add(c10, i32x4.dot_i16x8_s(x1, b0));
          c11 = i32x4.add(c11, i32x4.dot_i16x8_s(x1, b1));
          c12 = i32x4.add(c12, i32x4.dot_i16x8_s(x1, b2));
          c13 = i32x4.add(c13, i32x4.dot_i16x8_s(x1, b3));
          if (p + 192 >= end) {
            a0 += 12;
            a1 += 12;
            p += 192;
            break;
          }
          b0 = v128.load(p, 192);
          b1 = v128.load(p, 208);
          b2 = v128.load(p, 224);
          b3 = v128.load(p, 240);
          x0 = v128.load32_splat(a0, 12);
          x1 = v128.load32_splat(a1, 12);
          c00 = i32x4.add(c00, i32x4.dot_i16x8_s(x0, b0));
          c01 = i32x4.add(c01, i32x4.dot_i16x8_s(x0, b1));
          c02 = i32x4.add(c02, i32x4.dot_i16x8_s(x0, b2));
          c03 = i32x4.add(c03, i32x4.dot_i16x8_s(x0, b3));
          c10 = i32x4.add(c10, i32x4.dot_i16x8_s(x1, b0));
          c11 = i32x4.add(c11, i32x4.dot_i16x8_s(x1, b1));
          c12 = i32x4.add(c12, i32x4.dot_i16x8_s(x1, b2));
          c13 = i32x4.add(c13, i32x4.dot_i16x8_s(x1, b3));
          a0 += 16;
          a1 += 16;
          p += 256;
        } while (p < end);
      if (odd && (sizeof<C>() == 4 || full > last)) {
        const x0 = lastOfRow(a0);
        const x1 = lastOfRow(a1);
        const b0 = v128.load(p);
        const b1 = v128.load(p, 16);
        const b2 = v128.load(p, 32);
        const b3 = v128.load(p, 48);
        c00 = i32x4.add(c00, i32x4.dot_i16x8_s(x0, b0));
        c01 = i32x4.add(c01, i32x4.dot_i16x8_s(x0, b1));
        c02 = i32x4.add(c02, i32x4.dot_i16x8_s(x0, b2));
        c03 = i32x4.add(c03, i32x4.dot_i16x8_s(x0, b3));
        c10 = i32x4.add(c10, i32x4.dot_i16x8_s(x1, b0));
        c11 = i32x4.add(c11, i32x4.dot_i16x8_s(x1, b1));
        c12 = i32x4.add(c12, i32x4.dot_i16x8_s(x1, b2));
        c13 = i32x4.add(c13, i32x4.dot_i16x8_s(x1, b3));
        p += PAIR;
      }
      storeRow<C>(c, c00, c01, c02, c03, columns, add, shift, factor);
      storeRow<C>(c + ldc, c10, c11, c12, c13, columns, add, shift, factor);
    } while (sizeof<C>() == 8 && p < all);
    a += 2 * lda;
    c += 2 * ldc;
  }
  if (rows) {
    let p = b;
    do {
      const full = p + step;
      const end = sizeof<C>() == 8 ? min(full, last) : last;
      let c0 = i32x4.splat(0);
      let c1 = i32x4.splat(0);
      let c2 = i32x4.splat(0);
      let c3 = i32x4.splat(0);
      for (; p < end; p += 64, a += 4) {
        const x = v128.load32_splat(a);
        c0 = i32x4.add(c0, i32x4.dot_i16x8_s(x, v128.load(p)));
        c1 = i32x4.add(c1, i32x4.dot_i16x8_s(x, v128.load(p, 16)));
        c2 = i32x4.add(c2, i32x4.dot_i16x8_s(x, v128.load(p, 32)));
        c3 = i32x4.add(c3, i32x4.dot_i16x8_s(x, v128.load(p, 48)));
      }
      if (odd && (sizeof<C>() == 4 || full > last)) {
        const x = lastOfRow(a);
        c0 = i32x4.add(c0, i32x4.dot_i16x8_s(x, v128.load(p)));
        c1 = i32x4.add(c1, i32x4.dot_i16x8_s(x, v128.load(p, 16)));
        c2 = i32x4.add(c2, i32x4.dot_i16x8_s(x, v128.load(p, 32)));
        c3 = i32x4.add(c3, i32x4.dot_i16x8_s(x, v128.load(p, 48)));
        p += PAIR;
      }
      storeRow<C>(c, c0, c1, c2, c3, columns, add, shift, factor);
    } while (sizeof<C>() == 8 && p < all);
  }
}

/** The last element of a row of odd length in the low half of every pair; nothing is read beyond
 *  it. The other half of each pair is 0 because the chunk may end inside B, where the next row is
 *  not. */
// @ts-ignore: decorator
@inline
function lastOfRow(a: usize): v128 {
  return i32x4.splat(load<u16>(a));
}

/** One row of a tile into C: 16 columns, or the first `columns` of the last panel. These are stored
 *  by no function of their own: with a call behind the loop of a tile, even one that never happens,
 *  int32 products take 0.6 % longer. */
// @ts-ignore: decorator
@inline
function storeRow<C>(
  c: usize,
  c0: v128,
  c1: v128,
  c2: v128,
  c3: v128,
  columns: i32,
  add: bool,
  shift: i32,
  factor: v128,
): void {
  if (sizeof<C>() == 8 && shift < 0) {
    const half = i32x4.splat(halfStep(-shift));
    c0 = shiftHalfUpLanes(c0, half, -shift);
    c1 = shiftHalfUpLanes(c1, half, -shift);
    c2 = shiftHalfUpLanes(c2, half, -shift);
    c3 = shiftHalfUpLanes(c3, half, -shift);
  }
  if (columns < PANEL) {
    for (; columns > 0; columns--, c += sizeof<C>()) {
      const first = i32x4.extract_lane(c0, 0);
      if (sizeof<C>() == 8) store<i64>(c, load<i64>(c) + (i64(first) << max(shift, 0)));
      else store<i32>(c, add ? first + load<i32>(c) : first);
      c0 = v128.shuffle<i32>(c0, c1, 1, 2, 3, 4);
      c1 = v128.shuffle<i32>(c1, c2, 1, 2, 3, 4);
      c2 = v128.shuffle<i32>(c2, c3, 1, 2, 3, 4);
      c3 = v128.shuffle<i32>(c3, c3, 1, 2, 3, 0);
    }
  } else if (sizeof<C>() == 8) {
    addProducts(c, c0, factor);
    addProducts(c + 32, c1, factor);
    addProducts(c + 64, c2, factor);
    addProducts(c + 96, c3, factor);
  } else {
    if (add) {
      c0 = i32x4.add(c0, v128.load(c));
      c1 = i32x4.add(c1, v128.load(c, 16));
      c2 = i32x4.add(c2, v128.load(c, 32));
      c3 = i32x4.add(c3, v128.load(c, 48));
    }
    v128.store(c, c0);
    v128.store(c, c1, 16);
    v128.store(c, c2, 32);
    v128.store(c, c3, 48);
  }
}

/** C[0..4) += v * factor, int64: the multiplication widens and shifts at once. */
// @ts-ignore: decorator
@inline
function addProducts(c: usize, v: v128, factor: v128): void {
  v128.store(c, i64x2.add(v128.load(c), i64x2.extmul_low_i32x4_s(v, factor)));
  v128.store(c, i64x2.add(v128.load(c, 16), i64x2.extmul_high_i32x4_s(v, factor)), 16);
}
