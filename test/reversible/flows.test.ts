// Flows are bijections: inverse(forward(x)) = x for every byte pair and for states of all sizes;
// their gradients are those of differences, and the same bits whether activations are kept or
// rebuilt.

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  Arena,
  additiveCoupling,
  conv2d,
  createWasmBackend,
  type Flow,
  type FlowShape,
  flowStack,
  gelu,
  layerNorm,
  linear,
  mixturePrior,
  type NetMaker,
  Planner,
  Run,
  shuffleChannels,
  split,
  squeeze,
  Tensor,
  UsageError,
} from '../../src/index.ts';
import { Cosine, derivative } from '../../src/verify/difference.ts';
import { Source } from '../helpers/data.ts';
import { SEED } from '../helpers/suite.ts';

const convolutional: NetMaker = (out, _, width) => [
  conv2d(6, { name: 'a', width, bias: true }),
  gelu(),
  conv2d(out, { name: 'b', width, bias: true }),
];
const normed: NetMaker = (out) => [layerNorm(), linear(5, { name: 'a' }), gelu(), linear(out)];

/** A stack at work, with random weights. */
function bench(shape: FlowShape, flows: Flow[], keeps: 'nothing' | 'activations' = 'nothing') {
  const stack = flowStack({ shape, flows, keeps });
  const run = new Run(createWasmBackend({ pages: 64 }));
  const arena = new Arena(run.backend.base);
  const at = Planner.create(arena, { rank: 0, threads: 1, sequences: 1, fraction: 9 });
  const { height, width, channels } = shape;
  const input = { kind: 'ids', rows: height * width, columns: channels } as const;
  const planned = stack.plan(at, input, 'sums');
  const [x, y] = [new Tensor(input), new Tensor(stack.output(input, 'sums'))];
  x.rows = input.rows;
  const n = x.size;
  const most = Math.max(n, y.type.rows * y.type.columns);
  x.at = at.own(n * 4);
  y.at = at.own(most * 4);
  const [dy, dx] = [0, 0].map(() => ({ at: at.own(most * 4), exponent: 0 }));
  const saved = planned.saved(arena);
  const parameters = at.finish([]);
  const source = new Source(5, 5);
  for (const { master, size, init } of parameters) {
    const start = 'value' in init ? init.value : 0;
    const view = run.view(master, size);
    for (let i = 0; i < size; i++)
      view[i] = Math.round(start * 2 ** 24) + source.between(-(2 ** 22), 2 ** 22);
  }
  planned.prepare(run, x, y, { copy: true, forward: true, backward: true });
  return { stack, run, planned, x, y, dy, dx, saved, parameters, n };
}

const SHAPE = { height: 4, width: 4, channels: 3, fraction: 7 };
/** All flows, of two levels. */
const all = (net: NetMaker): Flow[] => [
  squeeze(),
  shuffleChannels(1),
  additiveCoupling({ name: 'c0', net }),
  split({ name: 's0', net }),
  squeeze(),
  shuffleChannels(2),
  additiveCoupling({ name: 'c1', net, share: 0.5 }),
  additiveCoupling({ name: 'c2', net }),
  mixturePrior({ components: 3 }),
];

