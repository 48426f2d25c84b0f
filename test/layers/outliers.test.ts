// Outlier neurons, layers side by side, layers at another scale: gradients against differences, and
// the forward pass against its formula in exact numbers.

import { describe, expect, test } from 'vitest';
import {
  Arena,
  createWasmBackend,
  gelu,
  layerNorm,
  linear,
  Planner,
  Run,
  sequential,
  Tensor,
} from '../../src/index.ts';
import { MOST_EXPONENT, type NeuronScale, outliers } from '../../src/layers/outliers.ts';
import { parallel } from '../../src/layers/parallel.ts';
import { magnified, multiplied } from '../../src/layers/rescaled.ts';
import { checkLayer } from '../../src/verify/index.ts';

const input = { kind: 'operand', rows: 5, columns: 12 } as const;
const mlp = () => sequential(linear(16, { name: 'a' }), gelu(), linear(12, { name: 'b' }));
const two = (scales: NeuronScale[][] = []) => outliers({ count: 2, bias: true, scales });

describe('gradients are those of the forward pass, samples and threads are apart', () => {
  test.each([
    ['outliers', () => two(), input, 'branch'],
    [
      'outliers of other scales',
      () =>
        two([
          [
            [1, -2],
            [-3, 4],
          ],
        ]),
      input,
      'branch',
    ],
    ['17 outliers', () => outliers({ count: 17, bias: false, scales: [] }), input, 'branch'],
    ['parallel', () => parallel(mlp(), linear(12)), input, 'branch'],
    ['parallel with outliers', () => parallel(mlp(), two()), input, 'branch'],
    [
      'magnified by 4',
      () => magnified(2, layerNorm({ bias: true })),
      { ...input, kind: 'state' },
      'operand',
    ],
    [
      'magnified by 4, twice as wide',
      () => magnified(2, layerNorm({ bias: true }), [1]),
      { ...input, kind: 'state' },
      'operand',
    ],
    ['magnified by 1/2', () => magnified(-1, layerNorm()), { ...input, kind: 'state' }, 'operand'],
    ['multiplied by 8', () => multiplied(3, linear(7)), input, 'sums'],
  ] as const)('%s', (_, layer, of, wanted) => {
    const { cosines } = checkLayer(layer(), { input: of, wanted });
    expect(Math.min(...Object.values(cosines))).toBeGreaterThan(0.9995);
  });
});

/** One outlier neuron of weight, bias and scale, at inputs: its output in raw numbers. */
function neuron(
  x: readonly number[],
  weights: { up: number; bias: number; down: number },
  scale: NeuronScale,
) {
  const run = new Run(createWasmBackend({ pages: 8 }));
  const arena = new Arena(run.backend.base);
  const at = Planner.create(arena, { rank: 0, threads: 1, sequences: 1, fraction: 9 });
  const type = { kind: 'operand', rows: x.length, columns: 1 } as const;
  const planned = outliers({ count: 1, bias: true, scales: [[scale]] }).plan(at, type, 'branch');
  const from = new Tensor(type);
  const to = new Tensor({ ...type, kind: 'branch' });
  from.at = at.own(2 * x.length);
  to.at = at.own(4 * x.length);
  from.rows = x.length;
  from.fraction = 8;
  const saved = planned.saved(arena);
  at.finish([]).forEach(({ master }, i) => {
    run.int32[master / 4] = Object.values(weights)[i] * 2 ** 24;
  });
  run.int16.set(
    x.map((value) => value * 256),
    from.at / 2,
  );
  planned.prepare(run, from, to, { copy: true, forward: true, backward: true });
  planned.forward(run, from, saved, to);
  return { y: [...run.view(to.at, x.length)], saturated: run.counts.saturated };
}

/** GELU beyond 5 is the identity, below -5 it is 0. */
const steep = (u: number) => Math.max(0, u);

test('beyond 5, y = 2^j max(0, 2^i u) w to the last of 16 bits, up to 128 in the middle', () => {
  const x = [-15, -1, 1, 3.5, 15];
  const cases: [up: number, bias: number, down: number, scale: NeuronScale][] = [
    [8, 0, 7.5, [0, 0]],
    [8, 0, 0.125, [0, 0]],
    [-8, 0, -3, [0, 0]],
    [8, 5, 7.5, [2, -2]],
    [0.5, 0, 6, [4, 0]],
    [15.5, 15, 7, [4, -5]],
    [8, 0, 8, [4, -4]],
  ];
  for (const [up, bias, down, scale] of cases) {
    const exact = x.map((value) => {
      const u = (up * value + bias) * 2 ** scale[0];
      return steep(u) * 2 ** scale[1] * down * 2 ** 16;
    });
    const { y, saturated } = neuron(x, { up, bias, down }, scale);
    expect(exact.every((value) => Math.abs(value) <= 2 ** 26)).toBe(true);
    expect({ y, saturated }).toEqual({ y: exact.map((value) => value + 0), saturated: 0 });
  }
});

