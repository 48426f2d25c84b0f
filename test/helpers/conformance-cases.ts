// The cases of the published known answers, as data: sizes at and around the kernels' tiles,
// extremes of the formats. Their digests are computed by the reference implementation (npm run
// golden) and kept in src/verify/published/conformance.json.

import { type Kernels, packedBytes, panelStride } from '../../src/kernels/kernels.ts';
import type { BufferArgument } from '../../src/verify/cases.ts';

type Arguments = (number | BufferArgument)[];
type Range = { low?: number; high?: number; output?: boolean };

const int16 = (length: number, range: Range = {}): BufferArgument => ({
  type: 'int16',
  length,
  ...range,
});
const int32 = (length: number, range: Range = {}): BufferArgument => ({
  type: 'int32',
  length,
  ...range,
});
const int64 = (length: number, bits: number, output = false): BufferArgument => ({
  type: 'int64',
  length,
  bits,
  ...(output ? { output } : {}),
});
const uint8 = (length: number, output = false): BufferArgument => ({
  type: 'uint8',
  length,
  ...(output ? { output } : {}),
});
const out = { output: true };
const within = (bound: number): { low: number; high: number } => ({ low: -bound, high: bound });
const operand = within(4095);
const panels = (k: number, n: number, range: Range = operand): BufferArgument =>
  int16(packedBytes(k, n) / 2, range);

const SHAPES = [
  [1, 1, 1],
  [2, 16, 2],
  [3, 17, 5],
  [4, 32, 64],
  [7, 33, 129],
  [33, 50, 66],
  [5, 16, 530],
];
const LENGTHS = [1, 3, 4, 8, 15, 16, 17, 40, 129];
const RADICES = [
  [10, 9],
  [9, 10],
  [2, 1],
  [8, 7],
  [1, 2],
  [32768, 32767],
  [32767, 32768],
  [1, 32768],
  [32768, 1],
];
const ROWS = [
  [1, 1],
  [2, 7],
  [3, 8],
  [5, 33],
  [4, 130],
];

const gemm32 = SHAPES.map(
  ([m, n, k]): Arguments => [
    int16(m * k, operand),
    k,
    panels(k, n),
    panelStride(k),
    int32(m * n, out),
    n,
    m,
    n,
    k,
  ],
);
const gemm64 = SHAPES.flatMap(([m, n, k], i) =>
  [
    [128, -16 + 5 * i],
    [16, i - 3],
  ].map(
    ([chunk, shift]): Arguments => [
      int16(m * k, operand),
      k,
      panels(k, n),
      panelStride(k),
      int64(m * n, 50, true),
      n,
      m,
      n,
      k,
      chunk,
      Math.min(20, shift),
    ],
  ),
);