describe('bijections', () => {
  test('a coupling of two channels gives back all 2^16 pairs of bytes, and no two alike', () => {
    const shape = { height: 64, width: 64, channels: 2, fraction: 7 };
    const net: NetMaker = (out) => [
      linear(8, { name: 'a', bias: true }),
      gelu(),
      linear(out, { name: 'b', bias: true }),
    ];
    const flows = [additiveCoupling({ name: 'c', net }), additiveCoupling({ name: 'd', net })];
    const { run, planned, x, y, saved, n } = bench(shape, [flows[0], shuffleChannels(3), flows[1]]);
    const seen = new Set<string>();
    let changed = 0;
    let different = 0;
    for (let first = 0; first < 2 ** 16; first += 4096) {
      const given = Int32Array.from({ length: n }, (_, i) => {
        const pair = first + (i >> 1);
        return ((i & 1) === 0 ? pair >> 8 : pair & 255) - 128;
      });
      run.view(x.at, n).set(given);
      planned.forward(run, x, saved, y);
      const made = run.view(saved.state, n);
      for (let i = 0; i < n; i += 2) seen.add(`${made[i]} ${made[i + 1]}`);
      changed += made.reduce((sum, v, i) => sum + Number(v !== given[i]), 0);
      planned.inverse(run, saved);
      different += made.reduce((sum, v, i) => sum + Number(v !== given[i]), 0);
    }
    expect(seen.size).toBe(2 ** 16);
    expect(changed).toBeGreaterThan(2 ** 15);
    expect(different).toBe(0);
  });

  test.each([
    ['convolutions', convolutional],
    ['a layer norm', normed],
  ])(`inverse(forward(x)) = x of all flows with %s, any int32 (seed ${SEED})`, (_, net) => {
    const { run, planned, x, y, saved, n } = bench(SHAPE, all(net));
    const byte = fc.integer({ min: -128, max: 127 });
    const any = fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 });
    const states = fc.oneof(
      fc.array(byte, { minLength: n, maxLength: n }),
      fc.array(any, { minLength: n, maxLength: n }),
      fc.array(fc.constantFrom(-(2 ** 31), 2 ** 31 - 1), { minLength: n, maxLength: n }),
    );
    const property = fc.property(states, (given) => {
      run.view(x.at, n).set(given);
      planned.forward(run, x, saved, y);
      planned.inverse(run, saved);
      expect(Array.from(run.view(saved.state, n))).toEqual(given);
    });
    fc.assert(property, { numRuns: 150, seed: SEED });
  });

  test('squeeze puts the pixels of a window beside each other', () => {
    const shape = { height: 2, width: 4, channels: 1, fraction: 7 };
    const { run, planned, x, y, saved } = bench(shape, [squeeze()]);
    run.view(x.at, 8).set([1, 2, 3, 4, 5, 6, 7, 8]);
    planned.forward(run, x, saved, y);
    expect(Array.from(run.view(y.at, 8))).toEqual([1, 2, 5, 6, 3, 4, 7, 8]);
    expect(y.type).toEqual({ kind: 'state', rows: 2, columns: 4 });
  });

  test('split lets half of the channels leave, and its numbers follow the elements', () => {
    const shape = { height: 1, width: 2, channels: 4, fraction: 7 };
    const net: NetMaker = (out) => [linear(out, { bias: true, deviation: 0 })];
    const { run, planned, x, y, saved, parameters, stack } = bench(shape, [
      split({ name: 's', net }),
    ]);
    const [weight, bias] = parameters;
    run.view(weight.master, weight.size).fill(0);
    run.view(bias.master, 4).set([1, 2, 3, 4].map((v) => v * 2 ** 24));
    planned.prepare(run, x, y, { copy: true, forward: true, backward: true });
    run.view(x.at, 8).set([1, 2, 3, 4, 5, 6, 7, 8]);
    planned.forward(run, x, saved, y);
    const numbers = [1, 2, 3, 4, 1, 2, 3, 4].map((v) => v * 2 ** 16);
    expect(Array.from(run.view(y.at, 16))).toEqual([1, 2, 5, 6, 3, 4, 7, 8, ...numbers]);
    expect(stack.priors).toEqual([{ first: 4, rows: 2, columns: 2, components: 1 }]);
  });

  test('what has left is read back on the way, before the flow that took it out', () => {
    const { run, planned, x, y, saved, n, stack } = bench(SHAPE, all(convolutional));
    const given = Int32Array.from({ length: n }, (_, i) => (i * 37) % 256);
    run.view(x.at, n).set(given);
    planned.forward(run, x, saved, y);
    const made = run.view(y.at, y.size).slice();
    run.view(saved.state, n).fill(0);
    let next = y.size;
    planned.inverse(run, saved, ({ first, rows, columns, components }, numbers) => {
      const count = rows * columns * components * (components > 1 ? 3 : 2);
      next -= count;
      expect(Array.from(run.view(numbers, count))).toEqual(
        Array.from(made.subarray(next, next + count)),
      );
      const elements = made.subarray(first, first + rows * columns);
      run.view(saved.state + first * 4, elements.length).set(elements);
    });
    expect(next).toBe(n);
    expect(Array.from(run.view(saved.state, n))).toEqual(Array.from(given));
    expect(stack.last).toEqual({ height: 1, width: 1, channels: 24, fraction: 7 });
  });
});

