// Layer norm: equal on all back ends, within stated distances of float64, forward and backward.
import { describe, expect } from 'vitest';
import { OPERAND_MAX } from '../../src/memory/formats.ts';
import { inout, input, output } from '../helpers/calls.ts';
import { int16s, int32s, int64s, KINDS, Source } from '../helpers/data.ts';
import { type Check, equal, Worst } from '../helpers/suite.ts';

const COLUMNS = [1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 33, 64, 129];
const EPSILON = 42950 / 2 ** 32;

interface Forward {
  out: Int16Array;
  xhat: Int16Array;
  rstd: Int32Array;
  clamped: number;
}
function forward(
  check: Check,
  x: Int32Array,
  shift: number,
  y: Int32Array | undefined,
  gain: Int16Array,
  bias: Int32Array | undefined,
  columns: number,
): Forward {
  const rows = x.length / columns;
  const out = output(new Int16Array(x.length));
  const xhat = output(new Int16Array(x.length));
  const rstd = output(new Int32Array(rows));
  const outcome = check({
    kernel: 'layer_norm_forward_i32i16',
    args: [
      input(x),
      shift,
      y ? input(y) : 0,
      input(gain),
      bias ? input(bias) : 0,
      out,
      xhat,
      rstd,
      rows,
      columns,
    ],
  });
  return {
    out: outcome.of(out),
    xhat: outcome.of(xhat),
    rstd: outcome.of(rstd),
    clamped: outcome.result as number,
  };
}

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
            const { out, clamped } = forward(check, x, shift, y, gain, bias, columns);
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
      expect(Math.max(...hot.xhat)).toBe(32767); // sqrt(4095) = 63.99 saturates at 16
      const half = forward(
        check,
        int32s(3, columns, 'alternating', 2 ** 30),
        0,
        undefined,
        gain,
        undefined,
        columns,
      );
      expect([...new Set(half.xhat)].sort((a, b) => a - b)).toEqual([-2048, 2048]);
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
    'x-hat is within 0.505 steps of 2^-11 + 1024 / sigma, out within 1.2 steps of 2^-8, ' +
      '1/sigma within 2^-18, of float64',
    900,
    (check) => {
      const source = new Source(62);
      const xhatWorst = new Worst();
      const outWorst = new Worst();
      const rstdWorst = new Worst();
      for (let round = 0; round < 900; round++) {
        const columns = source.pick([2, 3, 8, 17, 64, 100, 257]);
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
          const exact = Math.max(-32768, Math.min(32767, ((x[i] - mean) / sigma) * 2 ** 11));
          // The mean is rounded to a whole step of z, which is 2^11 / 2 / sigma steps of x-hat.
          xhatWorst.see(Math.abs(value - exact) - 1024 / sigma, at(i));
          outWorst.see(
            Math.abs(out[i] - Math.max(-OPERAND_MAX, Math.min(OPERAND_MAX, exact / 8))),
            at(i),
          );
        });
        if (variance > 0)
          rstdWorst.see(
            Math.abs(rstd[0] / ((2 ** 22 * 2 ** 16) / sigma) - 1) - 1 / rstd[0],
            at(-1),
          );
      }
      xhatWorst.expectAtMost(0.505, 'x-hat, steps of 2^-11 beyond 1024 / sigma');
      outWorst.expectAtMost(1.2, 'layer norm output, steps of 2^-8');
      rstdWorst.expectAtMost(2 ** -18, '1/sigma, relative beyond its own step');
    },
  );
});