test('the largest activation is 128 less half a step; beyond, it is clamped and counted', () => {
  const { y, saturated } = neuron([15], { up: 15, bias: 0, down: 1 }, [0, 0]);
  expect({ y, saturated }).toEqual({ y: [4095 * 2 ** 11 + 1023], saturated: 1 });
});

test('an output beyond +-1024 is clamped and counted', () => {
  const { y, saturated } = neuron([15, 1], { up: 8, bias: 0, down: 15 }, [0, 0]);
  expect({ y, saturated }).toEqual({ y: [2 ** 26, 8 * 15 * 2 ** 16], saturated: 1 });
});

test('between -5 and 5 it is GELU within 2^-11', () => {
  const x = Array.from({ length: 101 }, (_, i) => (i - 50) / 16);
  const { y } = neuron(x, { up: 1.5, bias: 0, down: 1 }, [0, 0]);
  const gelu = (u: number) =>
    0.5 * u * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (u + 0.044715 * u ** 3)));
  const worst = Math.max(...x.map((value, i) => Math.abs(y[i] / 2 ** 16 - gelu(1.5 * value))));
  expect(worst).toBeLessThan(4.8e-4 + 2 ** -11); // tanh's form is that far from the exact one
});

test('its flush into a weight gradient shifts by 20 at most', () => {
  expect(MOST_EXPONENT - 5 + 28).toBe(20);
});

test('a state that leaves int32 once it is magnified counts as an overflow', () => {
  const run = new Run(createWasmBackend({ pages: 8 }));
  const arena = new Arena(run.backend.base);
  const at = Planner.create(arena, { rank: 0, threads: 1, sequences: 1, fraction: 9 });
  const type = { kind: 'state', rows: 1, columns: 4 } as const;
  const planned = magnified(2, layerNorm()).plan(at, type, 'operand');
  const [x, y] = [new Tensor(type), new Tensor({ ...type, kind: 'operand' })];
  Object.assign(x, { at: at.own(16), rows: 1, fraction: 9 });
  y.at = at.own(8);
  const saved = planned.saved(arena);
  at.finish([]);
  planned.prepare(run, x, y, { copy: true, forward: true, backward: true });
  for (const [largest, overflowed] of [
    [8191.5, 0],
    [8192, 1],
  ]) {
    run.view(x.at, 4).set([largest * 512, 0, 0, 0]);
    planned.forward(run, x, saved, y);
    expect(run.counts.overflowed).toBe(overflowed);
  }
});

test.each([
  [0, 25],
  [9, 16],
  [12, 16],
])('sums times 2^%i have %i fraction bits, and the same values', (k, fraction) => {
  const run = new Run(createWasmBackend({ pages: 8 }));
  const arena = new Arena(run.backend.base);
  const at = Planner.create(arena, { rank: 0, threads: 1, sequences: 1, fraction: 9 });
  const type = { kind: 'operand', rows: 1, columns: 2 } as const;
  const planned = multiplied(k, linear(2)).plan(at, type, 'sums');
  const [x, y] = [new Tensor(type), new Tensor({ ...type, kind: 'sums' })];
  Object.assign(x, { at: at.own(4), rows: 1, fraction: 8 });
  y.at = at.own(8);
  const saved = planned.saved(arena);
  const [weight] = at.finish([]);
  run.view(weight.master, 4).set([1, 0.5, -0.03125, 0.25].map((w) => (w * 2 ** 24) / 64));
  run.int16.set([256, 512], x.at / 2);
  planned.prepare(run, x, y, { copy: true, forward: true, backward: true });
  planned.forward(run, x, saved, y);
  expect(y.fraction).toBe(fraction);
  const values = Array.from(run.view(y.at, 2), (raw) => raw / 2 ** y.fraction);
  expect(values).toEqual([2 ** (k - 5), 0.46875 * 2 ** (k - 6)]);
  expect(run.counts.overflowed).toBe(0);
});

test('layers that do not go together are refused', () => {
  const state = { ...input, kind: 'state' } as const;
  expect(() => two().output(state, 'branch')).toThrow(/outlier neurons/);
  expect(() => parallel(mlp(), linear(11)).output(input, 'branch')).toThrow(/parallel/);
  expect(() => parallel(layerNorm(), layerNorm()).output(state, 'branch')).toThrow(/parallel/);
  expect(() => outliers({ count: 0, bias: true, scales: [] })).toThrow(/outlier neurons is 0/);
  expect(() => outliers({ count: 1, bias: true, scales: [[[5, 0]]] })).toThrow(/scales\[0\]\[0\]/);
});
