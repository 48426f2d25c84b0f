// Bounds of the kernels of layers: norms, softmax, losses, activation functions, embeddings.

import { inout, input } from '../../helpers/calls.ts';
import {
  type Argument,
  BOTTOM,
  boundList,
  int16,
  int32,
  out16,
  out32,
  out64,
  row,
  TOP,
} from './bound.ts';

const { bounds: layerBounds, bound } = boundList();

const norm = (
  columns: number,
  shift = 7,
  bias: Argument = 0,
  saved = true,
  restores = true,
  fraction = 9,
): Argument[] => [
  input(new Int32Array(columns).map((_, i) => i * 1000)),
  shift,
  0,
  row(columns, 2048),
  bias,
  out16(columns),
  saved ? out16(columns) : 0,
  restores ? out32(1) : 0,
  1,
  columns,
  fraction,
];
/** Fraction bits of x-hat and the columns of a row, at the corners and beyond. */
const XHAT_CORNERS = [
  [11, 1],
  [11, 256],
  [10, 1024],
  [9, 4096],
];
const XHAT_BEYOND = [
  [11, 0],
  [11, 257],
  [10, 1025],
  [9, 4097],
];
const XHAT_COLUMNS = '1 <= columns <= 4^(15 - fraction)';
bound('layer_norm_forward_i32i16', XHAT_COLUMNS, XHAT_CORNERS, XHAT_BEYOND, ([fraction, columns]) =>
  norm(columns, 7, 0, true, true, fraction),
);
bound('layer_norm_forward_i32i16', '9 <= fraction <= 11', [9, 11], [8, 12], (fraction) =>
  norm(5, 7, 0, true, true, fraction),
);
bound('layer_norm_forward_i32i16', '0 <= shift <= 31', [0, 31], [-1, 32], (shift) =>
  norm(5, shift),
);
bound(
  'layer_norm_forward_i32i16',
  '|bias| < 2^26',
  [2 ** 26 - 1, 1 - 2 ** 26],
  [2 ** 26, -(2 ** 26)],
  (bias) => norm(2, 7, int32(bias, bias)),
);
bound(
  'layer_norm_forward_i32i16',
  'xhat and rstd both or neither',
  [
    [true, true],
    [false, false],
  ],
  [
    [true, false],
    [false, true],
  ],
  ([xhat, rstd]) => norm(5, 7, 0, xhat, rstd),
);
const back = (columns: number, shift = 22, dy = 16383, fraction = 9): Argument[] => [
  row(columns, dy),
  row(columns, 2048),
  row(columns, 32767),
  int32(TOP),
  out32(columns),
  out64(...Array<bigint>(columns).fill(0n)),
  0,
  1,
  columns,
  shift,
  fraction,
];
bound(
  'layer_norm_backward_i16i32',
  XHAT_COLUMNS,
  XHAT_CORNERS,
  XHAT_BEYOND,
  ([fraction, columns]) => back(columns, 22, 16383, fraction),
);
bound('layer_norm_backward_i16i32', '9 <= fraction <= 11', [9, 11], [8, 12], (fraction) =>
  back(5, 22, 16383, fraction),
);
bound('layer_norm_backward_i16i32', '1 <= shift <= 62', [1, 62], [0, 63], (shift) =>
  back(5, shift),
);
bound('layer_norm_backward_i16i32', '|dy| <= 16383', [16383, -16383], [16384, -16384], (dy) =>
  back(9, 22, dy),
);
const soft = (
  columns: number,
  valid: number,
  causal = 0,
  scale = 2 ** 26,
  rows = 1,
): Argument[] => [
  inout(new Int32Array(columns * rows).map((_, i) => i * 999)),
  columns,
  out16(columns * rows),
  columns,
  rows,
  columns,
  valid,
  causal,
  scale,
];
bound('softmax_forward_i32i16', 'columns <= 4096', [4096], [4097], (columns) => soft(columns, 1));
bound('softmax_forward_i32i16', '1 <= v_i', [1], [0], (valid) => soft(4, valid));
bound('softmax_forward_i32i16', 'v_i <= columns', [3], [4], (valid) =>
  soft(4, valid, 1, 2 ** 26, 2),
);
bound('softmax_forward_i32i16', 'causal 0 or 1', [0, 1], [-1, 2], (causal) => soft(4, 2, causal));
bound('softmax_forward_i32i16', '0 < scale < 2^32', [1, 2 ** 32 - 1], [0], (scale) =>
  soft(4, 2, 0, scale),
);
const softBack = (
  columns: number,
  valid: number,
  causal = 0,
  factor = 2 ** 14,
  rows = 1,
  dp = TOP,
): Argument[] => [
  row(columns * rows, 100),
  columns,
  input(new Int32Array(columns * rows).fill(dp)),
  columns,
  out32(columns * rows),
  columns,
  rows,
  columns,
  valid,
  causal,
  factor,
];
bound('softmax_backward_i16i32', 'columns <= 4096', [4096], [4097], (columns) =>
  softBack(columns, 1),
);
bound('softmax_backward_i16i32', '1 <= v_i', [1], [0], (valid) => softBack(4, valid));
bound('softmax_backward_i16i32', 'v_i <= columns', [3], [4], (valid) =>
  softBack(4, valid, 1, 2 ** 14, 2),
);
bound('softmax_backward_i16i32', 'causal 0 or 1', [0, 1], [-1, 2], (causal) =>
  softBack(4, 2, causal),
);
bound(
  'softmax_backward_i16i32',
  '2^14 <= factor <= 2^15',
  [2 ** 14, 2 ** 15],
  [2 ** 14 - 1, 2 ** 15 + 1],
  (factor) => softBack(4, 2, 0, factor),
);
bound('softmax_backward_i16i32', '|dp| < 2^31', [TOP, -TOP], [BOTTOM], (dp) =>
  softBack(5, 5, 0, 2 ** 14, 1, dp),
);
const cross = (columns: number, target = 0, scale = 2 ** 20): Argument[] => [
  input(new Int32Array(columns)),
  columns,
  int32(target),
  0,
  columns,
  out32(1),
  1,
  columns,
  scale,
];
bound('cross_entropy_i32', '1 <= columns <= 2^20', [1, 2 ** 20], [0, 2 ** 20 + 1], (columns) =>
  cross(columns),
);
bound('cross_entropy_i32', '0 <= target < columns', [0, 4], [-1, 5], (target) => cross(5, target));
bound('cross_entropy_i32', '0 < scale', [1, 2 ** 32 - 1], [0], (scale) => cross(5, 2, scale));
bound('gelu_forward_i16i16', '0 <= shift <= 3', [0, 3], [-1, 4], (shift) => [
  int16(32767, -32768, 5),
  out16(3),
  3,
  shift,
]);
const embed = (l: number, token = 5, position = 5): Argument[] => [
  int32(0),
  int32(token),
  int32(position),
  out32(1),
  1,
  1,
  l,
];
bound('embedding_forward_i32', '6 <= l <= 14', [6, 14], [5, 15], (l) => embed(l));
bound(
  'embedding_forward_i32',
  '|token| < 2^30',
  [2 ** 30 - 1, 1 - 2 ** 30],
  [2 ** 30, -(2 ** 30)],
  (token) => embed(9, token, token > 0 ? 2 ** 30 - 1 : 1 - 2 ** 30),
);
bound(
  'embedding_forward_i32',
  '|position| < 2^30',
  [2 ** 30 - 1, 1 - 2 ** 30],
  [2 ** 30, -(2 ** 30)],
  (position) => embed(9, 5, position),
);
bound('embedding_backward_i32i64', '-31 <= shift <= 31', [-31, 31], [-32, 32], (shift) => [
  int32(0),
  int32(TOP),
  out64(0n),
  out64(0n),
  1,
  1,
  shift,
]);

/** The bounds, in the order of the contract. */
export { layerBounds };
