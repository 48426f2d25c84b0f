// Convolution and pooling: values against float64, gradients against differences, at every edge of
// sizes, strides, paddings and groups; both formats of operands; refusals.

import { describe, expect, test } from 'vitest';
import {
  Arena,
  avgPool2d,
  type Conv2dOptions,
  conv2d,
  createWasmBackend,
  crossEntropy,
  defineModel,
  int8,
  type Layer,
  linear,
  maxPool2d,
  Planner,
  patches,
  Run,
  relu,
  Tensor,
  Trainer,
  tensorBytes,
  UsageError,
} from '../../src/index.ts';
import { checkLayer } from '../../src/verify/check-layer.ts';
import { Source } from '../helpers/data.ts';
import { cosineOf } from '../helpers/float64.ts';

interface Case extends Conv2dOptions {
  height: number;
  channels: number;
  out: number;
}
const CASES: Case[] = [
  { width: 4, height: 4, channels: 3, out: 4 },
  { width: 3, height: 5, channels: 2, out: 3, kernel: 5 },
  { width: 3, height: 3, channels: 4, out: 5, kernel: 1 },
  { width: 5, height: 4, channels: 3, out: 2, kernel: 3, stride: 2 },
  { width: 8, height: 4, channels: 2, out: 3, kernel: 4, stride: 4, padding: 0 },
  { width: 3, height: 4, channels: 2, out: 2, kernel: 3, padding: 2 },
  { width: 3, height: 3, channels: 3, out: 17, kernel: 3, padding: 0 },
  { width: 4, height: 3, channels: 4, out: 6, groups: 2 },
  { width: 3, height: 3, channels: 5, out: 5, groups: 5 },
  { width: 4, height: 4, channels: 3, out: 6, groups: 3, stride: 2, kernel: 2, padding: 1 },
  { width: 9, height: 1, channels: 2, out: 2, kernel: 3, stride: 3, bias: true },
];
const layerOf = ({ out, height: _, channels: __, ...options }: Case): Layer => conv2d(out, options);
const inputOf = ({ width = 0, height, channels }: Case, kind: 'operand' = 'operand') =>
  ({ kind, rows: width * height, columns: channels }) as const;

/** The convolution in float64, from its definition. */
function expected(given: Case, x: number[], weights: number[], biases: number[]): number[] {
  const { width = 0, height, channels, out, kernel = 3, stride = 1, groups = 1 } = given;
  const { padding = Math.floor((kernel - 1) / 2) } = given;
  const part = channels / groups;
  const along = (n: number): number => Math.floor((n + 2 * padding - kernel) / stride) + 1;
  const inputs = kernel * kernel * part;
  /** The pixel that input i of output o at window w sees. */
  const seen = (w: number, o: number, i: number): number => {
    const [pixel, c] = [Math.floor(i / part), i % part];
    const y = Math.floor(w / along(width)) * stride - padding + Math.floor(pixel / kernel);
    const left = (w % along(width)) * stride - padding + (pixel % kernel);
    const isInside = y >= 0 && y < height && left >= 0 && left < width;
    const channel = Math.floor(o / (out / groups)) * part + c;
    return isInside ? x[(y * width + left) * channels + channel] : 0;
  };
  return Array.from({ length: along(height) * along(width) * out }, (_, at) => {
    const [w, o] = [Math.floor(at / out), at % out];
    const products = weights.slice(o * inputs, (o + 1) * inputs).map((v, i) => v * seen(w, o, i));
    return products.reduce((a, b) => a + b, biases[o] ?? 0);
  });
}

