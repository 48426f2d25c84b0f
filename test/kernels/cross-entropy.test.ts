// Cross entropy: equal on all back ends, loss and gradient within stated distances of float64.
import { describe, expect } from 'vitest';
import { inout, input, output } from '../helpers/calls.ts';
import { int32s, KINDS, Source } from '../helpers/data.ts';
import { type Check, equal, Worst } from '../helpers/suite.ts';

const COLUMNS = [1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 33, 65];
const INT32_MIN = -(2 ** 31);
const INT32_MAX = 2 ** 31 - 1;

function crossEntropy(
  check: Check,
  logits: Int32Array,
  targets: Int32Array,
  columns: number,
  scale: number,
): { dLogits: Int32Array; losses: Int32Array } {
  const dLogits = output(new Int32Array(logits.length));
  const losses = output(new Int32Array(targets.length));
  const outcome = check({
    kernel: 'cross_entropy_i32',
    args: [
      input(logits),
      columns,
      input(targets),
      dLogits,
      columns,
      losses,
      targets.length,
      columns,
      scale,
    ],
  });
  return { dLogits: outcome.of(dLogits), losses: outcome.of(losses) };
}

describe('cross_entropy_i32', () => {
  equal(
    'is the same for 13 widths x 7 kinds x 4 scales: with gradient, in place, and loss only',
    13 * 7 * 4 * 3,
    (check) => {
      const source = new Source(81);
      for (const columns of COLUMNS)
        for (const kind of KINDS)
          for (const scale of [1, 2 ** 32 - 1, 2 ** 31, 2 ** 22 + 99]) {
            const seed = source.u32();
            const rows = source.between(0, 3);
            const ldl = columns + (seed % 3);
            const lddl = columns + (seed % 2);
            const length = (ld: number): number => (rows === 0 ? 0 : (rows - 1) * ld + columns);
            const data = int32s(
              seed,
              length(ldl),
              kind,
              seed % 2 === 0 ? INT32_MAX : 2 ** 22,
              seed % 2 === 0 ? INT32_MIN : -(2 ** 22),
            );
            const targets = input(
              Int32Array.from({ length: rows }, (_, r) =>
                r === 0 ? columns - 1 : source.between(0, columns - 1),
              ),
            );
            const losses = () => output(new Int32Array(rows));
            const [a, b, c] = [losses(), losses(), losses()];
            const dLogits = output(new Int32Array(length(lddl)));
            const inPlace = inout(data);
            const full = check({
              kernel: 'cross_entropy_i32',
              args: [input(data), ldl, targets, dLogits, lddl, a, rows, columns, scale],
            });
            const over = check({
              kernel: 'cross_entropy_i32',
              args: [inPlace, ldl, targets, inPlace, ldl, b, rows, columns, scale],
            });
            const bare = check({
              kernel: 'cross_entropy_i32',
              args: [input(data), ldl, targets, 0, 0, c, rows, columns, scale],
            });
            expect(over.of(b)).toEqual(full.of(a));
            expect(bare.of(c)).toEqual(full.of(a));
            for (let r = 0; r < rows; r++)
              for (let j = 0; j < columns; j++)
                expect(over.of(inPlace)[r * ldl + j]).toBe(full.of(dLogits)[r * lddl + j]);
          }
    },
  );

  equal(
    'rows (0, -f) of all 32,768 fractions: exponential, probability and logarithm are the ' +
      'same everywhere',
    4,
    (check) => {
      for (const n of [0, 1, 7, 29]) {
        const logits = new Int32Array(2 * 32768);
        const targets = Int32Array.from({ length: 32768 }, (_, f) => f & 1);
        for (let f = 0; f < 32768; f++) logits[2 * f + 1] = -2 * (n * 32768 + f);
        crossEntropy(check, logits, targets, 2, 2 ** 31);
      }
    },
  );

  equal(
    '3,000 columns and 1 column: a uniform row loses ln(3000), a single class nothing',
    2,
    (check) => {
      const { losses, dLogits } = crossEntropy(
        check,
        new Int32Array(3000),
        Int32Array.of(1234),
        3000,
        2 ** 31,
      );
      expect(Math.abs(losses[0] / 65536 - Math.log(3000))).toBeLessThan(2 ** -14);
      expect([dLogits[0], dLogits[1234]]).toEqual([5592, 5592 - 2 ** 24]); // 2^24 / 3000 = 5592.4
      const single = crossEntropy(check, Int32Array.of(77), Int32Array.of(0), 1, 2 ** 31);
      expect([single.losses[0], single.dLogits[0]]).toEqual([0, 0]);
    },
  );

  equal(
    '2^20 columns, the most allowed: a uniform row loses 20 ln 2, and each class has 2^-20',
    1,
    (check) => {
      const { losses, dLogits } = crossEntropy(
        check,
        new Int32Array(2 ** 20).fill(5),
        Int32Array.of(2 ** 20 - 1),
        2 ** 20,
        2 ** 31,
      );
      expect(losses[0]).toBe(20 * 45426);
      expect([...new Set(dLogits)]).toEqual([16, 16 - 2 ** 24]);
    },
  );

  equal('the loss of a class 2^32 steps away saturates at 2^31 - 1', 1, (check) => {
    const { losses, dLogits } = crossEntropy(
      check,
      Int32Array.of(INT32_MAX, INT32_MIN),
      Int32Array.of(1),
      2,
      2 ** 32 - 1,
    );
    expect([losses[0], ...dLogits]).toEqual([2 ** 31 - 1, 2 ** 24, -(2 ** 24)]);
  });

  equal(
    'loss within 2.5 steps of 2^-16 + 3e-6, p within 2^-17.5 of float64, and the gradient of ' +
      'a row sums to 0 within half a step a column',
    600,
    (check) => {
      const source = new Source(82);
      const lossWorst = new Worst();
      const pWorst = new Worst();
      for (let round = 0; round < 600; round++) {
        const columns = source.pick([2, 5, 17, 65, 300]);
        const spread = 2 ** source.between(10, 21);
        const target = source.between(0, columns - 1);
        const scale = source.between(2 ** 26, 2 ** 32 - 1);
        const logits = int32s(
          round,
          columns,
          source.pick(['random', 'graded', 'one-hot', 'alternating'] as const),
          spread,
        );
        const { losses, dLogits } = crossEntropy(
          check,
          logits,
          Int32Array.of(target),
          columns,
          scale,
        );
        const max = logits.reduce((a, b) => Math.max(a, b), INT32_MIN);
        const t = Array.from(logits, (v) => ((max - v) * scale) / 2 ** 47);
        const Z = t.reduce((sum, v) => sum + 2 ** -v, 0);
        const loss = Math.LN2 * (t[target] + Math.log2(Z));
        const at = (): string => `${columns} columns, spread ${spread}, scale ${scale}`;
        lossWorst.see(Math.abs(losses[0] - loss * 65536) - loss * 65536 * 3e-6, at);
        for (const [j, value] of dLogits.entries())
          pWorst.see(Math.abs(value / 2 ** 24 + (j === target ? 1 : 0) - 2 ** -t[j] / Z), at);
        expect(Math.abs(dLogits.reduce((a, b) => a + b, 0))).toBeLessThanOrEqual(1 + columns / 2);
      }
      lossWorst.expectAtMost(2.5, 'loss, steps of 2^-16');
      pWorst.expectAtMost(2 ** -17.5, 'p - onehot');
    },
  );
});
