// Cases of the kernels of update rules, of the optimizer, and of random numbers.

import type { Kernels } from '../../../src/kernels/kernels.ts';
import { type Arguments, int32, int64, LENGTHS, out, RADICES, uint8, within } from './arguments.ts';

/** In the order of the contract. */
export const updateCases = {
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
} satisfies Partial<Record<keyof Kernels, readonly Arguments[]>>;
