// The int16 matrix product: equal on all back ends around every tile edge, equal to a naive
// product, exact at its bound.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { panelStride } from '../../src/kernels/kernels.ts';
import {
  exactProducts,
  OPERAND_MAX,
  OPERAND_PRODUCTS,
  PROBABILITY_MAX,
  PROBABILITY_PRODUCTS,
} from '../../src/memory/formats.ts';
import { inout, input, inside, output } from '../helpers/calls.ts';
import { int16s, int64s, KINDS, type Kind, packed } from '../helpers/data.ts';
import { type Check, equal, property } from '../helpers/suite.ts';

const M = [0, 1, 2, 3, 4, 5];
const N = [0, 1, 7, 8, 15, 16, 17, 31, 32, 33];
const K = [0, 1, 2, 3, 4, 7, 8, 9, 16, 31];

/** Sum of A[i][p] B[p][j] for from <= p < to, in BigInt. */
function naive(
  A: Int16Array,
  lda: number,
  B: Int16Array,
  n: number,
  i: number,
  j: number,
  from: number,
  to: number,
): bigint {
  let sum = 0n;
  for (let p = from; p < to; p++) sum += BigInt(A[i * lda + p]) * BigInt(B[p * n + j]);
  return sum;
}
const storage = (rows: number, columns: number, ld: number): number =>
  rows === 0 ? 0 : (rows - 1) * ld + columns;
/** The contract's halfUp, from its formula. */
const halfUp = (a: bigint, s: number): bigint =>
  s > 0 ? (a + 2n ** BigInt(s - 1)) >> BigInt(s) : a * 2n ** BigInt(-s);

describe('gemm_i16i16i32', () => {
  equal(
    'equals the naive product modulo 2^32 for 6 x 10 x 10 sizes around every tile edge, ' +
      'full-range int16',
    600,
    (check) => {
      for (const m of M)
        for (const n of N)
          for (const k of K) {
            const seed = m * 10000 + n * 100 + k;
            const lda = k + (seed % 3);
            const ldc = n + (seed % 2) * 3;
            const kind: Kind = KINDS[seed % KINDS.length];
            const a = input(int16s(seed, storage(m, k, lda), 'random', 32767, -32768));
            const B = int16s(seed + 1, k * n, kind, 32767, -32768);
            const c = output(new Int32Array(storage(m, n, ldc)));
            const expected = c.data.slice();
            for (let i = 0; i < m; i++)
              for (let j = 0; j < n; j++)
                expected[i * ldc + j] = Number(
                  BigInt.asIntN(32, naive(a.data, lda, B, n, i, j, 0, k)),
                );
            const outcome = check({
              kernel: 'gemm_i16i16i32',
              args: [a, lda, input(packed(B, k, n)), panelStride(k), c, ldc, m, n, k],
            });
            expect(outcome.of(c)).toEqual(expected);
          }
    },
  );

  equal('wraps where all operands are -32768: two products are 2^31', 9, (check) => {
    for (let k = 1; k <= 9; k++) {
      const a = input(new Int16Array(3 * k).fill(-32768));
      const b = input(packed(new Int16Array(k * 17).fill(-32768), k, 17));
      const c = output(new Int32Array(3 * 17));
      expect([
        ...new Set(
          check({ kernel: 'gemm_i16i16i32', args: [a, k, b, panelStride(k), c, 17, 3, 17, k] }).of(
            c,
          ),
        ),
      ]).toEqual([(k * 2 ** 30) | 0]);
    }
  });

  equal(
    'reaches rows 2 s .. 2 s + k of B by advancing the panel pointer 64 bytes a pair',
    5,
    (check) => {
      const rows = 21;
      const n = 35;
      const m = 3;
      const B = int16s(5, rows * n, 'random');
      const b = input(packed(B, rows, n));
      for (let s = 0; s < 5; s++) {
        const k = 7 + s;
        const a = input(int16s(s, m * k, 'random'));
        const c = output(new Int32Array(m * n));
        const outcome = check({
          kernel: 'gemm_i16i16i32',
          args: [a, k, inside(b, 64 * s), panelStride(rows), c, n, m, n, k],
        });
        const expected = Int32Array.from({ length: m * n }, (_, i) =>
          Number(
            BigInt.asIntN(
              32,
              naive(a.data, k, B.subarray(2 * s * n), n, Math.floor(i / n), i % n, 0, k),
            ),
          ),
        );
        expect(outcome.of(c)).toEqual(expected);
      }
    },
  );

  equal(
    '37 x 70 x 769, 70 x 33 x 768, 5 x 257 x 1,538 and 259 x 20 x 771 equal the naive ' +
      'product modulo 2^32',
    4,
    (check) => {
      for (const [m, n, k] of [
        [37, 70, 769],
        [70, 33, 768],
        [5, 257, 1538],
        [259, 20, 771],
      ]) {
        const a = input(int16s(m, m * k, 'random', 32767, -32768));
        const B = int16s(n, k * n, 'random', 32767, -32768);
        const c = output(new Int32Array(m * n));
        // Plain numbers: 1,538 products of 2^30 are less than 2^41.
        const expected = Int32Array.from({ length: m * n }, (_, at) => {
          let sum = 0;
          for (let p = 0; p < k; p++)
            sum += a.data[Math.floor(at / n) * k + p] * B[p * n + (at % n)];
          return sum | 0;
        });
        expect(
          check({
            kernel: 'gemm_i16i16i32',
            args: [a, k, input(packed(B, k, n)), panelStride(k), c, n, m, n, k],
          }).of(c),
        ).toEqual(expected);
      }
    },
  );

  property(
    'does not depend on the order of the K products',
    60,
    [
      fc.integer({ min: 1, max: 40 }),
      fc.integer({ min: 1, max: 5 }),
      fc.integer({ min: 1, max: 40 }),
      fc.nat(),
    ],
    (check, k, m, n, seed) => {
      const A = int16s(seed, m * k, 'random', 32767, -32768);
      const B = int16s(seed + 1, k * n, 'random', 32767, -32768);
      const product = (order: number[]): Int32Array => {
        const a = Int16Array.from(
          { length: m * k },
          (_, i) => A[Math.floor(i / k) * k + order[i % k]],
        );
        const b = Int16Array.from(
          { length: k * n },
          (_, i) => B[order[Math.floor(i / n)] * n + (i % n)],
        );
        const c = output(new Int32Array(m * n));
        return check({
          kernel: 'gemm_i16i16i32',
          args: [input(a), k, input(packed(b, k, n)), panelStride(k), c, n, m, n, k],
        }).of(c);
      };
      const straight = Array.from({ length: k }, (_, i) => i);
      expect(product([...straight].reverse())).toEqual(product(straight));
    },
  );
});

