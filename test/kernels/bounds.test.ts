// Every bound that the contract (src/kernels/kernels.ts) documents: at its corner all back ends
// agree, one beyond it the checked build refuses the call by the kernel's name. Kernels that are
// missing here have no bound, and say so.

import { describe, expect, it } from 'vitest';
import type { Kernels } from '../../src/kernels/kernels.ts';
import { Run } from '../../src/ops/run.ts';
import { backends } from '../helpers/backends.ts';
import {
  type Block,
  type Call,
  Equality,
  inout,
  input,
  output,
  run,
  scratch,
} from '../helpers/calls.ts';
import { createGpt } from '../helpers/flat.ts';

type Argument = number | Block;
const TOP = 2 ** 31 - 1;
const BOTTOM = -(2 ** 31);

const int16 = (...values: number[]): Block => input(Int16Array.from(values));
const int32 = (...values: number[]): Block => input(Int32Array.from(values));
const int64 = (...values: bigint[]): Block => input(BigInt64Array.from(values));
const out16 = (n: number): Block => output(new Int16Array(n));
const out32 = (n: number): Block => output(new Int32Array(n));
const out64 = (...values: bigint[]): Block => inout(BigInt64Array.from(values));
const blank = (n: number): Int16Array => new Int16Array(n);
/** n pairs (a, b) as a row of A, and a packed column of B. */
const row = (n: number, value: number): Block => input(blank(n).fill(value));
const column = (n: number, value: number): Block =>
  input(blank(Math.ceil(n / 2) * 32).map((_, i) => (i % 32 < 2 ? value : 0)));

/** For each bound: the arguments with its value, the corner and what is one beyond. */
const bounds: {
  kernel: keyof Kernels;
  what: string;
  args: (value: never) => Argument[];
  corners: unknown[];
  beyond: unknown[];
}[] = [];
const bound = <T>(
  kernel: keyof Kernels,
  what: string,
  corners: T[],
  beyond: T[],
  args: (value: T) => Argument[],
): number => bounds.push({ kernel, what, args: args as never, corners, beyond });

bound('pack_nn_i16', 'ldb >= n', [2], [1], (ldb) => [int16(1, 2, 3, 4), ldb, 1, 2, out16(32)]);
bound('pack_nt_i16', 'ldb >= k', [2], [1], (ldb) => [int16(1, 2, 3, 4), ldb, 2, 1, out16(32)]);
bound('transpose_i16', 'lda >= columns', [2], [1], (lda) => [
  int16(1, 2, 3, 4),
  lda,
  1,
  2,
  out16(2),
  1,
]);
bound('transpose_i16', 'ldo >= rows', [2], [1], (ldo) => [
  int16(1, 2, 3, 4),
  2,
  2,
  2,
  out16(4),
  ldo,
]);
bound('gemm_i16i16i32', 'lda >= k', [2], [1], (lda) => [
  int16(1, 2),
  lda,
  column(2, 3),
  64,
  out32(1),
  1,
  1,
  1,
  2,
]);
bound('gemm_i16i16i32', 'ldc >= n', [2], [1], (ldc) => [
  int16(1, 2),
  2,
  column(2, 3),
  64,
  out32(2),
  ldc,
  1,
  2,
  2,
]);
bound('gemm_i16i16i64', 'chunk even, at least 2', [2, 4], [1, 3, 0], (chunk) => [
  int16(1, 2),
  2,
  column(2, 3),
  64,
  out64(5n),
  1,
  1,
  1,
  2,
  chunk,
  0,
]);
bound('gemm_i16i16i64', '-16 <= shift <= 20', [-16, 20], [-17, 21], (shift) => [
  int16(1, 2),
  2,
  column(2, 3),
  64,
  out64(5n),
  1,
  1,
  1,
  2,
  2,
  shift,
]);
// 2 * 32767^2 + 3 * 32767 = 2^31 - 1 - 2^15
for (const sign of [1, -1])
  bound('gemm_i16i16i64', `|S| <= 2^31 - 1 - 2^15, sign ${sign}`, [0, -1], [1, 2], (last) => {
    const packed = blank(64);
    [32767, 32767, 32767, last].forEach((v, k) => {
      packed[32 * Math.floor(k / 2) + (k % 2)] = sign * v;
    });
    return [int16(32767, 32767, 3, 1), 4, input(packed), 128, out64(5n), 1, 1, 1, 4, 4, -16];
  });
