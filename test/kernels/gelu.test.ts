// GELU: every one of the 65,536 inputs, against float64 and on all back ends.
import { describe, expect, it } from 'vitest';
import { q15 } from '../../src/kernels/reference/fixed.ts';
import { GELU_GAP_Q17, GELU_SLOPE_Q15 } from '../../src/kernels/reference/tables.ts';
import { OPERAND_MAX } from '../../src/memory/formats.ts';
import { inout, input, output } from '../helpers/calls.ts';
import { int16s, int32s, KINDS } from '../helpers/data.ts';
import { gelu, geluSlope } from '../helpers/float64.ts';
import { equal, Worst } from '../helpers/suite.ts';

const ALL_INT16 = Int16Array.from({ length: 65536 }, (_, i) => i - 32768);
const LENGTHS = [0, 1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 33];

describe('gelu_forward_i16i16', () => {
  // [shift, bound in steps of the output]
  for (const [shift, bound] of [
    [3, 0.57],
    [2, 0.64],
    [1, 0.77],
    [0, 0.57],
  ] as const) {
    const fraction = 11 - shift;
    equal(`is within ${bound} steps of 2^-${fraction} over all 65,536 inputs`, 1, (check) => {
      const act = output(new Int16Array(65536));
      const worst = new Worst();
      const outcome = check({
        kernel: 'gelu_forward_i16i16',
        args: [input(ALL_INT16), act, 65536, shift],
      });
      let beyond = 0;
      outcome.of(act).forEach((value, i) => {
        const exact = gelu(ALL_INT16[i] / 2 ** 11) * 2 ** fraction;
        if (exact >= OPERAND_MAX + 0.5) beyond++;
        worst.see(
          Math.abs(value - Math.min(exact, OPERAND_MAX)),
          () => `u = ${ALL_INT16[i]}: ${value}, exactly ${exact.toFixed(3)}`,
        );
      });
      worst.expectAtMost(bound, `GELU, steps of 2^-${fraction}`);
      // the one at the limit may round either way
      expect(Math.abs((outcome.result as number) - beyond)).toBeLessThanOrEqual(1);
    });
  }

  equal(
    'never exceeds max(u, 0) by more than rounding, and GELU(0) = 0, over all inputs',
    4,
    (check) => {
      for (let shift = 0; shift <= 3; shift++) {
        const act = output(new Int16Array(65536));
        const half = shift > 0 ? 2 ** (shift - 1) : 0;
        const result = check({
          kernel: 'gelu_forward_i16i16',
          args: [input(ALL_INT16), act, 65536, shift],
        }).of(act);
        expect(result[32768]).toBe(0);
        result.forEach((value, i) => {
          if (value > Math.floor((Math.max(ALL_INT16[i], 0) + half) / 2 ** shift))
            throw new Error(`u = ${ALL_INT16[i]}: ${value}`);
        });
      }
    },
  );

  equal('has the same tails for 14 lengths x 7 kinds x 4 shifts', 14 * 7 * 4, (check) => {
    for (const n of LENGTHS)
      for (const kind of KINDS)
        for (let shift = 0; shift <= 3; shift++)
          check({
            kernel: 'gelu_forward_i16i16',
            args: [input(int16s(n, n, kind, 32767, -32768)), output(new Int16Array(n)), n, shift],
          });
  });
});

describe('gelu_backward_i32', () => {
  equal(
    'the slope is within 1.72 steps of 2^-14 over all 65,536 inputs (dAct = 2^15 shows it whole)',
    1,
    (check) => {
      const dAct = input(new Int32Array(65536).fill(2 ** 15));
      const du = output(new Int32Array(65536));
      const worst = new Worst();
      check({ kernel: 'gelu_backward_i32', args: [dAct, input(ALL_INT16), du, 65536] })
        .of(du)
        .forEach((value, i) => {
          const exact = geluSlope(ALL_INT16[i] / 2 ** 11) * 2 ** 14;
          worst.see(
            Math.abs(value - exact),
            () => `u = ${ALL_INT16[i]}: ${value}, exactly ${exact.toFixed(3)}`,
          );
        });
      worst.expectAtMost(1.72, "GELU', steps of 2^-14");
    },
  );

  equal(
    'rounds the product with dAct half up: all 65,536 slopes x 3 sizes of dAct, the extremes ' +
      'of int32 among them',
    3,
    (check) => {
      const slopes = output(new Int32Array(65536));
      const slope = check({
        kernel: 'gelu_backward_i32',
        args: [input(new Int32Array(65536).fill(2 ** 15)), input(ALL_INT16), slopes, 65536],
      }).of(slopes);
      for (const kind of ['random', 'graded'] as const) {
        const dAct = inout(int32s(7, 65536, kind, 2 ** 31 - 1, -(2 ** 31)));
        dAct.data.set([2 ** 31 - 1, -(2 ** 31), -1, 1], 32768 + 2000);
        const expected = dAct.data.map((v, i) =>
          Number((BigInt(v) * BigInt(slope[i]) + 2n ** 14n) >> 15n),
        );
        expect(
          check({ kernel: 'gelu_backward_i32', args: [dAct, input(ALL_INT16), dAct, 65536] }).of(
            dAct,
          ),
        ).toEqual(expected); // in place
      }
    },
  );

  equal('has the same tails for 14 lengths x 7 kinds', 14 * 7, (check) => {
    for (const n of LENGTHS)
      for (const kind of KINDS)
        check({
          kernel: 'gelu_backward_i32',
          args: [
            input(int32s(n, n, kind, 2 ** 31 - 1, -(2 ** 31))),
            input(int16s(n + 1, n, 'random', 32767, -32768)),
            output(new Int32Array(n)),
            n,
          ],
        });
  });
});

it(
  'every intermediate of both cubics fits int16 on all 10,240 values of |u|, so 16-bit lanes ' +
    'lose nothing',
  () => {
    let count = 0;
    for (const table of [GELU_GAP_Q17, GELU_SLOPE_Q15])
      for (let a = 0; a <= 10239; a++) {
        const w = 3 * a + q15(a, 6554);
        const segment = Math.floor(w / 2048);
        const f = (w % 2048) * 16;
        expect(w).toBeLessThan(2 ** 15);
        let y = table[3][segment];
        for (const power of [2, 1, 0]) {
          y = Math.floor((y * f + 2 ** 14) / 2 ** 15) + table[power][segment];
          if (y < -32768 || y > 32767 - 32) throw new Error(`|u| = ${a}: ${y}`);
        }
        count++;
      }
    expect(count).toBe(2 * 10240);
  },
);