describe('gradients', () => {
  /** What is sent back for output i. */
  const weightOf = (i: number): number => (((i * 2654435761) >>> 7) & 1 ? 1 : -1);

  function gradientsOf(given: ReturnType<typeof bench>) {
    const { run, planned, x, y, dy, dx, saved, parameters, n } = given;
    for (const { gradient, size } of parameters) run.clear(gradient, size * 8);
    planned.forward(run, x, saved, y);
    const sent = run.view(dy.at, y.size);
    for (let i = 0; i < sent.length; i++) sent[i] = weightOf(i) * 2 ** 20;
    dy.exponent = -20;
    planned.backward(run, dy, x, saved, dx);
    return {
      dx: Array.from(run.view(dx.at, n), (raw) => raw * 2 ** dx.exponent),
      weights: parameters.map(({ gradient, size }) =>
        Array.from(run.int64.subarray(gradient / 8, gradient / 8 + size)),
      ),
    };
  }

  const fill = ({ run, x, n }: ReturnType<typeof bench>, fraction: number): void => {
    const source = new Source(9, 9);
    const view = run.view(x.at, n);
    for (let i = 0; i < n; i++) view[i] = source.between(-(2 ** fraction), 2 ** fraction);
  };

  test.each([
    ['convolutions', convolutional],
    ['a layer norm', normed],
  ])('kept and rebuilt activations give the same bits, with %s', (_, net) => {
    const [rebuilt, kept] = (['nothing', 'activations'] as const).map((keeps) => {
      const given = bench(SHAPE, all(net), keeps);
      fill(given, 7);
      return { ...gradientsOf(given), state: given.run.view(given.saved.state, given.n)[0], given };
    });
    expect(rebuilt.dx).toEqual(kept.dx);
    expect(rebuilt.weights).toEqual(kept.weights);
    // the way back has undone every flow
    const { run, x, saved, n } = rebuilt.given;
    expect(Array.from(run.view(saved.state, n))).toEqual(Array.from(run.view(x.at, n)));
  });

  test.each([
    ['convolutions', convolutional],
    ['a layer norm', normed],
  ])('are those of differences, with %s', (_, net) => {
    const fraction = 13; // of a fine grid, so that rounding is small beside a difference
    const shape = { ...SHAPE, fraction };
    const given = bench(shape, all(net));
    const { run, planned, x, y, saved, parameters, n } = given;
    fill(given, fraction);
    const { dx, weights } = gradientsOf(given);
    const value = (): number => {
      planned.prepare(run, x, y, { copy: true, forward: true, backward: true });
      planned.forward(run, x, saved, y);
      const unit = (i: number): number => 2 ** -(i < n ? fraction : 16);
      return run.view(y.at, y.size).reduce((sum, raw, i) => sum + weightOf(i) * raw * unit(i), 0);
    };
    const cosineOf = (view: Int32Array, found: number[], step: number, bits: number): number => {
      const cosine = new Cosine();
      found.forEach((gradient, i) => {
        const before = view[i];
        const slope = derivative((v) => {
          view[i] = before + Math.round(v * 2 ** bits);
          return value();
        }, step);
        view[i] = before;
        if (slope !== undefined) cosine.add(gradient, slope);
      });
      return cosine.value;
    };
    expect(cosineOf(run.view(x.at, n), dx, 2 ** -4, fraction)).toBeGreaterThan(0.999);
    parameters.forEach(({ path, master, size }, p) => {
      const some = Math.min(size, 40);
      const found = weights[p].slice(0, some).map((raw) => Number(raw) / 2 ** 28);
      const step = path.endsWith('gain') ? 2 ** -2 : 2 ** -4;
      const cosine = cosineOf(run.view(master, some), found, step, 24);
      expect(cosine, path).toBeGreaterThan(0.999);
    });
  });
});

describe('refusals', () => {
  const shape = SHAPE;
  test.each([
    [() => flowStack({ shape: { ...shape, height: 3 }, flows: [squeeze()] }), 'even sides'],
    [() => flowStack({ shape, flows: [split({ name: 's', net: normed })] }), 'an even number'],
    [() => flowStack({ shape, flows: [] }), 'flows'],
    [() => flowStack({ shape: { ...shape, fraction: 2 }, flows: [squeeze()] }), 'fraction'],
    [
      () => {
        const flows = [additiveCoupling({ name: 'c', net: normed })];
        return flowStack({ shape: { ...shape, channels: 1 }, flows });
      },
      'at least 2 channels',
    ],
    [() => mixturePrior({ components: 1 }), 'components'],
    [() => shuffleChannels(-1), 'seed'],
    [() => additiveCoupling({ name: 'c', net: normed, share: 1 }), 'share'],
    [
      () => bench(shape, [additiveCoupling({ name: 'c', net: () => [linear(7)] })]),
      'branch 16 x 1',
    ],
    [
      () =>
        flowStack({ shape, flows: [squeeze()] }).output(
          { kind: 'ids', rows: 3, columns: 3 },
          'state',
        ),
      'ids 16 x 3',
    ],
  ])('%#', (make, message) => {
    expect(make).toThrow(UsageError);
    expect(make).toThrow(message);
  });
});
