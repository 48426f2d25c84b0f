// The build with the relaxed instruction.

export { gemm_i8i8i32, gemm_i8i8i64 } from './gemm';
export { abi_version, pack_nn_i8, pack_nt_i8, pack_rows_i8 } from './index';
