// Products of operands of 8 bits: packing, and in the build with the relaxed instruction the
// product itself. What each computes is said in src/kernels/int8.ts.

import { KERNELS_VERSION } from '../formats';

export { spread_u32 } from './noise';
export { pack_columns_i8 } from './pack-columns';
export { pack_nn_i8, pack_nt_i8, pack_rows_i8 } from './pack';

/** src/kernels/int8.ts refuses another one than its own. */
export function abi_version(): i32 {
  return KERNELS_VERSION;
}
