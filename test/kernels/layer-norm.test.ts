// Layer norm, forward: equal on all back ends, within stated distances of float64.
import { describe, expect } from 'vitest';
import { OPERAND_MAX, xhatFraction } from '../../src/memory/formats.ts';
import { input, output } from '../helpers/calls.ts';
import { int16s, int32s, KINDS, Source } from '../helpers/data.ts';
import { EPSILON, forward } from '../helpers/layer-norm.ts';
import { equal, Worst } from '../helpers/suite.ts';

const COLUMNS = [1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 33, 64, 129];

describe('layer_norm_forward_i32i16', () => {
  equal(
    'is the same for 4 x 14 sizes x 7 kinds over the full range of int32, with and without ' +
      'y, bias, x-hat',
    4 * 14 * 7 * 2,
    (check) => {
      const source = new Source(61);
      for (const rows of [0, 1, 2, 3])
        for (const columns of COLUMNS)
          for (const kind of KINDS) {
            const n = rows * columns;
            const seed = source.u32();
            const shift = source.pick([0, 2, 4, 7, 10, 23, 31]);
            const x = int32s(seed, n, kind, 2 ** 31 - 1, -(2 ** 31));
            const y = source.pick([
              undefined,
              int32s(seed + 1, n, source.pick(KINDS), 2 ** 31 - 1, -(2 ** 31)),
            ]);
            const gain = int16s(seed + 2, columns, source.pick(KINDS), 32767, -32768);
            const bias = source.pick([undefined, int32s(seed + 3, columns, 'graded', 2 ** 26 - 1)]);
            const fraction = source.pick([9, 10, 11]);
            const { out, clamped } = forward(check, x, shift, y, gain, bias, columns, fraction);
            expect(clamped).toBeLessThanOrEqual(
              out.filter((v) => Math.abs(v) === OPERAND_MAX).length,
            );
            // inference: neither x-hat nor 1/sigma is stored, the output is the same
            const bare = output(new Int16Array(n));
            const outcome = check({
              kernel: 'layer_norm_forward_i32i16',
              args: [
                input(x),
                shift,
                y ? input(y) : 0,
                input(gain),
                bias ? input(bias) : 0,
                bare,
                0,
                0,
                rows,
                columns,
                fraction,
              ],
            });
            expect(outcome.of(bare)).toEqual(out);
            expect(outcome.result).toBe(clamped);
          }
    },
  );

  equal(
    'is the same for rows of every magnitude from 1 to 2^31, where the scale s moves from ' +
      '-15 to 12',
    31 * 6,
    (check) => {
      for (let size = 1; size <= 31; size++)
        for (const columns of [1, 2, 5, 16, 33, 100])
          forward(
            check,
            int32s(size * 100 + columns, 2 * columns, 'random', 2 ** size - 1),
            0,
            undefined,
            int16s(size, columns, 'random'),
            int32s(size, columns, 'random', 2 ** 26 - 1),
            columns,
          );
    },
  );

  equal(
    '4,096 columns: random, one hot and half-and-half rows of the largest values',
    3,
    (check) => {
      const columns = 4096;
      const gain = new Int16Array(columns).fill(2048);
      forward(
        check,
        int32s(1, columns, 'random', 2 ** 31 - 1, -(2 ** 31)),
        0,
        undefined,
        gain,
        undefined,
        columns,
      );
      const hot = forward(
        check,
        int32s(2, columns, 'one-hot', 2 ** 30),
        0,
        undefined,
        gain,
        undefined,
        columns,
      );
      expect(Math.max(...hot.xhat)).toBe(32764); // sqrt(4095) = 63.992 in steps of 2^-9
      const half = forward(
        check,
        int32s(3, columns, 'alternating', 2 ** 30),
        0,
        undefined,
        gain,
        undefined,
        columns,
      );
      expect([...new Set(half.xhat)].sort((a, b) => a - b)).toEqual([-512, 512]);
    },
  );

  equal(
    'a row of equal values gives x-hat = 0, out = bias and 1/sigma = 1326350334, by hand',
    3,
    (check) => {
      for (const value of [0, 12345, -(2 ** 31)]) {
        const bias = Int32Array.of(2 ** 14, -(2 ** 14), 2 ** 26 - 1, 0, 2 ** 13);
        const { out, xhat, rstd, clamped } = forward(
          check,
          new Int32Array(5).fill(value),
          0,
          undefined,
          int16s(1, 5, 'random'),
          bias,
          5,
        );
        expect([...xhat]).toEqual([0, 0, 0, 0, 0]);
        expect([...out]).toEqual([1, -1, 4095, 0, 1]);
        expect([rstd[0], clamped]).toEqual([1326350334, 1]);
      }
    },
  );

  equal('rows (1, -1) and (3, 1, -1, -3) of whole numbers, by hand', 2, (check) => {
    const one = 2 ** 16;
    const unit = (n: number): Int16Array => new Int16Array(n).fill(2048);
    const two = forward(check, Int32Array.of(one, -one), 0, undefined, unit(2), undefined, 2);
    expect([...two.xhat]).toEqual([2048, -2048]); // 1 / sqrt(1.00001) = 0.999995: 2047.99
    expect([...two.out]).toEqual([256, -256]);
    const four = forward(check, Int32Array.of(3, 1, -1, -3), 16, undefined, unit(4), undefined, 4);
    // 3 / sqrt(5) = 1.3416 -> 2747.7; 1 / sqrt(5) = 0.4472 -> 915.9
    expect([...four.xhat]).toEqual([2748, 916, -916, -2748]);
    expect(Math.abs(four.rstd[0] - 2 ** 22 / Math.sqrt(5.00001))).toBeLessThan(1.5);
  });

  equal(
    'x-hat is within 0.505 steps of 2^-f + 2^(f - 1) / sigma, out within 0.5 of 2^-8 more, ' +
      '1/sigma within 2^-18, of float64',
    1200,
    (check) => {
      const source = new Source(62);
      const xhatWorst = new Worst();
      const outWorst = new Worst();
      const rstdWorst = new Worst();
      for (let round = 0; round < 1200; round++) {
        const columns = source.pick([2, 3, 8, 17, 64, 100, 256, 257, 700, 1030]);
        const fraction = xhatFraction(columns);
        const size = source.between(1, 30);
        const kind = source.pick(['random', 'graded', 'alternating', 'one-hot'] as const);
        const x = int32s(round, columns, kind, 2 ** size);
        const gain = new Int16Array(columns).fill(2048);
        const { out, xhat, rstd } = forward(check, x, 0, undefined, gain, undefined, columns);
        const mean = x.reduce((a, b) => a + b, 0) / columns;
        const variance = x.reduce((a, b) => a + (b - mean) ** 2, 0) / columns;
        const sigma = Math.sqrt(variance + EPSILON * 2 ** 32); // in steps of 2^-16, like x
        const at = (i: number) => () =>
          `${columns} columns of up to 2^${size} (${kind}), element ${i}`;
        xhat.forEach((value, i) => {
          const exact = ((x[i] - mean) / sigma) * 2 ** fraction;
          // The mean is rounded to a whole step of z, which is 2^f / 2 / sigma steps of x-hat.
          xhatWorst.see(Math.abs(value - exact) - 2 ** (fraction - 1) / sigma, at(i));
          const real = exact / 2 ** (fraction - 8);
          const nearest = Math.max(-OPERAND_MAX, Math.min(OPERAND_MAX, real));
          const before = 128 / sigma + 0.505 / 2 ** (fraction - 8);
          outWorst.see(Math.abs(out[i] - nearest) - before, at(i));
        });
        if (variance > 0)
          rstdWorst.see(
            Math.abs(rstd[0] / ((2 ** 22 * 2 ** 16) / sigma) - 1) - 1 / rstd[0],
            at(-1),
          );
      }
      xhatWorst.expectAtMost(0.505, 'x-hat, steps of 2^-f beyond 2^(f - 1) / sigma');
      outWorst.expectAtMost(0.5, 'layer norm output, steps of 2^-8 beyond those of x-hat');
      rstdWorst.expectAtMost(2 ** -18, '1/sigma, relative beyond its own step');
    },
  );
});
