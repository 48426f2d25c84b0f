// Token and position embedding, forward and backward: rows of masters in, rows of int64 gradients
// out.

import { isWithin32 } from './bounds';
import { halfUp, halfUpLanes } from './fixed';
import { MASTER_FRACTION } from './formats';
import { addWide } from './lanes';

/** Largest |raw| for which the sum of two fits. */
const LARGEST: i64 = (1 << 30) - 1;

/** Kernels.embedding_forward_i32. */
export function embedding_forward_i32(
  ids: usize,
  token: usize,
  position: usize,
  out: usize,
  rows: i32,
  columns: i32,
  l: i32,
): void {
  assert(l >= 6 && l <= 14, 'embedding_forward_i32: l in 6..14');
  assert(
    ASC_NO_ASSERT || isWithin32(position, rows * columns, 1, LARGEST),
    'embedding_forward_i32: |position| < 2^30',
  );
  const shift = MASTER_FRACTION - l;
  const row = usize(columns) << 2;
  for (let r = 0; r < rows; r++, ids += 4) {
    let t = token + usize(load<u32>(ids)) * row;
    let c = columns;
    assert(ASC_NO_ASSERT || isWithin32(t, c, 1, LARGEST), 'embedding_forward_i32: |token| < 2^30');
    for (; c >= 4; c -= 4, t += 16, position += 16, out += 16) {
      v128.store(out, halfUpLanes(i32x4.add(v128.load(t), v128.load(position)), shift));
    }
    for (; c > 0; c--, t += 4, position += 4, out += 4) {
      store<i32>(out, i32(halfUp(i64(load<i32>(t)) + load<i32>(position), shift)));
    }
  }
}

/** One row of a gradient, added to a row of int64 sums. A right shift is done on int32 lanes, a
 *  left shift after widening. */
function addRow(dx: usize, to: usize, columns: i32, shift: i32): void {
  let c = columns;
  for (; c >= 4; c -= 4, dx += 16, to += 32) {
    let v = v128.load(dx);
    if (shift <= 0) {
      if (shift < 0) v = halfUpLanes(v, -shift);
      addWide(to, v);
    } else {
      const low = i64x2.shl(i64x2.extend_low_i32x4_s(v), shift);
      const high = i64x2.shl(i64x2.extend_high_i32x4_s(v), shift);
      v128.store(to, i64x2.add(v128.load(to), low));
      v128.store(to, i64x2.add(v128.load(to, 16), high), 16);
    }
  }
  for (; c > 0; c--, dx += 4, to += 8)
    store<i64>(to, load<i64>(to) + halfUp(load<i32>(dx), -shift));
}

/** Kernels.embedding_backward_i32i64. */
export function embedding_backward_i32i64(
  ids: usize,
  dx: usize,
  dToken: usize,
  dPosition: usize,
  rows: i32,
  columns: i32,
  shift: i32,
): void {
  assert(shift >= -31 && shift <= 31, 'embedding_backward_i32i64: shift in -31..31');
  const row = usize(columns) << 3;
  for (let r = 0; r < rows; r++, ids += 4, dx += usize(columns) << 2) {
    if (dToken != 0) addRow(dx, dToken + usize(load<u32>(ids)) * row, columns, shift);
    if (dPosition != 0) addRow(dx, dPosition + usize(r) * row, columns, shift);
  }
}