/** Arguments of every case of every kernel. */
export const CASES: Readonly<Record<keyof Kernels, readonly Arguments[]>> = {
  pack_nn_i16: SHAPES.map(([, n, k]) => [
    int16(k * (n + 3)),
    n + 3,
    k,
    n,
    int16(packedBytes(k, n) / 2, out),
  ]),
  pack_nt_i16: SHAPES.map(([, n, k]) => [
    int16(n * (k + 1)),
    k + 1,
    k,
    n,
    int16(packedBytes(k, n) / 2, out),
  ]),
  transpose_i16: SHAPES.map(([m, n, k]) => [
    int16((m + k) * (n + 2)),
    n + 2,
    m + k,
    n,
    int16(n * (m + k + 1), out),
    m + k + 1,
  ]),
  gemm_i16i16i32: [
    ...gemm32,
    [int16(6 * 40), 40, panels(40, 20, {}), panelStride(40), int32(6 * 23, out), 23, 6, 20, 40],
  ],
  gemm_i16i16i64: gemm64,
  requantize_i32i16: ROWS.flatMap(([rows, n], i) => [
    [int32(rows * n), n, int16(rows * n, out), n, rows, n, 12 + 4 * i, 4095, 0],
    [
      int32(rows * n, within(2 ** (14 + i))),
      n,
      int16(rows * n, out),
      n,
      rows,
      n,
      1 + i,
      32767 >> i,
      0,
    ],
    [
      int32(rows * n, within(2 ** 24)),
      n,
      int16(rows * n, out),
      n,
      rows,
      n,
      10 + i,
      4095,
      int32(n, within(2 ** 20)),
    ],
  ]),
  requantize_i32i32: ROWS.flatMap(([rows, n], i) => [
    [int32(rows * n), n, int32(rows * n, out), n, rows, n, 2 * i, 2 ** 26, 0],
    [
      int32(rows * n, within(2 ** 20)),
      n,
      int32(rows * n, out),
      n,
      rows,
      n,
      i - 8,
      2 ** 24,
      int32(n, within(2 ** 20)),
    ],
  ]),
  narrow_i64i32: ROWS.map(([rows, n], i) => [
    int64(rows * n, 32 + 7 * i),
    n,
    int32(rows * n, out),
    n,
    rows,
    n,
    1 + 7 * i,
  ]),
  max_abs_i32: ROWS.map(([rows, n], i) => [int32(rows * n, within(2 ** (6 * i) + 1)), n, rows, n]),
  max_bits_i64: LENGTHS.map((n, i) => [int64(n, 7 * i + 2), n]),
  quantize_i32i16: LENGTHS.map((n, i) => [
    int32(n, within(2 ** 27)),
    int16(n, out),
    n,
    10 + i,
    4095 + 7168 * (i % 2),
  ]),
  l1_max_i16: ROWS.map(([rows, n]) => [int16(rows * n), rows, n, int32(n)]),
  row_norm_max_i16: ROWS.map(([rows, n]) => [int16(rows * n), rows, n]),
  combine_i32: LENGTHS.flatMap((n, i) => [
    [
      int32(n, within(2 ** 26)),
      9 - i,
      i - 1,
      int32(n, within(2 ** 26)),
      i - 4,
      3 - i,
      int32(n, within(2 ** 26)),
      i - 4,
      int32(n, out),
      n,
    ],
    [int32(n, within(2 ** 24)), 1, -3, 0, 0, 0, 0, 0, int32(n, out), n],
  ]),
  sum_rows_i16i64: ROWS.map(([rows, n], i) => [
    int16(rows * n),
    n,
    rows,
    n,
    int64(n, 50, true),
    5 * i - 10,
  ]),
  accumulate_i64: LENGTHS.map((n, i) => [int64(n, 40), int64(n, 60, true), n, 5 * i - 25]),
  hash_i32: LENGTHS.map((n) => [int32(n), n]),
  layer_norm_forward_i32i16: ROWS.flatMap(([rows, n], i) => [
    [
      int32(rows * n, within(2 ** (8 + 3 * i))),
      i,
      int32(rows * n, within(2 ** 18)),
      int16(n, within(6000)),
      int32(n, within(2 ** 22)),
      int16(rows * n, out),
      int16(rows * n, out),
      int32(rows, out),
      rows,
      n,
    ],
    [
      int32(rows * n, within(2 ** 18)),
      7,
      0,
      int16(n, { low: 1500, high: 2500 }),
      0,
      int16(rows * n, out),
      int16(rows * n, out),
      int32(rows, out),
      rows,
      n,
    ],
  ]).concat([
    // rows so flat that epsilon decides, with s = -15; equal values
    ...[1, 3, 40].map(
      (bound, i): Arguments => [
        int32(4 * 48, within(bound)),
        0,
        int32(4 * 48, within(bound)),
        int16(48, within(6000)),
        0,
        int16(4 * 48, out),
        int16(4 * 48, out),
        int32(4, out),
        4,
        48 - i,
      ],
    ),
    [
      int32(2 * 16, { low: 5, high: 5 }),
      3,
      0,
      int16(16),
      0,
      int16(2 * 16, out),
      int16(2 * 16, out),
      int32(2, out),
      2,
      16,
    ],
    [
      int32(1, { low: 2 ** 24, high: 2 ** 24 }),
      0,
      0,
      int16(1),
      0,
      int16(1, out),
      int16(1, out),
      int32(1, out),
      1,
      1,
    ],
  ]),
  layer_norm_backward_i16i32: ROWS.map(([rows, n], i) => [
    int16(rows * n, within(16383)),
    int16(rows * n, within(8000)),
    int16(n, within(4000)),
    int32(rows, { low: 2 ** 18, high: 2 ** 26 }),
    int32(rows * n, out),
    int64(n, 40, true),
    i % 2 === 0 ? int64(n, 40, true) : 0,
    rows,
    n,
    20 + 2 * i,
  ]).concat(
    [
      [3, 1],
      [40, 4],
    ].map(
      (
        [n, shift], // large products: v and dz saturate
      ) => [
        int16(2 * n, within(16383)),
        int16(2 * n),
        int16(n),
        int32(2, { low: 2 ** 29, high: 2 ** 30 }),
        int32(2 * n, out),
        int64(n, 40, true),
        0,
        2,
        n,
        shift,
      ],
    ),
  ),
  softmax_forward_i32i16: [
    [3, 16, 16, 0],
    [5, 40, 36, 1],
    [1, 33, 33, 0],
    [32, 64, 33, 1],
    [2, 7, 3, 1],
  ]
    .map(([rows, n, valid, causal], i) => [
      int32(rows * n, within(2 ** (17 + i))),
      n,
      int16(rows * n, out),
      n,
      rows,
      n,
      valid,
      causal,
      2 ** 29 + 12345 * i,
    ])
    .concat([
      [int32(9 * 12, within(2 ** 24)), 12, int16(9 * 12, out), 12, 9, 12, 1, 1, 2 ** 24],
      [int32(2 * 64), 64, int16(2 * 64, out), 64, 2, 64, 64, 0, 4_000_000],
    ]), // a single column; the farthest distances
  softmax_backward_i16i32: [
    [3, 16, 16, 0],
    [5, 40, 36, 1],
    [1, 33, 33, 0],
    [32, 64, 33, 1],
    [2, 7, 3, 1],
  ]
    .map(([rows, n, valid, causal], i) => [
      int16(rows * n, { low: 0, high: i === 3 ? 32767 : 3000 }),
      n,
      int32(rows * n, within(2 ** (21 + 2 * i))),
      n,
      int32(rows * n, out),
      n,
      rows,
      n,
      valid,
      causal,
      2 ** 14 + 3000 * i,
    ])
    .concat([
      [
        int16(3 * 20, { low: 0, high: 32767 }),
        20,
        int32(3 * 20),
        20,
        int32(3 * 20, out),
        20,
        3,
        20,
        20,
        0,
        2 ** 15,
      ],
    ]), // saturates
  cross_entropy_i32: [
    [1, 2],
    [3, 16],
    [2, 33],
    [5, 96],
    [1, 300],
  ]
    .map(([rows, n], i) => [
      int32(rows * n, within(2 ** (17 + i))),
      n,
      int32(rows, { low: 0, high: n - 1 }),
      int32(rows * n, out),
      n,
      int32(rows, out),
      rows,
      n,
      2 ** 28 + 777 * i,
    ])
    .concat([
      [
        int32(40 * 250, within(2 ** 19)),
        250,
        int32(40, { low: 0, high: 249 }),
        int32(40 * 250, out),
        250,
        int32(40, out),
        40,
        250,
        2 ** 28,
      ],
      [
        int32(4000 * 2, within(2 ** 18)),
        2,
        int32(4000, { low: 0, high: 1 }),
        int32(4000 * 2, out),
        2,
        int32(4000, out),
        4000,
        2,
        2 ** 28,
      ],
    ]), // the last bits of the exponential's polynomial
  gelu_forward_i16i16: LENGTHS.map(
    (n, i): Arguments => [int16(n, within(3000 * (i + 1))), int16(n, out), n, i % 4],
  ).concat([[int16(30_000, within(10300)), int16(30_000, out), 30_000, 0]]), // all of the table
  gelu_backward_i32: LENGTHS.map((n): Arguments => [int32(n), int16(n), int32(n, out), n]).concat([
    [int32(30_000, within(2 ** 28)), int16(30_000, within(10300)), int32(30_000, out), 30_000],
  ]),
  embedding_forward_i32: ROWS.map(([rows, n], i) => [
    int32(rows, { low: 0, high: 6 }),
    int32(7 * n, within(2 ** 24)),
    int32(rows * n, within(2 ** 22)),
    int32(rows * n, out),
    rows,
    n,
    6 + 2 * i,
  ]),
  embedding_backward_i32i64: ROWS.map(([rows, n], i) => [
    int32(rows, { low: 0, high: 6 }),
    int32(rows * n),
    int64(7 * n, 50, true),
    int64(rows * n, 50, true),
    rows,
    n,
    5 * i - 12,
  ]),
  bdia_step_i32: LENGTHS.flatMap((n, i) =>
    [1, 2, 3].map(
      (m): Arguments => [
        int32(n, within(2 ** 22)),
        int32(n, within(2 ** 22)),
        int32(n, within(2 ** 24)),
        int32(n, out),
        uint8(Math.ceil(n / 8) * m, true),
        n,
        6 + (i % 9),
        i % 3 === 0 ? -1 : 1,
        m,
      ],
    ),
  ).concat(
    LENGTHS.map((n, i) => [
      int32(n),
      int32(n),
      int32(n, within(2 ** 25)),
      int32(n, out),
      0,
      n,
      6 + (i % 9),
      0,
      1,
    ]),
  ),
  bdia_inverse_i32: LENGTHS.flatMap((n, i) =>
    [1, 2, 3].map(
      (m): Arguments => [
        int32(n),
        int32(n),
        int32(n, within(2 ** 26)),
        uint8(Math.ceil(n / 8) * m),
        int32(n, out),
        n,
        6 + (i % 9),
        i % 3 === 0 ? -1 : 1,
        m,
      ],
    ),
  ),
  sum_squares_i64: LENGTHS.map((n, i) => [int64(n, 20 + i), n, i, int64(1, 64, true)]),
  adamw_i64: LENGTHS.map((n, i) => [
    int32(n, { ...within(2 ** 26), output: true }),
    int64(n, 31 + 3 * i),
    int32(n, { ...within(2 ** 28), output: true }),
    int32(n, { low: 0, high: 2 ** (12 + 2 * i), output: true }),
    n,
    3 * i,
    2 ** 30 + 9999 * i,
    31 + (i % 3),
    3,
    7,
    4_294_967 * (i + 1),
    11,
    429_497,
    2 ** 28 - 2 ** 15 - 1,
    int64(64, 64),
  ]).concat([
    [
      int32(20, { ...within(2 ** 20), output: true }),
      int64(20, 40),
      int32(20, { ...within(2 ** 28), output: true }),
      int32(20, { low: 0, high: 2 ** 20, output: true }),
      20,
      8,
      2 ** 31 - 1,
      31,
      3,
      7,
      4_294_967,
      11,
      0,
      2 ** 28 - 2 ** 15 - 1,
      int64(64, 64),
    ], // clipped at 1
    [
      int32(4096, { ...within(2 ** 24), output: true }),
      int64(4096, 24),
      int32(4096, { ...within(2 ** 22), output: true }),
      int32(4096, { low: 0, high: 2 ** 24, output: true }),
      4096,
      0,
      2 ** 30,
      31,
      3,
      7,
      4_294_967,
      11,
      429_497,
      2 ** 28 - 2 ** 15 - 1,
      int64(64, 64),
    ],
  ]), // all of the roots' table
  random_u32: [4, 8, 40].map((n, i) => [int32(n, out), n, i, 5 * i, 2 ** i, 12345 + i, i]),
  random_normal_i32: [1, 4, 7, 40].map((n, i) => [
    int32(n, out),
    n,
    i,
    0,
    1,
    99 + i,
    i,
    2 ** (20 + i),
  ]),
  dropout_i32: LENGTHS.flatMap((n, i) => [
    [
      int32(n, out),
      n,
      i,
      5 * i,
      2 ** i,
      12345 + i,
      i,
      Math.min(2 ** 32 - 1, 2 ** 29 * i),
      2 ** 15 + 4000 * i,
      2 ** 31 - 1 - 2 ** 27 * i,
    ],
    [
      int32(n, { ...within(2 ** (12 + 2 * i)), output: true }),
      n,
      1,
      i,
      3,
      77,
      i,
      429_496_730,
      2 ** (20 - (i % 6)),
      2 ** 24 - i,
    ],
  ]),
  add_rounded_i32: LENGTHS.flatMap((n, i): Arguments[] => [
    [
      int32(n),
      int32(n),
      int32(n, out),
      n,
      (-1) ** i * (2 ** 24 - i),
      5 * i,
      2 ** 31 - 1 - 2 ** 26 * i,
    ],
    [
      int32(n, within(2 ** 20)),
      int32(n, within(2 ** (2 * i + 3))),
      int32(n, out),
      n,
      (-3) ** (i % 3),
      i % 4,
      2 ** 19,
    ], // ties
  ]),
  exchange_radix_i32u32: LENGTHS.flatMap((n, i) =>
    [0, 4, 7].map((j): Arguments => {
      const [from, to] = RADICES[(i + j) % RADICES.length];
      return [
        int32(n, out),
        int32(n, j === 0 ? out : { low: 0, high: 2 ** (4 * j), output: true }),
        n,
        from,
        to,
        (-1) ** (i + j),
        i % 3 === 0 ? -1 : 1,
      ];
    }),
  ),
};
