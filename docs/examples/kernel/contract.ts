// A kernel from its contract to its test, outside of the library: the sum of magnitudes. In the
// library this method stands in src/kernels/kernels.ts, and the bound in src/memory/formats.ts.

import type { Pointer } from '../../../src/kernels/kernels.ts';

/** Most elements whose magnitudes fit an int32 together: 65,535 of 2^15 are 2^31 - 2^15, and one
 *  more is 2^31. */
export const SUM_ABS_MAX = 65_535;

/** What the three back ends fill in, bit for bit alike. */
export interface SumAbs {
  /** S = sum of |a[i]|, i < n, exactly, of int16. n <= SUM_ABS_MAX, so S <= 2^31 - 2^15. */
  sum_abs_i16i32(a: Pointer, n: number): number;
}
