// Element by element: combine_i32, sum_rows_i16i64, accumulate_i64, hash_i32.
import { describe, expect, it } from 'vitest';
import { inout, input, output } from '../helpers/calls.ts';
import { int16s, int32s, int64s, KINDS, Source } from '../helpers/data.ts';
import { equal } from '../helpers/suite.ts';

const LENGTHS = [0, 1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 33];
const exactHalfUp = (a: bigint, s: number): bigint =>
  s > 0 ? (a + 2n ** BigInt(s - 1)) >> BigInt(s) : a * 2n ** BigInt(-s);

describe('combine_i32', () => {
  equal(
    'equals its formula in BigInt, wrapped, for every shift -31..31 and factors -9..9, over ' +
      'any of its inputs',
    63 * 20,
    (check) => {
      const source = new Source(21);
      for (let shift = -31; shift <= 31; shift++)
        for (let round = 0; round < 20; round++) {
          const n = source.pick(LENGTHS);
          const seed = source.u32();
          const kind = KINDS[round % KINDS.length];
          const [aFactor, bFactor] = [source.between(-9, 9), source.between(-9, 9)];
          const [bShift, cShift] = [source.between(-31, 31), source.between(-31, 31)];
          const within = (factor: number): number =>
            Math.floor((2 ** 31 - 1) / Math.max(1, Math.abs(factor)));
          const a = inout(int32s(seed, n, kind, within(aFactor)));
          const b =
            round % 4 === 1 ? undefined : inout(int32s(seed + 1, n, 'graded', within(bFactor)));
          const c =
            round % 4 === 2
              ? undefined
              : inout(int32s(seed + 2, n, 'random', 2 ** 31 - 1, -(2 ** 31)));
          const out = [output(new Int32Array(n)), a, b ?? a, c ?? a][
            round % 4 === 3 ? source.between(1, 3) : 0
          ];
          const expected = Array.from(a.data, (v, i) =>
            Number(
              BigInt.asIntN(
                32,
                exactHalfUp(BigInt(v * aFactor), shift) +
                  exactHalfUp(BigInt((b?.data[i] ?? 0) * bFactor), bShift) +
                  exactHalfUp(BigInt(c?.data[i] ?? 0), cShift),
              ),
            ),
          );
          const outcome = check({
            kernel: 'combine_i32',
            args: [a, aFactor, shift, b ?? 0, bFactor, bShift, c ?? 0, cShift, out, n],
          });
          expect([...outcome.of(out)]).toEqual(expected);
        }
    },
  );
});

describe('combine_i32 at the ends of int32', () => {
  equal(
    'is exact for 2^31 - 1, 2^31 - 2, -2^31 + 1 in every lane and tail, every shift 1..31, ' +
      'as a, b and c',
    31 * 3,
    (check) => {
      const ends = [2 ** 31 - 1, 2 ** 31 - 2, -(2 ** 31) + 1, 2 ** 30, -1];
      const v = input(Int32Array.from({ length: 23 }, (_, i) => ends[i % 5]));
      const zeros = input(new Int32Array(23));
      for (let shift = 1; shift <= 31; shift++)
        for (const slot of [0, 1, 2]) {
          const [a, b, c] = [0, 1, 2].map((i) => (i === slot ? v : zeros));
          const out = output(new Int32Array(23));
          const outcome = check({
            kernel: 'combine_i32',
            args: [a, 1, shift, b, 1, shift, c, shift, out, 23],
          });
          expect([...outcome.of(out)]).toEqual(
            Array.from(v.data, (x) => Number(exactHalfUp(BigInt(x), shift))),
          );
        }
    },
  );
});