bound('requantize_i32i16', '1 <= shift <= 31', [1, 31], [0, 32], (shift) => [
  int32(TOP, BOTTOM),
  2,
  out16(2),
  2,
  1,
  2,
  shift,
  4095,
  0,
]);
bound('requantize_i32i16', '0 <= bound <= 32767', [0, 32767], [-1, 32768], (most) => [
  int32(TOP, BOTTOM),
  2,
  out16(2),
  2,
  1,
  2,
  5,
  most,
  0,
]);
bound(
  'requantize_i32i16',
  '|bias| < 2^28',
  [2 ** 28 - 1, 1 - 2 ** 28],
  [2 ** 28, -(2 ** 28)],
  (bias) => [int32(TOP, BOTTOM), 2, out16(2), 2, 1, 2, 5, 4095, int32(bias, 0)],
);
bound('requantize_i32i32', '-8 <= shift <= 30', [-8, 30], [-9, 31], (shift) => [
  int32(TOP, BOTTOM),
  2,
  out32(2),
  2,
  1,
  2,
  shift,
  2 ** 26,
  0,
]);
bound('requantize_i32i32', '0 <= bound <= 2^26', [0, 2 ** 26], [-1, 2 ** 26 + 1], (most) => [
  int32(TOP, BOTTOM),
  2,
  out32(2),
  2,
  1,
  2,
  5,
  most,
  0,
]);
bound(
  'requantize_i32i32',
  '|bias| < 2^26',
  [2 ** 26 - 1, 1 - 2 ** 26],
  [2 ** 26, -(2 ** 26)],
  (bias) => [int32(TOP, BOTTOM), 2, out32(2), 2, 1, 2, 5, 2 ** 26, int32(bias, 0)],
);
bound('narrow_i64i32', '0 <= shift <= 62', [0, 62], [-1, 63], (shift) => [
  int64(5n, -5n),
  2,
  out32(2),
  2,
  1,
  2,
  shift,
]);
bound(
  'narrow_i64i32',
  'the result fits',
  [2n ** 31n * 4n - 3n, -(2n ** 33n) - 2n],
  [2n ** 33n - 2n, -(2n ** 33n) - 3n],
  (value) => [int64(value), 1, out32(1), 1, 1, 1, 2],
);
bound('quantize_i32i16', '0 <= shift <= 24', [0, 24], [-1, 25], (shift) => [
  int32(TOP, BOTTOM),
  out16(2),
  2,
  shift,
  4095,
]);
bound('quantize_i32i16', '0 <= bound <= 32767', [0, 32767], [-1, 32768], (most) => [
  int32(TOP, BOTTOM),
  out16(2),
  2,
  5,
  most,
]);
bound('l1_max_i16', 'rows <= 2^15', [2 ** 15], [2 ** 15 + 1], (rows) => [
  input(blank(rows).fill(-32768)),
  rows,
  1,
  scratch(new Int32Array(1)),
]);
bound('l1_max_i16', 'columns <= 2^15', [2 ** 15], [2 ** 15 + 1], (columns) => [
  input(blank(columns).fill(-32768)),
  1,
  columns,
  scratch(new Int32Array(columns)),
]);
bound('row_norm_max_i16', 'columns <= 2^15', [2 ** 15], [2 ** 15 + 1], (columns) => [
  input(blank(columns).fill(-32768)),
  1,
  columns,
]);
for (const [at, name] of [
  [2, 'aShift'],
  [5, 'bShift'],
  [7, 'cShift'],
] as const)
  bound('combine_i32', `-31 <= ${name} <= 31`, [-31, 31], [-32, 32], (shift) =>
    ([int32(1), 1, 0, int32(2), 1, 0, int32(3), 0, out32(1), 1] as Argument[]).map((value, i) =>
      i === at ? shift : value,
    ),
  );
for (const [at, name] of [
  [1, 'aFactor'],
  [4, 'bFactor'],
] as const)
  bound('combine_i32', `-15 <= ${name} <= 15`, [-15, 15], [-16, 16], (factor) =>
    ([int32(7), 1, 0, int32(2), 1, 0, 0, 0, out32(1), 1] as Argument[]).map((value, i) =>
      i === at ? factor : value,
    ),
  );