describe('layer_norm_backward_i16i32', () => {
  interface Backward {
    dz: Int32Array;
    dGain: BigInt64Array;
    dBias: BigInt64Array | undefined;
    saturated: number;
  }
  function backward(
    check: Check,
    dy: Int16Array,
    xhat: Int16Array,
    gain: Int16Array,
    rstd: Int32Array,
    shift: number,
    withBias: boolean,
    columns: number,
  ): Backward {
    const dz = output(new Int32Array(dy.length));
    const dGain = inout(int64s(columns, columns, 'random', 60));
    const dBias = withBias ? inout(int64s(columns + 1, columns, 'random', 60)) : undefined;
    const outcome = check({
      kernel: 'layer_norm_backward_i16i32',
      args: [
        input(dy),
        input(xhat),
        input(gain),
        input(rstd),
        dz,
        dGain,
        dBias ?? 0,
        dy.length / columns,
        columns,
        shift,
      ],
    });
    const expected = dGain.data.slice();
    const expectedBias = dBias?.data.slice();
    dy.forEach((v, i) => {
      expected[i % columns] += BigInt(v * xhat[i]);
      if (expectedBias) expectedBias[i % columns] += BigInt(v);
    });
    expect(outcome.of(dGain)).toEqual(expected);
    if (dBias) expect(outcome.of(dBias)).toEqual(expectedBias);
    return {
      dz: outcome.of(dz),
      dGain: outcome.of(dGain),
      dBias: dBias && outcome.of(dBias),
      saturated: outcome.result as number,
    };
  }

  equal(
    'is the same for 4 x 14 sizes x 7 kinds with any x-hat, gain and 1/sigma, every shift ' +
      '1..62; dGain and dBias exact',
    4 * 14 * 7 * 2,
    (check) => {
      const source = new Source(63);
      let shift = 0;
      for (const rows of [0, 1, 2, 3])
        for (const columns of COLUMNS)
          for (const kind of KINDS)
            for (const withBias of [true, false]) {
              const n = rows * columns;
              const seed = source.u32();
              shift = (shift % 62) + 1;
              backward(
                check,
                int16s(seed, n, kind, 16383),
                int16s(seed + 1, n, source.pick(KINDS), 32767, -32768),
                int16s(seed + 2, columns, source.pick(KINDS), 32767, -32768),
                int32s(seed + 3, rows, source.pick(['random', 'graded', 'max']), 1326350334, 0),
                shift,
                withBias,
                columns,
              );
            }
    },
  );

  equal('4,096 columns of the largest values saturate alike', 4, (check) => {
    const columns = 4096;
    const of = (value: number): Int16Array => new Int16Array(columns).fill(value);
    for (const sign of [1, -1]) {
      backward(
        check,
        of(16383 * sign),
        of(32767),
        of(-32768),
        Int32Array.of(1326350334),
        20,
        true,
        columns,
      );
      backward(
        check,
        int16s(4, columns, 'alternating', 16383),
        int16s(5, columns, 'alternating', 32767, -32768).map((v) => v * sign),
        of(32767),
        Int32Array.of(2 ** 22),
        33,
        false,
        columns,
      );
    }
  });

  equal(
    'dz is within half a step plus 1 step of the rounded means of its formula, and within ' +
      '2^-10 of the largest |dy gain / sigma| of the true gradient',
    2 * 300,
    (check) => {
      const source = new Source(64);
      const formula = new Worst();
      const truth = new Worst();
      for (let round = 0; round < 300; round++) {
        const columns = source.pick([2, 3, 8, 17, 64, 100]);
        const size = source.between(14, 24);
        const at = () => `${columns} columns of up to 2^${size}`;
        const x = int32s(round, columns, 'random', 2 ** size);
        const gain = int16s(round + 1, columns, 'random', 4096, 1024);
        const dy = int16s(round + 2, columns, 'random', 16383);
        const { xhat, rstd } = forward(check, x, 0, undefined, gain, undefined, columns);
        const shift = Math.floor(Math.log2(rstd[0]));
        const { dz, saturated } = backward(check, dy, xhat, gain, rstd, shift, true, columns);
        expect(saturated).toBe(0);

        const mean = x.reduce((a, b) => a + b, 0) / columns;
        const sigma = Math.sqrt(
          x.reduce((a, b) => a + (b - mean) ** 2, 0) / columns + EPSILON * 2 ** 32,
        );
        const w = Array.from(dy, (v, i) => v * gain[i]);
        const average = (a: number[]): number => a.reduce((sum, v) => sum + v, 0) / columns;
        const gradient = (hat: number[], scale: number): number[] => {
          const A = average(w);
          const B = average(w.map((v, i) => v * hat[i]));
          return w.map((v, i) => (v - A - hat[i] * B) * scale);
        };
        const same = gradient(
          Array.from(xhat, (v) => v / 2 ** 11),
          rstd[0] / 2 ** shift,
        );
        const exact = gradient(
          Array.from(x, (v) => (v - mean) / sigma),
          2 ** (38 - shift) / sigma,
        );
        const largest = Math.max(...w.map(Math.abs)) * (2 ** (38 - shift) / sigma);
        dz.forEach((value, i) => {
          // A is half a step off, B one (floor, then half up) times x-hat, each product rounded by
          // half: all before rstd / 2^shift.
          formula.see(
            (Math.abs(value - same[i]) - 0.5) / (rstd[0] / 2 ** shift) -
              Math.abs(xhat[i] / 2 ** 11),
            at,
          );
          truth.see(Math.abs(value - exact[i]) / largest, at);
        });
      }
      formula.expectAtMost(1, 'dz, steps of v beyond its own half step and |x-hat|');
      truth.expectAtMost(2 ** -10, 'dz, relative to the largest dy gain / sigma of the row');
    },
  );
});
