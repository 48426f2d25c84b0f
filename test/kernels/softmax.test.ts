// Softmax: every fraction of its exponential, equal on all back ends, within stated distances of
// float64.
import { describe, expect, it } from 'vitest';
import { exp2Fraction } from '../../src/kernels/reference/softmax.ts';
import { inout, input, output } from '../helpers/calls.ts';
import { int16s, int32s, KINDS, Source } from '../helpers/data.ts';
import { type Check, equal, Worst } from '../helpers/suite.ts';

const COLUMNS = [1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 33];
const INT32_MIN = -(2 ** 31);
const INT32_MAX = 2 ** 31 - 1;
const storage = (rows: number, columns: number, ld: number): number =>
  rows === 0 ? 0 : (rows - 1) * ld + columns;

function forward(
  check: Check,
  s: Int32Array,
  lds: number,
  ldp: number,
  rows: number,
  columns: number,
  valid: number,
  causal: number,
  scale: number,
): Int16Array {
  const p = output(new Int16Array(storage(rows, columns, ldp)));
  return check({
    kernel: 'softmax_forward_i32i16',
    args: [inout(s), lds, p, ldp, rows, columns, valid, causal, scale],
  }).of(p);
}

it(
  '2^-f of all 32,768 fractions is within 230 steps of 2^-30 (relative 2^-21), falls ' +
    'monotonically and is exact at 0',
  () => {
    const worst = new Worst();
    for (let f = 0; f < 32768; f++) {
      worst.see(Math.abs(exp2Fraction(f) - 2 ** (30 - f / 32768)), () => `f = ${f}`);
      if (f > 0 && exp2Fraction(f) >= exp2Fraction(f - 1)) throw new Error(`not monotone at ${f}`);
    }
    worst.expectAtMost(230, '2^-f, steps of 2^-30');
    expect(exp2Fraction(0)).toBe(2 ** 30);
  },
);

describe('softmax_forward_i32i16', () => {
  equal(
    'pairs (0, -f) for all 32,768 fractions in 7 binades: the exponential is the same everywhere',
    7,
    (check) => {
      for (const n of [0, 1, 2, 14, 15, 30, 31]) {
        // A scale of 2^31 halves the distance: t = n * 2^15 + f.
        const s = new Int32Array(2 * 32768);
        for (let f = 0; f < 32768; f++) s[2 * f + 1] = -2 * (n * 32768 + f);
        const p = forward(check, s, 2, 2, 32768, 2, 2, 0, 2 ** 31);
        if (n > 15) expect([p[0], p[1]]).toEqual([32767, 0]);
      }
    },
  );

  equal(
    'is the same for 12 widths x 7 kinds x 3 scales, full and causal, tight and with gaps',
    12 * 7 * 3 * 2,
    (check) => {
      const source = new Source(71);
      for (const columns of COLUMNS)
        for (const kind of KINDS)
          for (const scale of [1, 2 ** 32 - 1, 2 ** 24 + 12345]) {
            const seed = source.u32();
            const lds = columns + (seed % 3);
            const ldp = columns + (seed % 2) * 5;
            const rows = source.between(0, 3);
            forward(
              check,
              int32s(seed, storage(rows, columns, lds), kind, INT32_MAX, INT32_MIN),
              lds,
              ldp,
              rows,
              columns,
              columns,
              0,
              scale,
            );
            const causalRows = source.between(1, columns);
            const valid = columns - causalRows + 1;
            const p = forward(
              check,
              int32s(seed + 1, storage(causalRows, columns, lds), kind, 2 ** 20),
              lds,
              ldp,
              causalRows,
              columns,
              valid,
              1,
              scale,
            );
            for (let i = 0; i < causalRows; i++)
              for (let j = valid + i; j < columns; j++) expect(p[i * ldp + j]).toBe(0);
          }
    },
  );

  equal('does not look at the columns beyond the valid ones', 10, (check) => {
    for (let valid = 1; valid <= 5; valid++) {
      const s = int32s(valid, 4 * 8, 'random', 2 ** 20);
      const changed = s.map((v, at) => (at % 8 < valid + Math.floor(at / 8) ? v : INT32_MAX));
      expect(forward(check, changed, 8, 8, 4, 8, valid, 1, 2 ** 26)).toEqual(
        forward(check, s, 8, 8, 4, 8, valid, 1, 2 ** 26),
      );
    }
  });

  equal('equal scores share alike, one far above takes all, by hand', 3, (check) => {
    expect([...forward(check, Int32Array.of(5, 5, 5, 5), 4, 4, 1, 4, 4, 0, 2 ** 30)]).toEqual([
      8192, 8192, 8192, 8192,
    ]);
    expect([
      ...forward(check, Int32Array.of(INT32_MIN, INT32_MAX, 0), 3, 3, 1, 3, 3, 0, 2 ** 32 - 1),
    ]).toEqual([0, 32767, 0]);
    expect([...forward(check, Int32Array.of(0, -65536, 0, 0), 4, 4, 1, 4, 3, 0, 2 ** 31)]).toEqual([
      13107, 6554, 13107, 0,
    ]); // 1, 1/2, 1
  });

  equal(
    '4,096 equal scores have probability 8 each, and half of them far below 16, by hand',
    2,
    (check) => {
      expect([
        ...new Set(
          forward(check, new Int32Array(4096).fill(-7), 4096, 4096, 1, 4096, 4096, 0, 2 ** 31),
        ),
      ]).toEqual([8]);
      expect([
        ...new Set(
          forward(check, int32s(1, 4096, 'alternating'), 4096, 4096, 1, 4096, 4096, 0, 2 ** 31),
        ),
      ]).toEqual([16, 0]);
    },
  );

  equal(
    'is within 0.7 steps of 2^-15 of float64, and a row sums to 32768 within half a step a column',
    600,
    (check) => {
      const source = new Source(72);
      const worst = new Worst();
      for (let round = 0; round < 600; round++) {
        const columns = source.pick([2, 5, 16, 64, 200]);
        const scale = 2 ** 32 / source.between(1, 2 ** 10);
        const spread = 2 ** source.between(10, 26);
        const s = int32s(
          round,
          columns,
          source.pick(['random', 'graded', 'one-hot', 'alternating'] as const),
          spread,
        );
        const whole = Math.min(2 ** 32 - 1, Math.floor(scale));
        const p = forward(check, s, columns, columns, 1, columns, columns, 0, whole);
        const max = s.reduce((a, b) => Math.max(a, b), INT32_MIN);
        const e = Array.from(s, (v) => 2 ** (((v - max) * whole) / 2 ** 47));
        const Z = e.reduce((a, b) => a + b);
        for (const [j, value] of p.entries())
          worst.see(
            Math.abs(value - Math.min(32767, (e[j] / Z) * 32768)),
            () => `${columns} columns, spread ${spread}, scale ${whole}`,
          );
        expect(Math.abs(p.reduce((a, b) => a + b, 0) - 32768)).toBeLessThanOrEqual(1 + columns / 2);
      }
      worst.expectAtMost(0.7, 'probability, steps of 2^-15');
    },
  );
});