/** What a layer makes of random pixels with random weights, and what they were. */
function compute(layer: Layer, given: Case) {
  const run = new Run(createWasmBackend({ pages: 64 }));
  const arena = new Arena(run.backend.base);
  const at = Planner.create(arena, { rank: 0, threads: 1, sequences: 1, fraction: 9 });
  const input = inputOf(given);
  const planned = layer.plan(at, input, 'branch');
  const [x, y] = [new Tensor(input), new Tensor(layer.output(input, 'branch'))];
  x.at = at.own(tensorBytes(input));
  y.at = at.own(tensorBytes(y.type));
  const saved = planned.saved(arena);
  const parameters = at.finish([]);
  const source = new Source(7, given.out);
  const fill = (n: number, most: number): number[] =>
    Array.from({ length: n }, () => source.between(-most, most));
  const pixels = fill(x.type.rows * x.type.columns, 1024);
  const weights = parameters.map(({ size }) => fill(size, 2 ** 23));
  run.int16.set(pixels, x.at / 2);
  parameters.forEach(({ master, size }, p) => {
    run.view(master, size).set(weights[p]);
  });
  Object.assign(x, { rows: x.type.rows, fraction: 10 });
  x.range.deviation = 0.6;
  planned.prepare(run, x, y, { copy: true, forward: true, backward: true });
  planned.forward(run, x, saved, y);
  const real = weights.map((values) => values.map((raw) => raw / 2 ** 24));
  return {
    found: Array.from(run.view(y.at, y.size), (raw) => raw / 2 ** 16),
    expected: expected(
      given,
      pixels.map((raw) => raw / 2 ** 10),
      real[0],
      real[1] ?? [],
    ),
    saturated: run.counts.saturated,
  };
}

describe('conv2d', () => {
  test.each(CASES)('%j is the convolution of float64', (given) => {
    const { found, expected: wanted, saturated } = compute(layerOf(given), given);
    expect(saturated).toBe(0);
    expect(found.length).toBe(wanted.length);
    // weights of 12 bits and their sums
    const inputs = ((given.kernel ?? 3) ** 2 * given.channels) / (given.groups ?? 1);
    const most = (inputs * 0.5 + 1) / 2 ** 12;
    const worst = Math.max(...found.map((value, i) => Math.abs(value - wanted[i])));
    expect(worst).toBeLessThan(most);
    expect(cosineOf(Float64Array.from(found), Float64Array.from(wanted))).toBeGreaterThan(0.99999);
  });

  test.each(CASES)('%j has the gradients of its differences', (given) => {
    const wanted = given.groups === 2 ? 'operand' : 'branch';
    const { cosines } = checkLayer(layerOf(given), { input: inputOf(given), wanted });
    expect(Object.keys(cosines).length).toBe(given.bias ? 3 : 2);
    expect(Math.min(...Object.values(cosines))).toBeGreaterThan(0.999);
  });

  test('its weights are [out, inputs], of deviation sqrt(2 / inputs)', () => {
    const model = defineModel('one', (_: object) => ({
      input: patches({ width: 8, height: 8, colours: 3, patch: 1 }),
      layers: [conv2d(64, { groups: 1 }), avgPool2d({ kernel: 0 }), linear(2)],
      loss: crossEntropy(),
    }));
    const [{ name, shape, data }] = Trainer.create({
      model: model({}),
      batch: 1,
      steps: 1,
    }).tensors();
    expect([name, ...shape]).toEqual(['conv.weight', 64, 27]);
    const square = data.reduce((sum, raw) => sum + (raw / 2 ** 24) ** 2, 0) / data.length;
    expect(Math.sqrt(square) / Math.sqrt(2 / 27)).toBeCloseTo(1, 1);
  });

  test('8 bit operands give nearly the same, and the same gradients of differences', () => {
    const options = { kernel: 3, name: 'c' };
    const input = { kind: 'operand', rows: 16, columns: 4 } as const;
    const operands = int8({ build: 'baseline' });
    const layer = conv2d(5, options);
    const eight: Layer = {
      ...layer,
      plan(at, type, wanted) {
        const layout = { ...at.layout, operands };
        const inner = Object.assign(Object.create(at), { layout });
        return layer.plan(inner, type, wanted);
      },
    };
    const { cosines } = checkLayerCosines(eight, input);
    expect(Math.min(...cosines)).toBeGreaterThan(0.99);
    const given = { width: 6, height: 6, channels: 4, out: 5 };
    const { found, expected: wanted } = compute(eight, given);
    const cosine = cosineOf(Float64Array.from(found), Float64Array.from(wanted));
    expect(cosine).toBeGreaterThan(0.999);
    expect(cosine).toBeLessThan(0.9999999); // it is not int16
  });

  test.each([
    [() => conv2d(0), 'outputs'],
    [() => conv2d(4, { kernel: 0 }), 'kernel'],
    [() => conv2d(4, { kernel: 32 }), 'kernel'],
    [() => conv2d(4, { stride: 0 }), 'stride'],
    [() => conv2d(4, { kernel: 3, padding: 3 }), 'padding'],
    [() => conv2d(4, { groups: 0 }), 'groups'],
    [() => conv2d(4, { deviation: -1 }), 'deviation'],
    [() => conv2d(4, { width: 1.5 }), 'width'],
  ])('refuses an option: %s', (make, name) => {
    expect(make).toThrow(UsageError);
    expect(make).toThrow(name);
  });

  test.each([
    [conv2d(4), { kind: 'state', rows: 4, columns: 2 }, 'conv2d is given state 4 x 2'],
    [conv2d(4), { kind: 'operand', rows: 8, columns: 2 }, 'that is square'],
    [conv2d(4, { width: 3 }), { kind: 'operand', rows: 8, columns: 2 }, '3 wide'],
    [conv2d(4, { groups: 2 }), { kind: 'operand', rows: 4, columns: 3 }, '2 groups of 3'],
    [conv2d(3, { groups: 2 }), { kind: 'operand', rows: 4, columns: 2 }, '3 outputs'],
    [
      conv2d(4, { kernel: 5, padding: 0 }),
      { kind: 'operand', rows: 4, columns: 2 },
      'windows of 5',
    ],
    [maxPool2d(), { kind: 'branch', rows: 4, columns: 3 }, 'maxPool2d is given branch'],
    [avgPool2d({ kernel: 0, width: 2 }), { kind: 'operand', rows: 8, columns: 3 }, '2 x 4'],
  ] as const)('refuses an input', (layer, input, message) => {
    expect(() => layer.output(input, 'branch')).toThrow(UsageError);
    expect(() => layer.output(input, 'branch')).toThrow(message);
  });
});