for (const [first, name] of [
  [0, 'a'],
  [3, 'b'],
] as const)
  bound(
    'combine_i32',
    `|${name} ${name}Factor| < 2^31`,
    [
      [238_609_294, 9],
      [-238_609_294, 9],
      [BOTTOM + 1, -1],
      [143_165_576, -15],
    ],
    [
      [238_609_295, 9],
      [-238_609_295, 9],
      [BOTTOM, 1],
      [143_165_577, 15],
    ],
    ([value, factor]) =>
      ([int32(1), 1, 0, int32(2), 1, 0, 0, 0, out32(1), 1] as Argument[]).map((given, i) => {
        if (i === first) return int32(value);
        return i === first + 1 ? factor : given;
      }),
  );
bound('sum_rows_i16i64', '-31 <= shift <= 31', [-31, 31], [-32, 32], (shift) => [
  int16(32767, -32768),
  1,
  2,
  1,
  out64(5n),
  shift,
]);
bound('accumulate_i64', '-62 <= shift <= 31', [-62, 31], [-63, 32], (shift) => [
  int64(-5n),
  out64(5n),
  1,
  shift,
]);
bound(
  'accumulate_i64',
  'the sum fits',
  [
    [2n ** 62n - 1n, 1n],
    [-(2n ** 62n), 0n],
  ],
  [
    [2n ** 62n - 1n, 2n],
    [-(2n ** 62n), -1n],
    [2n ** 62n, 0n],
  ],
  ([value, old]) => [int64(value), out64(old), 1, 1],
);
const norm = (
  columns: number,
  shift = 7,
  bias: Argument = 0,
  saved = true,
  restores = true,
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
];
bound('layer_norm_forward_i32i16', '1 <= columns <= 4096', [1, 4096], [0, 4097], (columns) =>
  norm(columns),
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
const back = (columns: number, shift = 22, dy = 16383): Argument[] => [
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
];
bound('layer_norm_backward_i16i32', '1 <= columns <= 4096', [1, 4096], [0, 4097], (columns) =>
  back(columns),
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
  input(new Int32Array(columns * rows).map((_, i) => i * 999)),
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
const bdia = (l: number, sigma: number, m: number): Argument[] => [
  int32(TOP),
  int32(BOTTOM),
  int32(77),
  out32(1),
  output(new Uint8Array(3)),
  1,
  l,
  sigma,
  m,
];
const undo = (l: number, sigma: number, m: number): Argument[] => [
  int32(TOP),
  int32(BOTTOM),
  int32(77),
  input(new Uint8Array(3)),
  out32(1),
  1,
  l,
  sigma,
  m,
];
bound('bdia_step_i32', '6 <= l <= 14', [6, 14], [5, 15], (l) => bdia(l, 1, 3));
bound('bdia_step_i32', 'sigma 1 or -1 (or 0)', [1, -1], [2, -2], (sigma) => bdia(9, sigma, 3));
bound('bdia_step_i32', '1 <= m <= 3', [3], [0, 4], (m) => bdia(9, 1, m));
bound('bdia_inverse_i32', '6 <= l <= 14', [6, 14], [5, 15], (l) => undo(l, 1, 3));
bound('bdia_inverse_i32', 'sigma 1 or -1', [1, -1], [0, 2, -2], (sigma) => undo(9, sigma, 3));
bound('bdia_inverse_i32', '1 <= m <= 3', [1, 3], [0, 4], (m) => undo(9, 1, m));
bound('sum_squares_i64', '0 <= shift <= 62', [0, 62], [-1, 63], (shift) => [
  int64(5n),
  1,
  shift,
  out64(0n),
]);
bound(
  'sum_squares_i64',
  '|halfUp| <= 2^20',
  [2n ** 20n, -(2n ** 20n)],
  [2n ** 20n + 1n, -(2n ** 20n) - 1n],
  (g) => [int64(g, g), 2, 0, out64(0n)],
);
bound('sum_squares_i64', 'n < 2^23', [1000], [2 ** 23], (n) => [
  input(new BigInt64Array(n === 1000 ? n : 1)),
  n,
  0,
  out64(0n),
]);
interface Adam {
  shift: number;
  factor: number;
  factorShift: number;
  k1: number;
  k2: number;
  rate: number;
  epsilon: number;
  decay: number;
  limit: number;
  g: bigint;
}
const adam = (change: Partial<Adam>): Argument[] => {
  const { shift, factor, factorShift, k1, k2, rate, epsilon, decay, limit, g } = {
    shift: 0,
    factor: 2 ** 20,
    factorShift: 20,
    k1: 3,
    k2: 7,
    rate: 2 ** 22,
    epsilon: 11,
    decay: 0,
    limit: 2 ** 28,
    g: 5n,
    ...change,
  };
  return [
    inout(Int32Array.of(7)),
    int64(g),
    inout(Int32Array.of(2 ** 30)),
    inout(Int32Array.of(2 ** 30)),
    1,
    shift,
    factor,
    factorShift,
    k1,
    k2,
    rate,
    epsilon,
    decay,
    limit,
    scratch(new BigInt64Array(64)),
  ];
};
const ADAM: [keyof Adam, number[], number[]][] = [
  ['shift', [0, 62], [-1, 63]],
  ['factor', [0, TOP], [-1]],
  ['factorShift', [1, 62], [0, 63]],
  ['k1', [0, 30], [-1, 31]],
  ['k2', [0, 62], [-1, 63]],
  ['rate', [0, 2 ** 32 - 1], []],
  ['epsilon', [1, TOP], [0]],
  ['decay', [0, TOP], [-1]],
  ['limit', [0, TOP], [-1]],
];
for (const [name, corners, beyond] of ADAM)
  bound('adamw_i64', `${name} ${corners.join(' to ')}`, corners, beyond, (value) =>
    adam({ [name]: value }),
  );
bound(
  'adamw_i64',
  'G fits int32',
  [2n ** 33n - 3n, -(2n ** 33n) - 2n],
  [2n ** 33n - 2n, -(2n ** 33n) - 3n],
  (g) => adam({ g, shift: 2 }),
);
bound('random_u32', 'n a multiple of 4', [4], [3, 5], (n) => [
  output(new Uint32Array(8)),
  n,
  1,
  2,
  3,
  4,
  5,
]);
bound('random_normal_i32', '0 <= scale < 2^29', [0, 2 ** 29 - 1], [-1, 2 ** 29], (scale) => [
  out32(1),
  1,
  1,
  2,
  3,
  4,
  5,
  scale,
]);
const drop = (factor: number, limit: number): Argument[] => [
  inout(Int32Array.of(TOP, BOTTOM)),
  2,
  1,
  2,
  3,
  4,
  5,
  0,
  factor,
  limit,
];
bound(
  'dropout_i32',
  '2^15 <= factor <= 2^20',
  [2 ** 15, 2 ** 20],
  [2 ** 15 - 1, 2 ** 20 + 1],
  (factor) => drop(factor, TOP),
);
bound('dropout_i32', '0 <= limit < 2^31', [0, TOP], [-1], (limit) => drop(2 ** 20, limit));
const add = (factor: number, shift: number, limit: number): Argument[] => [
  int32(TOP, BOTTOM),
  int32(BOTTOM, TOP),
  out32(2),
  2,
  factor,
  shift,
  limit,
];
bound(
  'add_rounded_i32',
  '|factor| <= 2^24',
  [2 ** 24, -(2 ** 24)],
  [2 ** 24 + 1, -(2 ** 24) - 1],
  (factor) => add(factor, 40, TOP),
);
bound('add_rounded_i32', '0 <= shift <= 40', [0, 40], [-1, 41], (shift) => add(3, shift, TOP));
bound('add_rounded_i32', '0 <= limit < 2^31', [0, TOP], [-1], (limit) => add(3, 5, limit));
const exchange = (from: number, to: number, signs = [1, 1]): Argument[] => [
  inout(Int32Array.of(77)),
  inout(Uint32Array.of(7)),
  1,
  from,
  to,
  ...signs,
];
bound('exchange_radix_i32u32', '1 <= from <= 2^15', [1, 2 ** 15], [0, 2 ** 15 + 1], (from) =>
  exchange(from, 1),
);
bound('exchange_radix_i32u32', '1 <= to <= 2^15', [1, 2 ** 15], [0, 2 ** 15 + 1], (to) =>
  exchange(1, to),
);
bound(
  'exchange_radix_i32u32',
  'signs 1 or -1',
  [
    [1, -1],
    [-1, 1],
  ],
  [
    [0, 1],
    [1, 0],
    [2, 1],
    [1, 2],
  ],
  (signs) => exchange(7, 8, signs),
);

/** Kernels that any arguments are good for, sizes and addresses aside. */
const UNBOUNDED: (keyof Kernels)[] = [
  'gelu_backward_i32',
  'hash_i32',
  'max_abs_i32',
  'max_bits_i64',
];

describe('bounds of the contract', () => {
  it(`${bounds.length} bounds, of every kernel but ${UNBOUNDED.join(', ')}`, () => {
    expect([...new Set([...bounds.map(({ kernel }) => kernel), ...UNBOUNDED])].sort()).toEqual(
      Object.keys(backends()[0].kernels).sort(),
    );
  });

  const callOf = (kernel: keyof Kernels, args: readonly Argument[]): Call =>
    ({ kernel, args }) as unknown as Call;
  it.each(bounds)('$kernel: $what', ({ kernel, args, corners, beyond }) => {
    const equality = new Equality(backends());
    const checked = backends()[2];
    for (const value of corners) equality.check(callOf(kernel, args(value as never)));
    for (const value of beyond)
      expect(
        () => run(checked, callOf(kernel, args(value as never)), 0),
        `${kernel} ${String(value)}`,
      ).toThrow(kernel);
  });
});

describe('products of the residual gradient', () => {
  it('fit int32 by construction: a sum shifts larger terms; its result is at most 2^26', () => {
    const backend = backends()[2];
    const d = new Run(backend);
    const [a, b, out] = [0, 1, 2].map((i) => backend.base + i * 64);
    for (const raw of [2 ** 30, 2 ** 30 - 1, -(2 ** 30), TOP, 238_609_295])
      for (const factor of [7, 9, 15]) {
        d.view(a, 2).set([raw, 1000]);
        d.view(b, 2).set([raw, -1000]);
        const first = { at: a, exponent: -40 };
        const second = { at: b, exponent: -43 };
        const sum = { at: out, exponent: 0 };
        d.sum.of(2).add(first, factor).add(second).into(sum);
        expect((d.view(a, 1)[0] * 2 ** first.exponent) / (raw * 2 ** -40)).toBeCloseTo(1, 6);
        expect(
          (d.view(out, 1)[0] * 2 ** sum.exponent) / (raw * (factor + 1 / 8) * 2 ** -40),
        ).toBeCloseTo(1, 5);
        expect(Math.abs(d.view(out, 1)[0])).toBeLessThanOrEqual(2 ** 26);
      }
    d.view(a, 2).set([Math.floor(TOP / 9), 0]); // the largest that fits stays as it is
    const at = { at: a, exponent: -40 };
    d.sum.of(2).add(at, 9).into({ at: out, exponent: 0 });
    expect([d.view(a, 1)[0], at.exponent]).toEqual([Math.floor(TOP / 9), -40]);
  });

  it('gamma shift 3, gains near 16: 9 times the first gradient is no int32, no call beyond', () => {
    const gradients = backends().map((kind) => {
      let most = 0;
      const trainer = createGpt(
        {
          model: { vocabulary: 2, layers: 2, channels: 10, heads: 1, context: 1 },
          batch: 1,
          steps: 9,
          gammaShift: 3,
          seed: 1410,
        },
        (bytes) => {
          const { kernels } = kind;
          const used = bytes + kind.base;
          if (used > kind.memory.buffer.byteLength) throw new Error('too small');
          new Uint8Array(kind.memory.buffer, kind.base, bytes).fill(0);
          return {
            ...kind,
            kernels: {
              ...kernels,
              combine_i32: (...args) => {
                most = Math.max(most, kernels.max_abs_i32(args[0], args[9], 1, args[9]) * 9);
                kernels.combine_i32(...args);
              },
            },
          };
        },
      );
      let state = 1410 * 7919;
      const random = (): number => {
        state = (Math.imul(state, 1664525) + 1013904223) | 0;
        return state / 2 ** 31;
      };
      for (const { name, data } of trainer.tensors())
        if (name === 'norm.gain')
          data.forEach((_, i) => {
            data[i] = Math.round(
              15.9 * 2 ** 24 * (random() > 0 ? 1 : -1) * (0.75 + Math.abs(random()) / 4),
            );
          });
      const inputs = Int32Array.of(Math.floor(Math.abs(random()) * 2));
      trainer.computeGradients({ inputs, targets: Int32Array.of(1) });
      expect(most).toBeGreaterThan(2 ** 31);
      return trainer
        .tensors()
        .filter(({ name }) => !name.startsWith('optimizer'))
        .map(({ name }) => trainer.gradient(name).slice());
    });
    expect(gradients[1]).toEqual(gradients[0]);
    expect(gradients[2]).toEqual(gradients[0]);
  });
});
