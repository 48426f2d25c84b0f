// The build with the relaxed instruction. Its target has shrinkLevel 0, the others 1: with that
// V8 13 moves sums to memory in the loop of a tile, at 60 % of the speed.

export { gemm_i8i8i32, gemm_i8i8i32_pairs, gemm_i8i8i64, gemm_i8i8i64_pairs } from './gemm';
export {
  abi_version,
  pack_columns_i8,
  pack_nn_i8,
  pack_nt_i8,
  pack_rows_i8,
  spread_u32,
} from './index';
