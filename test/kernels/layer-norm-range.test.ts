// The range of x-hat: |x-hat| <= sqrt(columns - 1), so that its int16 never saturates where the
// fraction bits follow the columns (docs/number-formats.md has the proof), and what that is for.
import { describe, expect, it } from 'vitest';
import { xhatFraction } from '../../src/memory/formats.ts';
import { backends } from '../helpers/backends.ts';
import { input, output, run } from '../helpers/calls.ts';
import { int32s, Source } from '../helpers/data.ts';
import { planGpt } from '../helpers/flat.ts';
import { EPSILON, forward } from '../helpers/layer-norm.ts';
import { equal, Worst } from '../helpers/suite.ts';

/** The most columns of each format. */
const WIDEST = [256, 1024, 4096];

/** One entry far from all others, which are 0 or differ by a little. */
function spike(columns: number, at: number, height: number, noise: number): Int32Array {
  const row = int32s(columns + at, columns, 'random', noise);
  row[at] = height;
  return row;
}

it('x-hat has 11, 10, 9 fraction bits up to 256, 1,024, 4,096 columns, as many as fit', () => {
  const fractions = [1, 256, 257, 1024, 1025, 4096].map(xhatFraction);
  expect(fractions).toEqual([11, 11, 10, 10, 9, 9]);
  for (const columns of WIDEST) {
    const largest = Math.sqrt(columns - 1) * 2 ** xhatFraction(columns);
    expect(largest).toBeLessThan(32766);
    expect(2 * largest).toBeGreaterThan(32767);
  }
});

describe('layer_norm_forward_i32i16', () => {
  equal(
    'a single entry is as large as it can be and does not reach the end of int16, in rows of the ' +
      'most columns of each format, of every magnitude',
    3 * 2 * 2 * 30,
    (check) => {
      for (const columns of WIDEST) {
        const gain = new Int16Array(columns).fill(2048);
        let most = 0;
        for (const sign of [1, -1])
          for (const noise of [0, 1])
            for (let size = 0; size < 30; size++) {
              const row = spike(columns, size % columns, sign * 2 ** size, noise);
              const { xhat } = forward(check, row, 0, undefined, gain, undefined, columns);
              most = Math.max(most, ...xhat.map(Math.abs));
            }
        const largest = Math.round(Math.sqrt(columns - 1) * 2 ** xhatFraction(columns));
        expect(Math.abs(most - largest)).toBeLessThanOrEqual(1);
      }
    },
  );

  it('one column more saturates: 2^15 is one beyond', () => {
    for (const kind of backends().filter(({ name }) => name !== 'checked'))
      for (const columns of WIDEST.map((most) => most + 1)) {
        const xhat = output(new Int16Array(columns));
        const row = input(spike(columns, 3, 2 ** 24, 0));
        const gain = input(new Int16Array(columns).fill(2048));
        const out = output(new Int16Array(columns));
        const rstd = output(new Int32Array(1));
        const fraction = xhatFraction(columns - 1);
        const args = [row, 0, 0, gain, 0, out, xhat, rstd, 1, columns, fraction] as const;
        const outcome = run(kind, { kernel: 'layer_norm_forward_i32i16', args: [...args] }, 0);
        expect(outcome.of(xhat)[3]).toBe(32767);
      }
  });

  equal(
    'a row with one entry of 30 deviations and gain 0.3 is within 0.5 steps of 2^-8 and the ' +
      "gain's part of x-hat's half step, of float64",
    40,
    (check) => {
      const worst = new Worst();
      const source = new Source(65);
      for (let round = 0; round < 40; round++) {
        const columns = source.pick([768, 1000, 1024, 1600, 4096]);
        const at = source.between(0, columns - 1);
        const row = int32s(round, columns, 'random', 2 ** source.between(14, 18));
        const others = Math.sqrt(row.reduce((sum, v) => sum + v * v, 0) / columns);
        const deviations = columns === 768 ? 26.8 : 30; // as GPT-2's first token has
        // height / sqrt(height^2 / columns + others^2) = deviations
        row[at] = Math.round((deviations * others) / Math.sqrt(1 - deviations ** 2 / columns));
        const gain = new Int16Array(columns).fill(614); // 0.3
        const { out, xhat, clamped } = forward(check, row, 0, undefined, gain, undefined, columns);
        expect(clamped).toBe(0);
        const mean = row.reduce((a, b) => a + b, 0) / columns;
        const variance = row.reduce((a, b) => a + (b - mean) ** 2, 0) / columns;
        const sigma = Math.sqrt(variance + EPSILON * 2 ** 32);
        const fraction = xhatFraction(columns);
        expect(Math.abs(xhat[at]) / 2 ** fraction).toBeGreaterThan(deviations - 0.5);
        const g = 614 / 2048;
        const before = g * (128 / sigma + 0.505 / 2 ** (fraction - 8));
        out.forEach((value, i) => {
          const exact = ((row[i] - mean) / sigma) * g * 2 ** 8;
          worst.see(Math.abs(value - exact) - before, () => `${columns} columns, element ${i}`);
        });
      }
      worst.expectAtMost(
        0.5,
        'layer norm output with a spike, steps of 2^-8 beyond those of x-hat',
      );
    },
  );
});

it('a row of 10 or 9 bits counts as 2 or 4 in the gradient of a gain: sums stay in int64', () => {
  const planned = (channels: number, batch: number) => () =>
    planGpt({
      batch,
      microBatch: 1,
      steps: 1,
      model: { vocabulary: 9, layers: 1, channels, heads: 16, context: 128 },
    });
  for (const [channels, most] of [
    [256, 4096],
    [1024, 2048],
    [1040, 1024],
  ]) {
    planned(channels, most)();
    expect(planned(channels, most + 1)).toThrow(channels > 256 ? /norm1\.gain/ : /at most 4096/);
  }
});