/** Cosines of a layer whose gradients are rounded by chance. */
function checkLayerCosines(
  layer: Layer,
  input: { kind: 'operand'; rows: number; columns: number },
) {
  try {
    return { cosines: Object.values(checkLayer(layer, { input }).cosines) };
  } catch (error) {
    return { cosines: [Number(/cosine (\S+)/.exec((error as Error).message)?.[1])] };
  }
}

describe('pooling', () => {
  const pools: [string, Layer, number][] = [
    ['maxPool2d', maxPool2d({ width: 6 }), 4],
    ['maxPool2d, with gaps', maxPool2d({ kernel: 1, stride: 2, width: 6 }), 4],
    ['avgPool2d', avgPool2d({ width: 6 }), 4],
    ['avgPool2d, overlapping', avgPool2d({ kernel: 3, stride: 2, width: 6 }), 6],
    ['avgPool2d of the whole image', avgPool2d({ kernel: 0 }), 6],
  ];

  test.each(pools)('%s has the gradients of its differences', (_, layer, height) => {
    const input = { kind: 'operand', rows: 6 * height, columns: 3 } as const;
    const { cosines } = checkLayer(layer, { input, wanted: 'operand' });
    expect(cosines['the input']).toBeGreaterThan(0.999);
  });

  test('the largest pixel of windows that overlap has the gradient of each', () => {
    const { run, planned, x, y, saved, dy, dx } = place(maxPool2d({ kernel: 2, stride: 1 }), 9);
    run.int16.set([1, 2, 0, 9, 9, 3, 4, 5, 6], x.at / 2);
    planned.forward(run, x, saved, y);
    expect(Array.from(run.int16.subarray(y.at / 2, y.at / 2 + 4))).toEqual([9, 9, 9, 9]);
    run.view(dy.at, 4).set([8, 16, 32, -64]);
    planned.backward(run, dy, x, saved, dx);
    const found = Array.from(run.view(dx.at, 9), (raw) => raw * 2 ** dx.exponent);
    expect(found).toEqual([0, 0, 0, 8 + 32, 16 - 64, 0, 0, 0, 0]);
  });

  test.each([
    ['the largest', maxPool2d({ width: 4 }), [5, 7, 13, 15]],
    ['the mean, half up', avgPool2d({ width: 4 }), [3, 5, 11, 13]],
    ['the largest of all', maxPool2d({ kernel: 0 }), [15]],
    ['the mean of windows that overlap', avgPool2d({ kernel: 3, stride: 1 }), [5, 6, 9, 10]],
  ])('%s of 16 pixels', (_, layer, wanted) => {
    const { run, planned, x, y, saved } = place(layer, 16);
    run.int16.set(
      Array.from({ length: 16 }, (_, i) => i),
      x.at / 2,
    );
    planned.forward(run, x, saved, y);
    expect(Array.from(run.int16.subarray(y.at / 2, y.at / 2 + y.size))).toEqual(wanted);
    expect(planned.rowsOf?.(16)).toBe(wanted.length);
  });
});

