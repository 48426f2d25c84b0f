// Packing of a product's right operand into panels of 16 columns, and transposing. In a panel, the
// two int16s of a pair of rows lie side by side for each column, as i32x4.dot_i16x8_s multiplies
// and adds neighbours:
//   pair j of panel p, 64 bytes:
//   B[2j][16p] B[2j+1][16p]  B[2j][16p+1] B[2j+1][16p+1]  ..  B[2j][16p+15] B[2j+1][16p+15]

import { loadPart, storePart } from './lanes';

/** Bytes of one pair of rows in a panel. */
const PAIR: usize = 64;

/** Interleaves 16 columns of two rows, 32 bytes each, into one pair. */
// @ts-ignore: decorator
@inline
function storePair(p: usize, even0: v128, even1: v128, odd0: v128, odd1: v128): void {
  v128.store(p, v128.shuffle<i16>(even0, odd0, 0, 8, 1, 9, 2, 10, 3, 11));
  v128.store(p, v128.shuffle<i16>(even0, odd0, 4, 12, 5, 13, 6, 14, 7, 15), 16);
  v128.store(p, v128.shuffle<i16>(even1, odd1, 0, 8, 1, 9, 2, 10, 3, 11), 32);
  v128.store(p, v128.shuffle<i16>(even1, odd1, 4, 12, 5, 13, 6, 14, 7, 15), 48);
}

/** Kernels.pack_nn_i16. */
export function pack_nn_i16(b: usize, ldb: i32, k: i32, n: i32, packed: usize): void {
  assert(k >= 0 && n >= 0 && ldb >= n, 'pack_nn_i16: sizes');
  const row = usize(ldb) << 1;
  const zero = i16x8.splat(0);
  const pairs = k >> 1;
  for (let column = 0; column < n; column += 16) {
    let p = b + (usize(column) << 1);
    const left = n - column;
    if (left >= 16) {
      for (let j = 0; j < pairs; j++, p += 2 * row, packed += PAIR) {
        storePair(
          packed,
          v128.load(p),
          v128.load(p, 16),
          v128.load(p + row),
          v128.load(p + row, 16),
        );
      }
      if (k & 1) storePair(packed, v128.load(p), v128.load(p, 16), zero, zero);
    } else {
      const first = min(left, 8) << 1;
      const second = max(left - 8, 0) << 1;
      for (let j = 0; j < pairs; j++, p += 2 * row, packed += PAIR) {
        storePair(
          packed,
          loadPart(p, first),
          loadPart(p + 16, second),
          loadPart(p + row, first),
          loadPart(p + row + 16, second),
        );
      }
      if (k & 1) storePair(packed, loadPart(p, first), loadPart(p + 16, second), zero, zero);
    }
    if (k & 1) packed += PAIR;
  }
}

/** Four columns of B^T, four pairs: a 4 x 4 transpose of int32s, stored at four consecutive pairs.
 */
// @ts-ignore: decorator
@inline
function storeQuad(p: usize, a: v128, b: v128, c: v128, d: v128): void {
  const ab = v128.shuffle<i32>(a, b, 0, 4, 1, 5);
  const cd = v128.shuffle<i32>(c, d, 0, 4, 1, 5);
  const ef = v128.shuffle<i32>(a, b, 2, 6, 3, 7);
  const gh = v128.shuffle<i32>(c, d, 2, 6, 3, 7);
  v128.store(p, v128.shuffle<i64>(ab, cd, 0, 2));
  v128.store(p, v128.shuffle<i64>(ab, cd, 1, 3), 64);
  v128.store(p, v128.shuffle<i64>(ef, gh, 0, 2), 128);
  v128.store(p, v128.shuffle<i64>(ef, gh, 1, 3), 192);
}

/** Kernels.pack_nt_i16. A pair is four consecutive bytes of a row of bt, so this is a transpose of
 *  int32s. */
export function pack_nt_i16(bt: usize, ldb: i32, k: i32, n: i32, packed: usize): void {
  assert(k >= 0 && n >= 0 && ldb >= k, 'pack_nt_i16: sizes');
  const row = usize(ldb) << 1;
  const pairs = (k + 1) >> 1;
  for (let column = 0; column < n; column += 4) {
    let at = packed + usize(column >> 4) * usize(pairs) * PAIR + (usize(column & 15) << 2);
    let p = bt + usize(column) * row;
    const columns = n - column;
    let rest = k;
    if (columns >= 4)
      for (; rest >= 8; rest -= 8, p += 16, at += 4 * PAIR)
        storeQuad(
          at,
          v128.load(p),
          v128.load(p + row),
          v128.load(p + 2 * row),
          v128.load(p + 3 * row),
        );
    for (; rest > 0; rest -= 8, p += 16, at += 4 * PAIR) {
      const bytes = min(rest, 8) << 1;
      const a = loadPart(p, bytes);
      let b = i32x4.splat(0);
      let c = i32x4.splat(0);
      let d = i32x4.splat(0);
      if (columns > 1) b = loadPart(p + row, bytes);
      if (columns > 2) c = loadPart(p + 2 * row, bytes);
      if (columns > 3) d = loadPart(p + 3 * row, bytes);
      const ab = v128.shuffle<i32>(a, b, 0, 4, 1, 5);
      const cd = v128.shuffle<i32>(c, d, 0, 4, 1, 5);
      const ef = v128.shuffle<i32>(a, b, 2, 6, 3, 7);
      const gh = v128.shuffle<i32>(c, d, 2, 6, 3, 7);
      v128.store(at, v128.shuffle<i64>(ab, cd, 0, 2));
      if (rest > 2) v128.store(at, v128.shuffle<i64>(ab, cd, 1, 3), 64);
      if (rest > 4) v128.store(at, v128.shuffle<i64>(ef, gh, 0, 2), 128);
      if (rest > 6) v128.store(at, v128.shuffle<i64>(ef, gh, 1, 3), 192);
    }
  }
  clearColumns(packed, pairs, n);
}

