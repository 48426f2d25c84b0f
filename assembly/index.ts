// The kernels' binary interface: re-exports only. What each computes, to the bit, is said in
// src/kernels/kernels.ts.

import { KERNELS_VERSION } from './formats';

export { pack_nn_i16, pack_nt_i16, transpose_i16 } from './pack';
export { gemm_i16i16i32, gemm_i16i16i64 } from './gemm';
export {
  l1_max_i16,
  max_abs_i32,
  max_bits_i64,
  narrow_i64i32,
  quantize_i32i16,
  requantize_i32i16,
  requantize_i32i32,
  row_norm_max_i16,
} from './requantize';
export { accumulate_i64, combine_i32, hash_i32, sum_rows_i16i64 } from './elementwise';
export { layer_norm_backward_i16i32 } from './layer-norm-backward';
export { layer_norm_forward_i32i16 } from './layer-norm';
export { softmax_backward_i16i32, softmax_forward_i32i16 } from './softmax';
export { cross_entropy_i32 } from './cross-entropy';
export { gelu_backward_i32, gelu_forward_i16i16 } from './gelu';
export { embedding_backward_i32i64, embedding_forward_i32 } from './embedding';
export { bdia_inverse_i32, bdia_step_i32 } from './bdia';
export { adamw_i64, sum_squares_i64 } from './adam';
export { dropout_i32, random_normal_i32, random_u32 } from './random';
export { add_rounded_i32, exchange_radix_i32u32 } from './inverses';

/** src/kernels/wasm.ts refuses another one than its own. */
export function abi_version(): i32 {
  return KERNELS_VERSION;
}

/** First byte after the static data. */
export function static_end(): usize {
  return __heap_base;
}