describe('gemm_i16i16i64', () => {
  /** One call on C that is not zero before, compared with the chunked formula in BigInt. */
  function product(
    check: Check,
    m: number,
    n: number,
    k: number,
    chunk: number,
    shift: number,
    kind: Kind,
    seed: number,
  ): void {
    const lda = k + (seed % 2);
    const ldc = n + (seed % 3);
    const a = input(int16s(seed, storage(m, k, lda), 'random', OPERAND_MAX));
    const B = int16s(seed + 1, k * n, kind, OPERAND_MAX);
    const c = inout(int64s(seed + 2, storage(m, n, ldc), 'random', 62));
    const expected = c.data.slice();
    for (let i = 0; i < m; i++)
      for (let j = 0; j < n; j++)
        for (let p = 0; p < k; p += chunk)
          expected[i * ldc + j] += halfUp(
            naive(a.data, lda, B, n, i, j, p, Math.min(p + chunk, k)),
            -shift,
          );
    const outcome = check({
      kernel: 'gemm_i16i16i64',
      args: [a, lda, input(packed(B, k, n)), panelStride(k), c, ldc, m, n, k, chunk, shift],
    });
    expect(outcome.of(c)).toEqual(expected);
  }

  equal(
    'adds the rounded exact chunks for 6 x 10 x 10 sizes around every tile edge',
    600,
    (check) => {
      const shifts = [-16, -3, -1, 0, 1, 20];
      let i = 0;
      for (const m of M)
        for (const n of N)
          for (const k of K)
            product(
              check,
              m,
              n,
              k,
              [2, 4, 128][i % 3],
              shifts[i % shifts.length],
              KINDS[++i % KINDS.length],
              i,
            );
    },
  );

  equal('cuts K = 1..300 into chunks of 2..128, the last one shorter or odd', 32, (check) => {
    let seed = 0;
    for (const k of [1, 5, 127, 128, 129, 130, 257, 300])
      for (const chunk of [2, 16, 100, 128])
        product(
          check,
          3,
          17,
          k,
          chunk,
          ((seed * 5) % 37) - 16,
          seed % 2 === 0 ? 'random' : 'alternating',
          ++seed,
        );
  });

  equal(
    'passes every edge of its blocks: 8 rows, 768 products in equal parts of whole chunks, ' +
      'chunks of one product more or less',
    22,
    (check) => {
      let seed = 5000;
      for (const [m, k, chunk] of [
        [33, 1, 2],
        [2, 769, 128],
        [35, 770, 16],
        [1, 1537, 100],
        [34, 129, 128],
        [3, 129, 130],
        [65, 3, 2],
        [2, 1538, 1024],
        [1, 0, 2],
        [2, 767, 2 ** 31 - 2],
        [2, 768, 768],
      ])
        for (const n of [16, 19])
          product(check, m, n, k, chunk, (seed % 37) - 16, 'random', ++seed);
    },
  );

  equal('rounds by every shift from -16 to 20', 37, (check) => {
    for (let shift = -16; shift <= 20; shift++)
      product(check, 3, 18, 9, 4, shift, 'graded', shift + 1000);
  });
});

