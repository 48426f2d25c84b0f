// What becomes of the sums of a tile: they are multiplied by the factors of their column and row
// and stored as int32, or shifted and added to int64.

import { PANEL } from './layout';

/** Largest shift to the left that the factors of columns can take along: 65 * 2^6 * 2^18 < 2^31.
 *  Without rounding, chunks need not be apart. */
const WHOLE_SHIFT: i32 = 18;

/** Whether sums are only multiplied before they are added to int64. */
// @ts-ignore: decorator
@inline
export function isPlain(shift: i32): bool {
  return shift >= 0 && shift <= WHOLE_SHIFT;
}

/** Factors of four columns, of int64 with the shift in them where it is plain. */
// @ts-ignore: decorator
@inline
export function factors<T>(panel: usize, shift: i32): v128 {
  const own = v128.load(panel);
  return sizeof<T>() == 8 && isPlain(shift) ? i32x4.mul(own, i32x4.splat(1 << shift)) : own;
}

/** A row of a tile, times the columns' factors and the row's: 8 columns, or `columns`. */
// @ts-ignore: decorator
@inline
export function storeRow<T>(
  c: usize,
  row: usize,
  f0: v128,
  f1: v128,
  c0: v128,
  c1: v128,
  columns: i32,
  shift: i32,
): void {
  const scale = v128.load32_splat(row);
  f0 = i32x4.mul(f0, scale);
  f1 = i32x4.mul(f1, scale);
  if (sizeof<T>() == 8 && isPlain(shift)) {
    addRow(c, c0, c1, f0, f1, columns);
    return;
  }
  c0 = i32x4.mul(c0, f0);
  c1 = i32x4.mul(c1, f1);
  if (sizeof<T>() == 8) addShifted(c, c0, c1, columns, shift);
  else if (columns >= PANEL) {
    v128.store(c, c0);
    v128.store(c, c1, 16);
  } else storeColumns(c, c0, c1, columns);
}

/** C += halfUp(v, -shift), int64: 8 columns, or `columns` of them. Inlined, although training never
 *  comes here: with a call V8 keeps a tile's sums in memory, at 0.7 of the speed. */
// @ts-ignore: decorator
@inline
function addShifted(c: usize, v0: v128, v1: v128, columns: i32, shift: i32): void {
  const right = max(-shift, 0);
  const half = i32x4.splat((1 << right) >> 1);
  const factor = i32x4.splat(1 << max(shift, 0));
  v0 = i32x4.shr_s(i32x4.add(v0, half), right);
  v1 = i32x4.shr_s(i32x4.add(v1, half), right);
  addRow(c, v0, v1, factor, factor, columns);
}

/** Stores the first `columns`, 1 to 7, of eight int32s. */
function storeColumns(c: usize, c0: v128, c1: v128, columns: i32): void {
  if (columns >= 4) {
    v128.store(c, c0);
    c += 16;
    columns -= 4;
    c0 = c1;
  }
  for (; columns > 0; columns--, c += 4, c0 = v128.shuffle<i32>(c0, c0, 1, 2, 3, 0))
    store<i32>(c, i32x4.extract_lane(c0, 0));
}

/** C += v * f, int64: 8 columns, or `columns` of them. */
// @ts-ignore: decorator
@inline
function addRow(c: usize, v0: v128, v1: v128, f0: v128, f1: v128, columns: i32): void {
  if (columns >= PANEL) {
    addProducts(c, v0, f0);
    addProducts(c + 32, v1, f1);
  } else addColumns(c, v0, v1, f0, f1, columns);
}

/** C += v * f of the first `columns`, 1 to 7, of eight int32s. */
function addColumns(c: usize, v0: v128, v1: v128, f0: v128, f1: v128, columns: i32): void {
  for (let j = 0; j < columns; j++, c += 8) {
    if (j == 4) {
      v0 = v1;
      f0 = f1;
    }
    const product = i64x2.extmul_low_i32x4_s(v0, f0);
    store<i64>(c, load<i64>(c) + i64x2.extract_lane(product, 0));
    v0 = v128.shuffle<i32>(v0, v0, 1, 2, 3, 0);
    f0 = v128.shuffle<i32>(f0, f0, 1, 2, 3, 0);
  }
}

/** C[0..4) += v * f, int64: the multiplication widens at once. */
// @ts-ignore: decorator
@inline
function addProducts(c: usize, v: v128, f: v128): void {
  v128.store(c, i64x2.add(v128.load(c), i64x2.extmul_low_i32x4_s(v, f)));
  v128.store(c, i64x2.add(v128.load(c, 16), i64x2.extmul_high_i32x4_s(v, f)), 16);
}
