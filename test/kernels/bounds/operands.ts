// Bounds of the kernels that pack, multiply, quantize and add.

import { input, scratch } from '../../helpers/calls.ts';
import {
  type Argument,
  BOTTOM,
  blank,
  boundList,
  column,
  int16,
  int32,
  int64,
  out16,
  out32,
  out64,
  TOP,
} from './bound.ts';

const { bounds: operandBounds, bound } = boundList();

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
bound(
  'l1_max_i16',
  'columns <= 2^15, or 2^19 of |w| <= 4095',
  [
    [2 ** 15, -32768],
    [2 ** 15 + 1, 4095],
    [2 ** 19, -4095],
  ],
  [
    [2 ** 15 + 1, 4096],
    [2 ** 19 + 1, 4095],
  ],
  ([columns, value]) => [
    input(blank(columns).fill(value)),
    1,
    columns,
    scratch(new Int32Array(columns)),
  ],
);
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

/** The bounds, in the order of the contract. */
export { operandBounds };
