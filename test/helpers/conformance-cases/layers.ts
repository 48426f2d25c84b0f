// Cases of the kernels of layers: norms, softmax, the loss, activation functions, embeddings.

import type { Kernels } from '../../../src/kernels/kernels.ts';
import { type Arguments, int16, int32, int64, LENGTHS, out, ROWS, within } from './arguments.ts';

/** In the order of the contract. */
export const layerCases = {
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
      11,
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
      11,
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
        11,
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
      11,
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
      11,
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
    11,
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
        11,
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
      int32(rows * n, { ...within(2 ** (17 + i)), ...out }),
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
      [
        int32(9 * 12, { ...within(2 ** 24), ...out }),
        12,
        int16(9 * 12, out),
        12,
        9,
        12,
        1,
        1,
        2 ** 24,
      ],
      [int32(2 * 64, out), 64, int16(2 * 64, out), 64, 2, 64, 64, 0, 4_000_000],
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
} satisfies Partial<Record<keyof Kernels, readonly Arguments[]>>;
