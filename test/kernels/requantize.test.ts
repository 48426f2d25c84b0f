// Changing formats: requantize_*, narrow, quantize, and their rounding.

import { describe, expect, it } from 'vitest';
import { halfEvenBig, halfUp } from '../../src/kernels/reference/fixed.ts';
import { WEIGHT_LIMIT } from '../../src/memory/formats.ts';
import { inout, input, output } from '../helpers/calls.ts';
import { int32s, int64s, KINDS, Source } from '../helpers/data.ts';
import { equal } from '../helpers/suite.ts';

const ROWS = [0, 1, 2, 3];
const COLUMNS = [0, 1, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 33];
const LENGTHS = [0, 1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 32, 33, 100];
const INT32_MIN = -(2 ** 31);
const storage = (rows: number, columns: number, ld: number): number =>
  rows === 0 ? 0 : (rows - 1) * ld + columns;

/** floor((a + 2^(s-1)) / 2^s) in BigInt, and a shift to the left for s <= 0. */
const exactHalfUp = (a: bigint, s: number): bigint =>
  s > 0 ? (a + 2n ** BigInt(s - 1)) >> BigInt(s) : a * 2n ** BigInt(-s);
function clampAndCount(exact: bigint[], bound: number): { values: number[]; clamped: number } {
  const values = exact.map((v) => {
    if (v > bound) return bound;
    return Number(v < -bound ? BigInt(-bound) : v);
  });
  return { values, clamped: exact.filter((v, i) => v !== BigInt(values[i])).length };
}

describe('requantize', () => {
  equal(
    'requantize_i32i16 equals its formula in BigInt for 4 x 13 sizes x 31 shifts, with and ' +
      'without bias',
    4 * 13 * 31,
    (check) => {
      const source = new Source(11);
      for (const rows of ROWS)
        for (const columns of COLUMNS)
          for (let shift = 1; shift <= 31; shift++) {
            const seed = source.u32();
            const lda = columns + (seed % 3);
            const ldo = columns + (seed % 2);
            const a = input(
              int32s(
                seed,
                storage(rows, columns, lda),
                KINDS[shift % KINDS.length],
                2 ** 31 - 1,
                INT32_MIN,
              ),
            );
            const bias =
              shift % 3 === 0 ? undefined : input(int32s(seed + 1, columns, 'graded', 2 ** 28 - 1));
            const bound = source.pick([4095, 32767, 16383, 100, 0]);
            const out = output(new Int16Array(storage(rows, columns, ldo)));
            const exact = Array.from({ length: rows * columns }, (_, i) => {
              const r = Math.floor(i / columns);
              const c = i % columns;
              return exactHalfUp(
                BigInt(a.data[r * lda + c]) +
                  BigInt(bias?.data[c] ?? 0) * 2n ** BigInt(shift - Math.min(6, shift)),
                shift,
              );
            });
            const { values, clamped } = clampAndCount(exact, bound);
            const expected = out.data.slice();
            for (const [i, v] of values.entries())
              expected[Math.floor(i / columns) * ldo + (i % columns)] = v;
            const outcome = check({
              kernel: 'requantize_i32i16',
              args: [a, lda, out, ldo, rows, columns, shift, bound, bias ?? 0],
            });
            expect(outcome.of(out)).toEqual(expected);
            expect(outcome.result).toBe(clamped);
          }
    },
  );

  equal(
    'requantize_i32i32 equals its formula in BigInt for 4 x 13 sizes x 39 shifts, also in place',
    4 * 13 * 39,
    (check) => {
      const source = new Source(12);
      for (const rows of ROWS)
        for (const columns of COLUMNS)
          for (let shift = -8; shift <= 30; shift++) {
            const seed = source.u32();
            const inPlace = seed % 2 === 0;
            const lda = columns + (seed % 3);
            const ldo = inPlace ? lda : columns + (seed % 5);
            const data = int32s(
              seed,
              storage(rows, columns, lda),
              KINDS[(shift + 8) % KINDS.length],
              2 ** 31 - 1,
              INT32_MIN,
            );
            const a = inPlace ? inout(data) : input(data);
            const out = inPlace ? a : output(new Int32Array(storage(rows, columns, ldo)));
            const bias =
              shift % 3 === 0 ? undefined : input(int32s(seed + 1, columns, 'graded', 2 ** 26 - 1));
            const bound = source.pick([2 ** 26, 4095, 2 ** 20, 0]);
            const exact = Array.from(
              { length: rows * columns },
              (_, i) =>
                exactHalfUp(BigInt(data[Math.floor(i / columns) * lda + (i % columns)]), shift) +
                BigInt(bias?.data[i % columns] ?? 0),
            );
            const { values, clamped } = clampAndCount(exact, bound);
            const expected = out.data.slice();
            for (const [i, v] of values.entries())
              expected[Math.floor(i / columns) * ldo + (i % columns)] = v;
            const outcome = check({
              kernel: 'requantize_i32i32',
              args: [a, lda, out, ldo, rows, columns, shift, bound, bias ?? 0],
            });
            expect(outcome.of(out)).toEqual(expected);
            expect(outcome.result).toBe(clamped);
          }
    },
  );

  equal('quantize_i32i16 equals its formula for 16 lengths x 25 shifts', 16 * 25, (check) => {
    for (const n of LENGTHS)
      for (let shift = 0; shift <= 24; shift++) {
        const kind = KINDS[(n + shift) % KINDS.length];
        const a = input(
          int32s(
            n * 32 + shift,
            n,
            kind,
            shift % 2 === 0 ? 2 ** 31 - 1 : WEIGHT_LIMIT,
            shift % 2 === 0 ? INT32_MIN : -WEIGHT_LIMIT,
          ),
        );
        const out = output(new Int16Array(n));
        const bound = [4095, 32767, 1023][n % 3];
        const { values, clamped } = clampAndCount(
          Array.from(a.data, (v) => exactHalfUp(BigInt(v), shift)),
          bound,
        );
        const outcome = check({ kernel: 'quantize_i32i16', args: [a, out, n, shift, bound] });
        expect([...outcome.of(out)]).toEqual(values);
        expect(outcome.result).toBe(clamped);
      }
  });

  equal('narrow_i64i32 equals its formula for 4 x 13 sizes x 63 shifts', 4 * 13 * 63, (check) => {
    for (const rows of ROWS)
      for (const columns of COLUMNS)
        for (let shift = 0; shift <= 62; shift++) {
          const lda = columns + (shift % 3);
          const ldo = columns + (shift % 2);
          const a = input(
            int64s(
              rows * 7919 + columns * 64 + shift,
              storage(rows, columns, lda),
              KINDS[shift % KINDS.length],
              Math.min(63, 31 + shift),
            ),
          );
          const out = output(new Int32Array(storage(rows, columns, ldo)));
          const expected = out.data.slice();
          for (let r = 0; r < rows; r++)
            for (let c = 0; c < columns; c++)
              expected[r * ldo + c] = Number(exactHalfUp(a.data[r * lda + c], shift));
          expect(
            check({ kernel: 'narrow_i64i32', args: [a, lda, out, ldo, rows, columns, shift] }).of(
              out,
            ),
          ).toEqual(expected);
        }
  });

  equal('narrow_i64i32 reaches -2^31 and 2^31 - 1', 3, (check) => {
    for (const shift of [0, 1, 31]) {
      const top = (2n ** 31n - 1n) * 2n ** BigInt(shift);
      const bottom = -(2n ** BigInt(31 + shift));
      const out = output(new Int32Array(5));
      expect([
        ...check({
          kernel: 'narrow_i64i32',
          args: [input(BigInt64Array.of(top, bottom, 0n, top, bottom)), 5, out, 5, 1, 5, shift],
        }).of(out),
      ]).toEqual([2 ** 31 - 1, INT32_MIN, 0, 2 ** 31 - 1, INT32_MIN]);
    }
  });
});

