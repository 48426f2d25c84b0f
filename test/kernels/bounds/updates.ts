// Bounds of the kernels of update rules, of the optimizer, and of random numbers.

import { inout, input, output, scratch } from '../../helpers/calls.ts';
import { type Argument, BOTTOM, boundList, int32, int64, out32, out64, TOP } from './bound.ts';

const { bounds: updateBounds, bound } = boundList();

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

/** The bounds, in the order of the contract. */
export { updateBounds };
