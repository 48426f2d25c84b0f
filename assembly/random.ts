// Philox4x32-10: the counter-based generator of Salmon, Moraes, Dror and Shaw, "Parallel Random
// Numbers: As Easy as 1, 2, 3" (SC 2011). Four blocks are computed at once, one a lane; the round
// is
//   (x0, x1, x2, x3) <- (high(M1 x2) ^ x1 ^ k0, low(M1 x2), high(M0 x0) ^ x3 ^ k1, low(M0 x0)),
// with the keys advanced by W0, W1.

import { PHILOX } from './constants';
import {
  clampLanes,
  halfUpNarrowLanes,
  highWords,
  lowWords,
  overflowLanes,
  roundedProductHigh,
  roundedProductLow,
  saturateLanes,
  shiftNarrowLanes,
} from './fixed';
import { beyond, loadInt32s, storeInt32s, sumLanes } from './lanes';

const ROUNDS: i32 = 10;
/** The mean of the sum of eight numbers in 0..65535. */
const MEAN_OF_EIGHT: i32 = 262140;
/** Fraction bits of the factor of dropout_i32. */
const FACTOR_FRACTION: i32 = 15;
/** What blocks() makes of the words. */
const WORDS: i32 = 0;
const NORMAL: i32 = 1;
const DROPOUT: i32 = 2;

/** The sum of the two 16-bit halves of every uint32. */
// @ts-ignore: decorator
@inline
function sumHalves(v: v128): v128 {
  return i32x4.extadd_pairwise_i16x8_u(v);
}

/** All three kernels: the ten rounds are shared, only what is stored differs; n int32s at `out`, of
 *  which NORMAL makes 4 and the others make 16 out of four blocks. Returns DROPOUT's count. Lanes:
 *  x0..x3 hold word 0..3 of blocks b, b + 1, b + 2, b + 3. */
function blocks(
  what: i32,
  out: usize,
  n: i32,
  c1: u32,
  c2: u32,
  c3: u32,
  key0: u32,
  key1: u32,
  factor: i32,
  threshold: i32,
  limit: i32,
): i32 {
  const m0 = v128.load32_splat(PHILOX);
  const m1 = v128.load32_splat(PHILOX, 4);
  const scale = i32x4.splat(factor);
  const high = i32x4.splat(limit);
  let count = i32x4.splat(0);
  for (let b: u32 = 0; n > 0; b += 4) {
    let x0 = i32x4.add(i32x4.splat(b), i32x4(0, 1, 2, 3));
    let x1 = i32x4.splat(c1);
    let x2 = i32x4.splat(c2);
    let x3 = i32x4.splat(c3);
    let k0 = i32x4.splat(key0);
    let k1 = i32x4.splat(key1);
    for (let round = 0; round < ROUNDS; round++) {
      const low0 = i64x2.extmul_low_i32x4_u(x0, m0);
      const high0 = i64x2.extmul_high_i32x4_u(x0, m0);
      const low1 = i64x2.extmul_low_i32x4_u(x2, m1);
      const high1 = i64x2.extmul_high_i32x4_u(x2, m1);
      x0 = v128.xor(v128.xor(highWords(low1, high1), x1), k0);
      x2 = v128.xor(v128.xor(highWords(low0, high0), x3), k1);
      x1 = lowWords(low1, high1);
      x3 = lowWords(low0, high0);
      k0 = i32x4.add(k0, v128.load32_splat(PHILOX, 8));
      k1 = i32x4.add(k1, v128.load32_splat(PHILOX, 12));
    }
    if (what == NORMAL) {
      const sum = i32x4.add(
        i32x4.add(sumHalves(x0), sumHalves(x1)),
        i32x4.add(sumHalves(x2), sumHalves(x3)),
      );
      const centred = i32x4.sub(sum, i32x4.splat(MEAN_OF_EIGHT));
      storeInt32s(
        out,
        halfUpNarrowLanes(
          i64x2.extmul_low_i32x4_s(centred, scale),
          i64x2.extmul_high_i32x4_s(centred, scale),
          16,
        ),
        n,
      );
      out += 16;
      n -= 4;
      continue;
    }
    const x01 = v128.shuffle<i32>(x0, x1, 0, 4, 1, 5);
    const x23 = v128.shuffle<i32>(x2, x3, 0, 4, 1, 5); // blocks 0, 1
    const y01 = v128.shuffle<i32>(x0, x1, 2, 6, 3, 7);
    const y23 = v128.shuffle<i32>(x2, x3, 2, 6, 3, 7); // blocks 2, 3
    x0 = v128.shuffle<i64>(x01, x23, 0, 2);
    x1 = v128.shuffle<i64>(x01, x23, 1, 3);
    x2 = v128.shuffle<i64>(y01, y23, 0, 2);
    x3 = v128.shuffle<i64>(y01, y23, 1, 3);
    if (what == WORDS) {
      v128.store(out, x0);
      if (n > 4) v128.store(out, x1, 16);
      if (n > 8) v128.store(out, x2, 32);
      if (n > 12) v128.store(out, x3, 48);
      out += 64;
      n -= 16;
      continue;
    }
    for (let block = 0; block < 4; block++, out += 16, n -= 4) {
      // x0 is the block's words
      const x = loadInt32s(out, n);
      const p0 = roundedProductLow(x, scale, FACTOR_FRACTION);
      const p1 = roundedProductHigh(x, scale, FACTOR_FRACTION);
      const over = overflowLanes(p0, p1, FACTOR_FRACTION);
      const v = saturateLanes(shiftNarrowLanes(p0, p1, FACTOR_FRACTION), p0, p1, over);
      const kept = i32x4.ge_u(x0, i32x4.splat(threshold));
      count = i32x4.add(count, v128.and(kept, v128.or(over, beyond(v, high))));
      storeInt32s(out, v128.and(kept, clampLanes(v, i32x4.neg(high), high)), n);
      x0 = x1;
      x1 = x2;
      x2 = x3;
    }
  }
  return -sumLanes(count);
}

/** Kernels.random_u32. */
export function random_u32(
  out: usize,
  n: i32,
  c1: u32,
  c2: u32,
  c3: u32,
  key0: u32,
  key1: u32,
): void {
  assert((n & 3) == 0, 'random_u32: n is a multiple of 4');
  blocks(WORDS, out, n, c1, c2, c3, key0, key1, 0, 0, 0);
}

/** Kernels.random_normal_i32. */
export function random_normal_i32(
  out: usize,
  n: i32,
  c1: u32,
  c2: u32,
  c3: u32,
  key0: u32,
  key1: u32,
  scale: i32,
): void {
  assert(scale >= 0 && scale < 1 << 29, 'random_normal_i32: scale in 0..2^29 - 1');
  blocks(NORMAL, out, n, c1, c2, c3, key0, key1, scale, 0, 0);
}

/** Kernels.dropout_i32. */
export function dropout_i32(
  x: usize,
  n: i32,
  c1: u32,
  c2: u32,
  c3: u32,
  key0: u32,
  key1: u32,
  threshold: u32,
  factor: i32,
  limit: i32,
): i32 {
  assert(factor >= 1 << FACTOR_FRACTION && factor <= 1 << 20, 'dropout_i32: factor in 2^15..2^20');
  assert(limit >= 0, 'dropout_i32: limit >= 0');
  return blocks(DROPOUT, x, n, c1, c2, c3, key0, key1, factor, threshold, limit);
}
