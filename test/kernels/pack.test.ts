// Packing into panels and transposing: pack_nn_i16, pack_nt_i16, transpose_i16.
import { describe, expect, it } from 'vitest';
import { packedBytes, panelStride } from '../../src/kernels/kernels.ts';
import { input, output } from '../helpers/calls.ts';
import { int16s, packed } from '../helpers/data.ts';
import { equal } from '../helpers/suite.ts';

const DEPTHS = [0, 1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 33];
const WIDTHS = [0, 1, 2, 7, 8, 9, 15, 16, 17, 31, 32, 33, 48];

/** Every row of a matrix of `rows` x `columns` int16s begins ld elements after the one before; the
 *  last has no tail. */
const storage = (rows: number, columns: number, ld: number): number =>
  rows === 0 || columns === 0 ? 0 : (rows - 1) * ld + columns;

describe('pack', () => {
  equal(
    'pack_nn_i16 lays out the panels of the picture for 13 depths x 13 widths, tight and with gaps',
    2 * 13 * 13,
    (check) => {
      for (const k of DEPTHS)
        for (const n of WIDTHS)
          for (const gap of [0, 5]) {
            const ldb = n + gap;
            const b = input(int16s(100 * k + n, storage(k, n, ldb), 'random', 32767, -32768));
            const out = output(new Int16Array(packedBytes(k, n) / 2));
            const outcome = check({ kernel: 'pack_nn_i16', args: [b, ldb, k, n, out] });
            const tight = Array.from(
              { length: k * n },
              (_, i) => b.data[Math.floor(i / n) * ldb + (i % n)],
            );
            expect(outcome.of(out)).toEqual(packed(tight, k, n));
          }
    },
  );

  equal(
    'pack_nt_i16 lays out the same panels from the transposed matrix for 13 depths x 13 ' +
      'widths, tight and with gaps',
    2 * 13 * 13,
    (check) => {
      for (const k of DEPTHS)
        for (const n of WIDTHS)
          for (const gap of [0, 5]) {
            const ldb = k + gap;
            const bt = input(int16s(100 * k + n + 1, storage(n, k, ldb), 'random', 32767, -32768));
            const out = output(new Int16Array(packedBytes(k, n) / 2));
            const outcome = check({ kernel: 'pack_nt_i16', args: [bt, ldb, k, n, out] });
            const straight = Array.from(
              { length: k * n },
              (_, i) => bt.data[(i % n) * ldb + Math.floor(i / n)],
            );
            expect(outcome.of(out)).toEqual(packed(straight, k, n));
          }
    },
  );

  it('a panel of 3 rows takes 128 bytes, and 17 columns take two', () => {
    expect([panelStride(3), packedBytes(3, 17), packedBytes(4, 16), packedBytes(0, 5)]).toEqual([
      128, 256, 128, 0,
    ]);
  });
});

describe('transpose_i16', () => {
  const SIZES = [0, 1, 2, 3, 4, 7, 8, 9, 15, 16, 17, 33];
  equal(
    'moves every element of 12 x 12 sizes, tight and with gaps, and leaves the gaps alone',
    2 * 12 * 12,
    (check) => {
      for (const rows of SIZES)
        for (const columns of SIZES)
          for (const gap of [0, 3]) {
            const lda = columns + gap;
            const ldo = rows + 2 * gap;
            const a = input(
              int16s(rows * 64 + columns, storage(rows, columns, lda), 'random', 32767, -32768),
            );
            const out = output(new Int16Array(storage(columns, rows, ldo)));
            const expected = out.data.slice();
            for (let r = 0; r < rows; r++)
              for (let c = 0; c < columns; c++) expected[c * ldo + r] = a.data[r * lda + c];
            expect(
              check({ kernel: 'transpose_i16', args: [a, lda, rows, columns, out, ldo] }).of(out),
            ).toEqual(expected);
          }
    },
  );
});