/** A pooling layer of an image of so many pixels, with memory. */
function place(layer: Layer, rows: number) {
  const run = new Run(createWasmBackend({ pages: 4 }));
  const arena = new Arena(run.backend.base);
  const at = Planner.create(arena, { rank: 0, threads: 1, sequences: 1, fraction: 9 });
  const input = { kind: 'operand', rows, columns: 1 } as const;
  const planned = layer.plan(at, input, 'operand');
  const [x, y] = [new Tensor(input), new Tensor(layer.output(input, 'operand'))];
  Object.assign(x, { at: at.own(rows * 2), rows });
  y.at = at.own(rows * 2);
  const [dy, dx] = [0, 0].map(() => ({ at: at.own(rows * 4), exponent: 0 }));
  const saved = planned.saved(arena);
  at.finish([]);
  return { run, planned, x, y, saved, dy, dx };
}

describe('a small network', () => {
  const net = defineModel('net', ({ width }: { width: number }) => ({
    input: patches({ width: 8, height: 8, colours: 1, patch: 1 }),
    layers: [
      conv2d(width, { name: 'a', bias: true }),
      relu(),
      maxPool2d(),
      conv2d(width, { name: 'b', groups: width }),
      relu(),
      avgPool2d({ kernel: 0 }),
      linear(2, { name: 'out', deviation: 0.3 }),
    ],
    loss: crossEntropy({ counts: true }),
  }));

  test('tells bars from columns, and micro-batches decide no bit', async () => {
    const source = new Source(3, 3);
    const batchOf = () => {
      const targets = Int32Array.from({ length: 16 }, () => source.between(0, 1));
      const images = new Uint8Array(16 * 64);
      targets.forEach((target, s) => {
        const at = source.between(0, 7);
        for (let i = 0; i < 8; i++)
          images[s * 64 + (target === 0 ? at * 8 + i : i * 8 + at)] = 200 + source.between(0, 55);
      });
      return { images, targets };
    };
    const options = { model: net({ width: 8 }), batch: 16, steps: 60, learningRate: 0.02 };
    const trainer = Trainer.create(options);
    const other = Trainer.create({ ...options, microBatch: 4 });
    for (let step = 0; step < 60; step++) {
      const batch = batchOf();
      trainer.step(batch);
      if (step < 4) other.step(batch);
      if (step === 3) expect(await other.weightsSha256()).toBe(await trainer.weightsSha256());
    }
    expect(trainer.evaluate(batchOf()).accuracy).toBe(1);
  });
});
