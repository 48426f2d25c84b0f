// Cross entropy of logits against one target a row: the loss in nats and its gradient, softmax
// minus one-hot.

import { bits, halfUp, multiplyHalfUpLanesU } from './fixed';
import { LOGIT_GRADIENT_FRACTION } from './formats';
import { firstLanes, loadInt32s, storeInt32s, sumLanes64, widenSumU } from './lanes';
import { exponentialsOf, rowMax } from './softmax';

/** ln 2 with 16 fraction bits. */
const LN2_Q16: i64 = 45426;
const LOSS_MAX: i64 = i32.MAX_VALUE;
/** 1 as the gradient has it. */
const ONE: i32 = 1 << LOGIT_GRADIENT_FRACTION;

/** log2(Z) - 30 with 16 fraction bits, Z >= 1, bit by bit: squaring y = 2^x in [1, 2) (31 fraction
 *  bits) doubles x. */
function log2(z: u64): i64 {
  const k = bits(z) - 1;
  let y = k <= 31 ? z << (31 - k) : z >> (k - 31);
  let result = i64(k - 30) << 16;
  for (let b = 15; b >= 0; b--) {
    y = (y * y) >> 31;
    const carry = y >> 32;
    y >>= carry;
    result |= carry << b;
  }
  return result;
}

/** Kernels.cross_entropy_i32. dLogits first holds the exponentials, so that they are computed once.
 */
export function cross_entropy_i32(
  logits: usize,
  ldl: i32,
  targets: usize,
  dLogits: usize,
  lddl: i32,
  losses: usize,
  rows: i32,
  columns: i32,
  scale: u32,
): void {
  assert(columns >= 1 && columns <= 1 << 20, 'cross_entropy_i32: columns in 1..2^20');
  assert(scale > 0, 'cross_entropy_i32: scale > 0');
  const scales = i32x4.splat(scale);
  for (let row = 0; row < rows; row++, logits += usize(ldl) << 2, targets += 4, losses += 4) {
    const target = load<i32>(targets);
    assert(target >= 0 && target < columns, 'cross_entropy_i32: targets in 0..columns-1');
    const max = rowMax(logits, columns);
    const largest = i32x4.splat(max);
    const distance = (u64(u32(max - load<i32>(logits + (usize(target) << 2)))) * scale) >> 32;

    let sum = i64x2.splat(0);
    let from = logits;
    let to = dLogits;
    for (let left = columns; left > 0; left -= 4, from += 16, to += 16) {
      let e = exponentialsOf(loadInt32s(from, left), largest, scales);
      if (left < 4) e = v128.and(e, firstLanes(left));
      if (dLogits) storeInt32s(to, e, left);
      sum = i64x2.add(sum, widenSumU(e));
    }
    const z = sumLanes64(sum);
    store<i32>(losses, i32(min(halfUp((log2(z) + 2 * i64(distance)) * LN2_Q16, 16), LOSS_MAX)));
    if (!dLogits) continue;

    const r = i32x4.splat(i32(((<u64>1) << 61) / u64(z)));
    to = dLogits;
    for (let left = columns; left > 0; left -= 4, to += 16) {
      storeInt32s(to, multiplyHalfUpLanesU(loadInt32s(to, left), r, 37), left);
    }
    const at = dLogits + (usize(target) << 2);
    store<i32>(at, load<i32>(at) - ONE);
    dLogits += usize(lddl) << 2;
  }
}
