// What the arguments of each kernel are: a letter for an address, of bytes (b), int16 (h), int32
// (w) or int64 (l), a capital one if the kernel writes there, and a dot for a number.

/** Of each kernel, a character for each argument. */
export const ARGUMENTS: Readonly<Record<string, string>> = {
  pack_nn_i16: 'h...H',
  pack_nt_i16: 'h...H',
  transpose_i16: 'h...H.',
  gemm_i16i16i32: 'h.h.W....',
  gemm_i16i16i64: 'h.h.L......',
  requantize_i32i16: 'w.H.....w',
  requantize_i32i32: 'w.W.....w',
  narrow_i64i32: 'l.W....',
  max_abs_i32: 'w...',
  max_bits_i64: 'l.',
  quantize_i32i16: 'wH...',
  l1_max_i16: 'h..w',
  row_norm_max_i16: 'h..',
  combine_i32: 'w..w..w.W.',
  sum_rows_i16i64: 'h...L.',
  accumulate_i64: 'lL..',
  hash_i32: 'w.',
  layer_norm_forward_i32i16: 'w.whwHHW...',
  layer_norm_backward_i16i32: 'hhhwWLL....',
  softmax_forward_i32i16: 'W.H......',
  softmax_backward_i16i32: 'h.w.W......',
  cross_entropy_i32: 'w.wW.W...',
  gelu_forward_i16i16: 'hH..',
  gelu_backward_i32: 'whW.',
  embedding_forward_i32: 'wwwW...',
  embedding_backward_i32i64: 'wwLL...',
  bdia_step_i32: 'wwwWB....',
  bdia_inverse_i32: 'wwwbW....',
  sum_squares_i64: 'l..L',
  adamw_i64: 'WlWW..........l',
  random_u32: 'W......',
  random_normal_i32: 'W.......',
  dropout_i32: 'W.........',
  add_rounded_i32: 'wwW....',
  exchange_radix_i32u32: 'WW.....',
};

/** Of those for operands of 8 bits, whose packed ones are bytes. */
export const INT8_ARGUMENTS: Readonly<Record<string, string>> = {
  pack_rows_i8: 'h...Bb',
  pack_columns_i8: 'h...Bbh',
  spread_u32: 'W.',
  pack_nn_i8: 'h...B',
  pack_nt_i8: 'h...B',
  gemm_i8i8i32: 'bbW....',
  gemm_i8i8i64: 'bbL.....',
};

/** Of those for images. */
export const IMAGE_ARGUMENTS: Readonly<Record<string, string>> = {
  im2col_i16: 'h.......H',
  col2im_i32: 'w........W',
};
