// AssemblyScript, as in assembly/: pointers and numbers, no allocation, no floating point. In the
// library a file of assembly/, exported from assembly/index.ts.

import { loadPart, sumLanes } from '../../../assembly/lanes';

/** SumAbs.sum_abs_i16i32. i16x8.abs leaves -2^15, which is 2^15 as an unsigned lane; the sum of two
 *  neighbours is an int32 lane, and the order of an exact sum does not matter. */
export function sum_abs_i16i32(a: usize, n: i32): i32 {
  assert(n >= 0 && n <= 65535, 'sum_abs_i16i32: n in 0..65535');
  let sum = i32x4.splat(0);
  for (; n >= 8; n -= 8, a += 16) {
    sum = i32x4.add(sum, i32x4.extadd_pairwise_i16x8_u(i16x8.abs(v128.load(a))));
  }
  const last = i16x8.abs(loadPart(a, n << 1));
  return sumLanes(i32x4.add(sum, i32x4.extadd_pairwise_i16x8_u(last)));
}

export { abi_version, static_end } from '../../../assembly/index';