describe('int64 sums', () => {
  equal(
    'sum_rows_i16i64 adds the rounded exact column sums for 6 x 13 sizes x 63 shifts',
    6 * 13 * 63,
    (check) => {
      for (const rows of [0, 1, 2, 3, 9, 40])
        for (const columns of LENGTHS)
          for (let shift = -31; shift <= 31; shift++) {
            const seed = rows * 1000 + columns * 64 + shift + 31;
            const lda = columns + (seed % 3);
            const length = rows === 0 ? 0 : (rows - 1) * lda + columns;
            const a = input(int16s(seed, length, KINDS[seed % KINDS.length], 32767, -32768));
            const sum = inout(int64s(seed + 1, columns, 'random', 62));
            const expected = sum.data.slice();
            for (let c = 0; c < columns; c++) {
              let total = 0n;
              for (let r = 0; r < rows; r++) total += BigInt(a.data[r * lda + c]);
              expected[c] += exactHalfUp(total, -shift);
            }
            expect(
              check({ kernel: 'sum_rows_i16i64', args: [a, lda, rows, columns, sum, shift] }).of(
                sum,
              ),
            ).toEqual(expected);
          }
    },
  );

  equal(
    'sum_rows_i16i64 sums 70,000 rows of -32768 to -2,293,760,000, beyond int32',
    1,
    (check) => {
      const sum = inout(new BigInt64Array(1));
      expect([
        ...check({
          kernel: 'sum_rows_i16i64',
          args: [input(new Int16Array(70000).fill(-32768)), 1, 70000, 1, sum, 0],
        }).of(sum),
      ]).toEqual([-2293760000n]);
    },
  );

  equal('sum_rows_i16i64 sums 70,000 rows of 19 columns of either extreme exactly', 2, (check) => {
    for (const value of [32767, -32768]) {
      const sum = inout(new BigInt64Array(19));
      expect([
        ...new Set(
          check({
            kernel: 'sum_rows_i16i64',
            args: [input(new Int16Array(19 * 70000).fill(value)), 19, 70000, 19, sum, 0],
          }).of(sum),
        ),
      ]).toEqual([70000n * BigInt(value)]);
    }
  });

  equal('accumulate_i64 adds a rounded by every shift from -62 to 31', 94 * 13, (check) => {
    for (let shift = -62; shift <= 31; shift++)
      for (const n of LENGTHS) {
        const seed = n * 100 + shift + 62;
        const a = input(int64s(seed, n, KINDS[seed % KINDS.length], shift <= 0 ? 63 : 62 - shift));
        const out = inout(int64s(seed + 1, n, 'random', 61));
        const expected = out.data.map((v, i) => v + exactHalfUp(a.data[i], -shift));
        expect(check({ kernel: 'accumulate_i64', args: [a, out, n, shift] }).of(out)).toEqual(
          expected,
        );
      }
  });
});

describe('hash_i32', () => {
  /** The contract's fingerprint in BigInt. */
  function fingerprint(a: Int32Array): number {
    const wrap = (v: bigint): bigint => BigInt.asUintN(32, v);
    const rotate13 = (v: bigint): bigint => wrap(v << 13n) | (v >> 19n);
    const lanes = [0x9e3779b9n, 0x85ebca6bn, 0xc2b2ae35n, 0x27d4eb2fn];
    for (const [i, v] of a.entries())
      lanes[i & 3] = wrap(
        rotate13(wrap(lanes[i & 3] ^ BigInt.asUintN(32, BigInt(v)))) * 0x9e3779b1n + 0x85ebca77n,
      );
    const result = lanes.reduce((r, h) => {
      const mixed = wrap((r ^ h) * 0x01000193n);
      return mixed ^ (mixed >> 15n);
    }, BigInt(a.length));
    return Number(result);
  }

  equal('equals its definition in BigInt for lengths 0..67', 68, (check) => {
    for (let n = 0; n <= 67; n++) {
      const a = input(int32s(n, n, KINDS[n % KINDS.length], 2 ** 31 - 1, -(2 ** 31)));
      expect(check({ kernel: 'hash_i32', args: [a, n] }).result).toBe(fingerprint(a.data));
    }
  });

  equal(
    'changes for each of 1,184 single bit flips of 37 elements, and for swapped lanes and ' +
      'neighbours of a lane',
    37 * 32 + 3,
    (check) => {
      const data = int32s(3, 37, 'random');
      const hash = (a: Int32Array): number =>
        check({ kernel: 'hash_i32', args: [input(a), a.length] }).result as number;
      const before = hash(data);
      const after: number[] = [];
      for (let i = 0; i < 37; i++)
        for (let bit = 0; bit < 32; bit++)
          after.push(hash(data.map((v, j) => (j === i ? v ^ (1 << bit) : v))));
      after.push(hash(data.map((_, j) => data[j < 36 ? j ^ 1 : j])));
      after.push(hash(data.map((_, j) => data[j < 32 ? j ^ 4 : j])));
      expect(after.length).toBe(37 * 32 + 2);
      expect(after).not.toContain(before);
    },
  );
});

it('the sums above see different data in each lane', () => {
  expect(new Set(int32s(1, 64, 'random')).size).toBe(64);
});
