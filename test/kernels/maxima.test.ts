// Largest values, row sums and norms, from which exponents and ranges follow.

import fc from 'fast-check';
import { describe, expect } from 'vitest';
import { input, output, scratch } from '../helpers/calls.ts';
import { int16s, int32s, int64s, KINDS } from '../helpers/data.ts';
import { equal, property } from '../helpers/suite.ts';

const ROWS = [0, 1, 2, 3];
const COLUMNS = [0, 1, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 33];
const INT32_MIN = -(2 ** 31);
const storage = (rows: number, columns: number, ld: number): number =>
  rows === 0 ? 0 : (rows - 1) * ld + columns;

/** floor((a + 2^(s-1)) / 2^s) in BigInt, and a shift to the left for s <= 0. */
const exactHalfUp = (a: bigint, s: number): bigint =>
  s > 0 ? (a + 2n ** BigInt(s - 1)) >> BigInt(s) : a * 2n ** BigInt(-s);
describe('maxima', () => {
  equal(
    'max_abs_i32 finds the largest of 4 x 13 sizes x 7 kinds, 2^31 for -2^31, and sees no gap',
    4 * 13 * 7 * 2,
    (check) => {
      for (const rows of ROWS)
        for (const columns of COLUMNS)
          for (const kind of KINDS)
            for (const gap of [0, 3]) {
              const lda = columns + gap;
              const data = int32s(
                rows * 100 + columns,
                storage(rows, columns, lda),
                kind,
                2 ** 31 - 1,
                INT32_MIN,
              );
              let max = 0;
              data.forEach((v, i) => {
                if (i % lda < columns) max = Math.max(max, Math.abs(v));
              });
              if (gap > 0)
                data.forEach((_, i) => {
                  if (i % lda >= columns) data[i] = INT32_MIN;
                });
              expect(
                check({ kernel: 'max_abs_i32', args: [input(data), lda, rows, columns] }).result,
              ).toBe(max);
            }
    },
  );

  equal('max_abs_i32 finds -2^31 in each of 33 places', 33, (check) => {
    for (let at = 0; at < 33; at++) {
      const data = int32s(at, 33, 'random');
      data[at] = INT32_MIN;
      expect(check({ kernel: 'max_abs_i32', args: [input(data), 33, 1, 33] }).result).toBe(2 ** 31);
    }
  });

  equal('max_bits_i64 counts 0..64 digits wherever the largest lies', 65 * 5, (check) => {
    for (let digits = 0; digits <= 64; digits++)
      for (const n of [1, 2, 3, 8, 17]) {
        const data = new BigInt64Array(n);
        const at = digits % n;
        if (digits > 0)
          data[at] =
            digits === 64 ? -(2n ** 63n) : (digits % 2 === 0 ? 1n : -1n) * 2n ** BigInt(digits - 1);
        data.forEach((_, i) => {
          if (i !== at && digits > 1)
            data[i] = (i % 2 === 0 ? 1n : -1n) * (2n ** BigInt(digits - 1) - 1n);
        });
        expect(check({ kernel: 'max_bits_i64', args: [input(data), n] }).result).toBe(digits);
      }
  });

  equal('max_bits_i64 of nothing is 0', 1, (check) => {
    expect(check({ kernel: 'max_bits_i64', args: [input(new BigInt64Array(0)), 0] }).result).toBe(
      0,
    );
  });

  equal(
    'l1_max_i16 is the largest row or column sum of |w| for 8 x 13 sizes x 7 kinds',
    8 * 13 * 7,
    (check) => {
      for (const rows of [0, 1, 2, 3, 7, 8, 9, 40])
        for (const columns of COLUMNS)
          for (const kind of KINDS) {
            const w = input(int16s(rows * 64 + columns, rows * columns, kind, 32767, -32768));
            const rowSums = new Array<number>(rows).fill(0);
            const columnSums = new Array<number>(columns).fill(0);
            w.data.forEach((v, i) => {
              rowSums[Math.floor(i / columns)] += Math.abs(v);
              columnSums[i % columns] += Math.abs(v);
            });
            const expected = Math.max(0, ...rowSums, ...columnSums);
            expect(
              check({
                kernel: 'l1_max_i16',
                args: [w, rows, columns, scratch(new Int32Array(columns))],
              }).result,
            ).toBe(expected);
          }
    },
  );

  equal('l1_max_i16 adds 2^15 values of -32768 to 2^30 in a row and in a column', 2, (check) => {
    for (const [rows, columns] of [
      [1, 2 ** 15],
      [2 ** 15, 1],
    ])
      expect(
        check({
          kernel: 'l1_max_i16',
          args: [
            input(new Int16Array(2 ** 15).fill(-32768)),
            rows,
            columns,
            scratch(new Int32Array(columns)),
          ],
        }).result,
      ).toBe(2 ** 30);
  });

  equal(
    'row_norm_max_i16 is the floor of the largest row norm for 8 x 13 sizes x 7 kinds',
    8 * 13 * 7,
    (check) => {
      for (const rows of [0, 1, 2, 3, 7, 8, 9, 40])
        for (const columns of COLUMNS)
          for (const kind of KINDS) {
            const w = input(int16s(rows * 64 + columns, rows * columns, kind, 32767, -32768));
            const squares = new Array<bigint>(rows).fill(0n);
            for (const [i, v] of w.data.entries())
              squares[Math.floor(i / columns)] += BigInt(v) ** 2n;
            let largest = 0n;
            for (const square of squares) if (square > largest) largest = square;
            const norm = BigInt(
              check({ kernel: 'row_norm_max_i16', args: [w, rows, columns] }).result as number,
            );
            expect(
              norm ** 2n <= largest && largest < (norm + 1n) ** 2n,
              `${norm} is not the root of ${largest}`,
            ).toBe(true);
          }
    },
  );

  equal(
    'row_norm_max_i16 by hand: (3, 4) and (5, 12) have norm 13; 2^15 times -32768 has ' +
      'floor(2^22.5)',
    2,
    (check) => {
      expect(
        check({ kernel: 'row_norm_max_i16', args: [input(Int16Array.of(3, 4, 5, 12)), 2, 2] })
          .result,
      ).toBe(13);
      expect(
        check({
          kernel: 'row_norm_max_i16',
          args: [input(new Int16Array(2 ** 15).fill(-32768)), 1, 2 ** 15],
        }).result,
      ).toBe(5931641);
    },
  );

  property(
    'narrowing by max_bits_i64 - 31 bits always fits int32',
    200,
    [fc.integer({ min: 1, max: 63 }), fc.integer({ min: 1, max: 40 }), fc.nat()],
    (check, size, n, seed) => {
      const a = input(int64s(seed, n, 'graded', size));
      const out = output(new Int32Array(n));
      const shift = Math.max(
        0,
        (check({ kernel: 'max_bits_i64', args: [a, n] }).result as number) - 30,
      );
      const narrowed = check({ kernel: 'narrow_i64i32', args: [a, n, out, n, 1, n, shift] }).of(
        out,
      );
      for (const [i, v] of a.data.entries())
        expect(BigInt(narrowed[i])).toBe(exactHalfUp(v, shift));
    },
  );
});