describe('softmax_backward_i16i32', () => {
  equal(
    'is the same for 12 widths x 7 kinds of dp x 3 factors, full and causal, also in place',
    12 * 7 * 3 * 2,
    (check) => {
      const source = new Source(73);
      for (const columns of COLUMNS)
        for (const kind of KINDS)
          for (const factor of [2 ** 14, 2 ** 15, 23170])
            for (const causal of [0, 1]) {
              const seed = source.u32();
              const rows = causal === 1 ? source.between(1, columns) : source.between(0, 3);
              const valid = causal === 1 ? columns - rows + 1 : columns;
              const ldp = columns + (seed % 2);
              const lddp = columns + (seed % 3);
              const inPlace = seed % 4 === 0;
              const ldds = inPlace ? lddp : columns + (seed % 5);
              const p = probabilities(seed, rows, columns, ldp, valid, causal);
              const dp = (inPlace ? inout : input)(
                int32s(seed + 1, storage(rows, columns, lddp), kind),
              );
              const ds = inPlace ? dp : output(new Int32Array(storage(rows, columns, ldds)));
              const outcome = check({
                kernel: 'softmax_backward_i16i32',
                args: [input(p), ldp, dp, lddp, ds, ldds, rows, columns, valid, causal, factor],
              });
              for (let i = 0; i < rows; i++)
                for (let j = valid + i * causal; j < columns; j++)
                  expect(outcome.of(ds)[i * ldds + j]).toBe(0);
            }
    },
  );

  /** Probabilities as the forward kernel makes them: they sum to 32768 within half a step a column.
   */
  function probabilities(
    seed: number,
    rows: number,
    columns: number,
    ldp: number,
    valid: number,
    causal: number,
  ): Int16Array {
    const p = int16s(seed, storage(rows, columns, ldp), 'random');
    const source = new Source(seed, 9);
    for (let i = 0; i < rows; i++) {
      const weights = Array.from({ length: valid + i * causal }, () => 2 ** source.between(0, 12));
      const sum = weights.reduce((a, b) => a + b, 0);
      for (let j = 0; j < columns; j++)
        p[i * ldp + j] =
          j < weights.length ? Math.min(32767, Math.round((weights[j] / sum) * 32768)) : 0;
    }
    return p;
  }

  equal(
    'two columns of 1/2: dp = (4, -4) 2^16 gives (2, -2) 2^14 at factor 1/2, by hand',
    1,
    (check) => {
      const ds = output(new Int32Array(2));
      // d = (2^16, -2^16), dot = 0; d p factor 2^-28 = 2^16 2^14 2^14 / 2^28 = 2^16; ds = (2^16,
      // -2^16): p (dp - dot) = 2^17 = 2 ds
      expect([
        ...check({
          kernel: 'softmax_backward_i16i32',
          args: [
            input(Int16Array.of(16384, 16384)),
            2,
            input(Int32Array.of(2 ** 18, -(2 ** 18))),
            2,
            ds,
            2,
            1,
            2,
            2,
            0,
            2 ** 14,
          ],
        }).of(ds),
      ]).toEqual([2 ** 16, -(2 ** 16)]);
    },
  );

  equal('is within 3 steps of float64 (dp is rounded to 4 steps first)', 300, (check) => {
    const source = new Source(74);
    const worst = new Worst();
    for (let round = 0; round < 300; round++) {
      const columns = source.pick([2, 5, 16, 64, 200]);
      const factor = source.between(2 ** 14, 2 ** 15);
      const size = 2 ** source.between(8, 30);
      const p = probabilities(round, 1, columns, columns, columns, 0);
      const dp = int32s(
        round,
        columns,
        source.pick(['random', 'graded', 'one-hot'] as const),
        size,
      );
      const ds = output(new Int32Array(columns));
      const result = check({
        kernel: 'softmax_backward_i16i32',
        args: [input(p), columns, input(dp), columns, ds, columns, 1, columns, columns, 0, factor],
      }).of(ds);
      const dot = dp.reduce((sum, v, j) => sum + (v * p[j]) / 2 ** 15, 0);
      result.forEach((value, j) => {
        const exact = (((dp[j] - dot) * p[j]) / 2 ** 15) * (factor / 2 ** 15);
        worst.see(Math.abs(value - exact), () => `${columns} columns, |dp| <= ${size}`);
      });
    }
    worst.expectAtMost(3, 'softmax gradient, steps');
  });
});