/** Zeroes the columns of the last panel beyond n, four at a time: a partly valid four was zeroed by
 *  its own store. */
function clearColumns(packed: usize, pairs: i32, n: i32): void {
  const valid = ((n & 15) + 3) & ~3;
  if (valid == 0 || valid == 16) return;
  let p = packed + usize(n >> 4) * usize(pairs) * PAIR;
  for (let j = 0; j < pairs; j++, p += PAIR) {
    for (let column = valid; column < 16; column += 4)
      v128.store(p + (usize(column) << 2), i32x4.splat(0));
  }
}

/** Rows whose eights fill a cache line of the transpose: 32 int16s. */
const LINE: i32 = 32;

/** Kernels.transpose_i16: blocks of 8 x 8 through three rounds of interleaving, four below each
 *  other before the next to the right, so that whole cache lines are written. */
export function transpose_i16(
  a: usize,
  lda: i32,
  rows: i32,
  columns: i32,
  out: usize,
  ldo: i32,
): void {
  assert(lda >= columns && ldo >= rows, 'transpose_i16: row distances');
  const rowA = usize(lda) << 1;
  const rowO = usize(ldo) << 1;
  for (let top = 0; top < rows; top += LINE) {
    const bottom = min(rows, top + LINE);
    for (let c = 0; c < columns; c += 8) {
      for (let r = top; r < bottom; r += 8) {
        const p = a + usize(r) * rowA + (usize(c) << 1);
        const o = out + usize(c) * rowO + (usize(r) << 1);
        if (rows - r >= 8 && columns - c >= 8) transposeBlock(p, rowA, o, rowO);
        else transposePart(p, rowA, o, rowO, min(rows - r, 8), min(columns - c, 8));
      }
    }
  }
}

function transposePart(p: usize, row: usize, o: usize, rowO: usize, rows: i32, columns: i32): void {
  for (let j = 0; j < columns; j++, p += 2, o += rowO) {
    for (let i = 0; i < rows; i++) store<i16>(o + (i << 1), load<i16>(p + usize(i) * row));
  }
}

// @ts-ignore: decorator
@inline
function transposeBlock(p: usize, row: usize, o: usize, rowO: usize): void {
  const q = p + 4 * row;
  storeTransposed(
    o,
    rowO,
    v128.load(p),
    v128.load(p + row),
    v128.load(p + 2 * row),
    v128.load(p + 3 * row),
    v128.load(q),
    v128.load(q + row),
    v128.load(q + 2 * row),
    v128.load(q + 3 * row),
  );
}

/** Stores eight vectors of eight int16s transposed, `rowO` bytes apart. */
// @ts-ignore: decorator
@inline
export function storeTransposed(
  o: usize,
  rowO: usize,
  a0: v128,
  a1: v128,
  a2: v128,
  a3: v128,
  a4: v128,
  a5: v128,
  a6: v128,
  a7: v128,
): void {
  const b0 = v128.shuffle<i16>(a0, a1, 0, 8, 1, 9, 2, 10, 3, 11);
  const b1 = v128.shuffle<i16>(a0, a1, 4, 12, 5, 13, 6, 14, 7, 15);
  const b2 = v128.shuffle<i16>(a2, a3, 0, 8, 1, 9, 2, 10, 3, 11);
  const b3 = v128.shuffle<i16>(a2, a3, 4, 12, 5, 13, 6, 14, 7, 15);
  const b4 = v128.shuffle<i16>(a4, a5, 0, 8, 1, 9, 2, 10, 3, 11);
  const b5 = v128.shuffle<i16>(a4, a5, 4, 12, 5, 13, 6, 14, 7, 15);
  const b6 = v128.shuffle<i16>(a6, a7, 0, 8, 1, 9, 2, 10, 3, 11);
  const b7 = v128.shuffle<i16>(a6, a7, 4, 12, 5, 13, 6, 14, 7, 15);
  const c0 = v128.shuffle<i32>(b0, b2, 0, 4, 1, 5);
  const c1 = v128.shuffle<i32>(b0, b2, 2, 6, 3, 7);
  const c2 = v128.shuffle<i32>(b1, b3, 0, 4, 1, 5);
  const c3 = v128.shuffle<i32>(b1, b3, 2, 6, 3, 7);
  const c4 = v128.shuffle<i32>(b4, b6, 0, 4, 1, 5);
  const c5 = v128.shuffle<i32>(b4, b6, 2, 6, 3, 7);
  const c6 = v128.shuffle<i32>(b5, b7, 0, 4, 1, 5);
  const c7 = v128.shuffle<i32>(b5, b7, 2, 6, 3, 7);
  v128.store(o, v128.shuffle<i64>(c0, c4, 0, 2));
  v128.store(o + rowO, v128.shuffle<i64>(c0, c4, 1, 3));
  v128.store(o + 2 * rowO, v128.shuffle<i64>(c1, c5, 0, 2));
  v128.store(o + 3 * rowO, v128.shuffle<i64>(c1, c5, 1, 3));
  o += 4 * rowO;
  v128.store(o, v128.shuffle<i64>(c2, c6, 0, 2));
  v128.store(o + rowO, v128.shuffle<i64>(c2, c6, 1, 3));
  v128.store(o + 2 * rowO, v128.shuffle<i64>(c3, c7, 0, 2));
  v128.store(o + 3 * rowO, v128.shuffle<i64>(c3, c7, 1, 3));
}