describe('rounding', () => {
  it(
    'of -1.5, -0.5, 0.5, 1.5: half up gives -1, 0, 1, 2; half even gives -2, 0, 0, 2, whose ' +
      'errors add up to 0',
    () => {
      const ties = [-3, -1, 1, 3];
      expect(ties.map((a) => halfUp(a, 1) + 0)).toEqual([-1, 0, 1, 2]);
      expect(ties.map((a) => Number(halfEvenBig(BigInt(a), 1)))).toEqual([-2, 0, 0, 2]);
      expect(ties.reduce((sum, a) => sum + Number(halfEvenBig(BigInt(a), 1)) - a / 2, 0)).toBe(0);
    },
  );

  equal(
    'half up on 6 kernels gives -1, 0, 1, 2 for -1.5, -0.5, 0.5, 1.5, in every lane',
    6 * 4,
    (check) => {
      for (const shift of [1, 2, 7, 15]) {
        const half = 2 ** (shift - 1);
        const pattern = (i: number): number => half * [-3, -1, 1, 3][i & 3];
        const expected = Array.from({ length: 35 }, (_, i) => [-1, 0, 1, 2][i & 3]);
        const n = 35;
        const a = input(Int32Array.from({ length: n }, (_, i) => pattern(i)));
        const a64 = input(BigInt64Array.from(a.data, BigInt));
        const short = () => output(new Int16Array(n));
        const long = () => output(new Int32Array(n));
        let out: ReturnType<typeof short> | ReturnType<typeof long> = short();
        expect([
          ...check({ kernel: 'requantize_i32i16', args: [a, n, out, n, 1, n, shift, 4095, 0] }).of(
            out,
          ),
        ]).toEqual(expected);
        out = short();
        expect([
          ...check({ kernel: 'quantize_i32i16', args: [a, out, n, shift, 4095] }).of(out),
        ]).toEqual(expected);
        out = long();
        expect([
          ...check({ kernel: 'requantize_i32i32', args: [a, n, out, n, 1, n, shift, 4095, 0] }).of(
            out,
          ),
        ]).toEqual(expected);
        out = long();
        expect([
          ...check({ kernel: 'narrow_i64i32', args: [a64, n, out, n, 1, n, shift] }).of(out),
        ]).toEqual(expected);
        out = long();
        expect([
          ...check({ kernel: 'combine_i32', args: [a, 1, shift, 0, 0, 0, 0, 0, out, n] }).of(out),
        ]).toEqual(expected);
        const sums = inout(new BigInt64Array(n));
        expect(
          [...check({ kernel: 'accumulate_i64', args: [a64, sums, n, -shift] }).of(sums)].map(
            Number,
          ),
        ).toEqual(expected);
      }
    },
  );
});