describe('the bound on exact sums', () => {
  it(
    'exactProducts is tight: one pair more passes 2^31 - 1 - 2^15, for 128 products of 4095^2 ' +
      'and 16 of 32767 * 4095',
    () => {
      const limit = 2 ** 31 - 1 - 2 ** 15;
      expect(OPERAND_PRODUCTS).toBe(128);
      expect(PROBABILITY_PRODUCTS).toBe(16);
      for (const [a, b] of [
        [OPERAND_MAX, OPERAND_MAX],
        [PROBABILITY_MAX, OPERAND_MAX],
        [16383, 4095],
        [1, 1],
      ]) {
        const count = exactProducts(a, b);
        expect(count % 2).toBe(0);
        expect(count * a * b).toBeLessThanOrEqual(limit);
        expect((count + 2) * a * b).toBeGreaterThan(limit);
      }
      for (const [a, b, count] of [
        [OPERAND_MAX, OPERAND_MAX, 128],
        [PROBABILITY_MAX, OPERAND_MAX, 16],
      ])
        expect((count + 1) * a * b).toBeGreaterThan(2 ** 31 - 1);
    },
  );

  for (const [a, b, k, sum] of [
    [4095, 4095, 128, 2146435200],
    [32767, 4095, 16, 2146893840],
  ] as const) {
    equal(
      `${k} products of ${a} * ${b} are exactly ${sum}, either sign, and one more wraps`,
      3 * 2 + 3 * 2,
      (check) => {
        const corner = (sign: number, count: number): number[] => {
          const A = input(new Int16Array(2 * count).fill(a));
          const B = input(packed(new Int16Array(count * 17).fill(sign * b), count, 17));
          const c = output(new Int32Array(2 * 17));
          return [
            ...new Set(
              check({
                kernel: 'gemm_i16i16i32',
                args: [A, count, B, panelStride(count), c, 17, 2, 17, count],
              }).of(c),
            ),
          ];
        };
        for (const sign of [1, -1]) {
          expect(corner(sign, k)).toEqual([sign * sum]);
          expect(corner(sign, k - 1)).toEqual([sign * (sum - a * b)]);
          expect(corner(sign, k + 1)).toEqual([(sign * (sum + a * b)) | 0]);
          expect((sign * (sum + a * b)) | 0).not.toBe(sign * (sum + a * b));
        }
        for (const shift of [-16, 0, 20])
          for (const sign of [1, -1]) {
            const A = input(new Int16Array(2 * 2 * k).fill(a));
            const B = input(packed(new Int16Array(2 * k * 17).fill(sign * b), 2 * k, 17));
            const c = inout(new BigInt64Array(2 * 17));
            const outcome = check({
              kernel: 'gemm_i16i16i64',
              args: [A, 2 * k, B, panelStride(2 * k), c, 17, 2, 17, 2 * k, k, shift],
            });
            expect([...new Set(outcome.of(c))]).toEqual([2n * halfUp(BigInt(sign * sum), -shift)]);
          }
      },
    );
  }
});
