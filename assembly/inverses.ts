// Sums and products that are undone to the bit by the same kernel with other arguments: an update
// rounded before it is added, and the multiplication by a fraction that keeps what the division
// leaves (Maclaurin, Duvenaud, Adams 2015).

import { floorDivide, multiplyHalfEvenLanes } from './fixed';
import { beyond, loadInt32s, storeInt32s, sumLanes } from './lanes';

/** Kernels.add_rounded_i32. */
export function add_rounded_i32(
  x: usize,
  h: usize,
  y: usize,
  n: i32,
  factor: i32,
  shift: i32,
  limit: i32,
): i32 {
  assert(
    abs(factor) <= 1 << 24 && shift >= 0 && shift <= 40,
    'add_rounded_i32: |factor| <= 2^24, shift in 0..40',
  );
  assert(limit >= 0, 'add_rounded_i32: limit >= 0');
  let count = i32x4.splat(0);
  for (; n > 0; n -= 4, x += 16, h += 16, y += 16) {
    const v = i32x4.add(
      loadInt32s(x, n),
      multiplyHalfEvenLanes(loadInt32s(h, n), i32x4.splat(factor), shift),
    );
    storeInt32s(y, v, n);
    count = i32x4.add(count, beyond(v, i32x4.splat(limit)));
  }
  return -sumLanes(count);
}

/** Kernels.exchange_radix_i32u32: two divisions an element, which no vector has. */
export function exchange_radix_i32u32(
  v: usize,
  digits: usize,
  n: i32,
  from: i32,
  to: i32,
  signIn: i32,
  signOut: i32,
): i32 {
  assert(
    from >= 1 && from <= 1 << 15 && to >= 1 && to <= 1 << 15,
    'exchange_radix_i32u32: from and to in 1..2^15',
  );
  assert(abs(signIn) == 1 && abs(signOut) == 1, 'exchange_radix_i32u32: signs 1 or -1');
  let lost = 0;
  for (; n > 0; n--, v += 4, digits += 4) {
    const t = i64(signIn * load<i32>(v));
    const q = floorDivide(t, from);
    const B = i64(load<u32>(digits)) * from + t - q * from;
    const carried = B / to;
    store<i32>(v, signOut * i32(q * to + B - carried * to));
    store<u32>(digits, u32(carried));
    lost += i32(carried >> 32 != 0);
  }
  return lost;
}
