// Layer norm, backward: equal on all back ends, within stated distances of float64.
import { describe, expect } from 'vitest';
import { xhatFraction } from '../../src/memory/formats.ts';
import { inout, input, output } from '../helpers/calls.ts';
import { int16s, int32s, int64s, KINDS, Source } from '../helpers/data.ts';
import { EPSILON, forward } from '../helpers/layer-norm.ts';
import { type Check, equal, Worst } from '../helpers/suite.ts';

const COLUMNS = [1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 33, 64, 129];

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
    fraction = xhatFraction(columns),
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
        fraction,
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
                9 + (shift % 3),
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
        const columns = source.pick([2, 3, 8, 17, 64, 100, 300, 1100]);
        const step = 2 ** -xhatFraction(columns);
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
          Array.from(xhat, (v) => v * step),
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
            (Math.abs(value - same[i]) - 0.5) / (rstd[0] / 2 ** shift) - Math.abs(xhat[i] * step),
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
