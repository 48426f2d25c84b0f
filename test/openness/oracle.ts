// The models of docs/examples/models in float64, as their forward passes (helpers/tape.ts): what
// their integer gradients are held against.

import { randomSign } from '../../src/reversible/bdia.ts';
import type { Site } from '../../src/reversible/rule.ts';
import { Matrix, Tape } from '../helpers/tape.ts';

/** What promises.mjs tells of a model: see `gradients` there. */
export interface Told {
  step: number;
  loss: number;
  tensors: { path: string; shape: number[]; weights: number[]; gradient: number[] }[];
  batch: Record<string, number[]>;
}

/** Fraction bits of the residual state. */
const STATE_FRACTION = 9;

type Weights = (path: string) => Matrix;

function matricesOf({ tensors }: Told): Map<string, Matrix> {
  return new Map(
    tensors.map(({ path, shape, weights }) => {
      const [rows, columns] = shape.length === 1 && !/bias/.test(path) ? [1, shape[0]] : shape;
      return [path, new Matrix(rows, columns ?? 1, Float64Array.from(weights))];
    }),
  );
}

/** max(0, x)^power. */
function relu(tape: Tape, x: Matrix, power: 1 | 2): Matrix {
  const each = (v: number): number => Math.max(0, v) ** power;
  const slope = (v: number): number => (v > 0 ? power * v ** (power - 1) : 0);
  const forward = (y: Float64Array): void => {
    y.forEach((_, i) => {
      y[i] = each(x.data[i]);
    });
  };
  return tape.made(x.rows, x.columns, forward, (dy) => {
    dy.forEach((g, i) => {
      x.gradient[i] += g * slope(x.data[i]);
    });
  });
}

/** x W^T + b. */
function dense(tape: Tape, x: Matrix, w: Matrix, bias: Matrix): Matrix {
  const ones = new Matrix(x.rows, 1, new Float64Array(x.rows).fill(1));
  return tape.add([1, tape.linear(x, w)], [1, tape.linear(ones, bias)]);
}

const rowsOf = (values: readonly number[], columns: number): Matrix =>
  new Matrix(values.length / columns, columns, Float64Array.from(values));

/** Squared errors, summed. */
function squares(x: Matrix, targets: readonly number[]): number {
  x.data.forEach((v, i) => {
    x.gradient[i] = 2 * (v - targets[i]);
  });
  return x.data.reduce((sum, v, i) => sum + (v - targets[i]) ** 2, 0);
}

function regression(tape: Tape, w: Weights, { values, targets }: Told['batch']): number {
  const layer = (x: Matrix, name: string): Matrix =>
    dense(tape, x, w(`${name}.weight`), w(`${name}.bias`));
  const first = tape.gelu(layer(rowsOf(values, 5), 'first'));
  return squares(layer(tape.gelu(layer(first, 'second')), 'last'), targets);
}

function digits(tape: Tape, w: Weights, { images, labels }: Told['batch']): number {
  // from almost -2 to almost 2
  const pixels = rowsOf(
    images.map((grey) => (2 * grey - 255) / 128),
    64,
  );
  const hidden = relu(tape, dense(tape, pixels, w('hidden.weight'), w('hidden.bias')), 1);
  return tape.crossEntropy(dense(tape, hidden, w('out.weight'), w('out.bias')), labels);
}

/** The windows of an image of `width` x `width` pixels as rows; 0 outside. */
function windows(tape: Tape, x: Matrix, width: number, kernel: number, padding: number): Matrix {
  const across = width + 2 * padding - kernel + 1;
  const columns = kernel * kernel * x.columns;
  const from = Array.from({ length: across * across * columns }, (_, at) => {
    const [row, place] = [Math.floor(at / columns), at % columns];
    const [pixel, channel] = [Math.floor(place / x.columns), place % x.columns];
    const top = Math.floor(row / across) + Math.floor(pixel / kernel) - padding;
    const left = (row % across) + (pixel % kernel) - padding;
    const isInside = top >= 0 && top < width && left >= 0 && left < width;
    return isInside ? (top * width + left) * x.columns + channel : -1;
  });
  const forward = (y: Float64Array): void => {
    from.forEach((place, i) => {
      y[i] = x.data[place] ?? 0;
    });
  };
  return tape.made(across * across, columns, forward, (dy) => {
    dy.forEach((g, i) => {
      if (from[i] >= 0) x.gradient[from[i]] += g;
    });
  });
}

/** The largest, or the mean, of 2 x 2 pixels. */
function pooled(tape: Tape, x: Matrix, width: number, isMean: boolean): Matrix {
  const across = width / 2;
  /** Weight of pixel p for channel c of row r of the output. */
  const of = (i: number): [number, number][] => {
    const [r, c] = [Math.floor(i / x.columns), i % x.columns];
    const first = Math.floor(r / across) * 2 * width + (r % across) * 2;
    const places = [0, 1, width, width + 1].map((p) => (first + p) * x.columns + c);
    if (isMean) return places.map((place) => [place, 0.25]);
    return [[places.reduce((a, b) => (x.data[b] > x.data[a] ? b : a)), 1]];
  };
  const forward = (y: Float64Array): void => {
    y.forEach((_, i) => {
      y[i] = of(i).reduce((sum, [place, weight]) => sum + weight * x.data[place], 0);
    });
  };
  return tape.made(across * across, x.columns, forward, (dy) => {
    dy.forEach((g, i) => {
      for (const [place, weight] of of(i)) x.gradient[place] += weight * g;
    });
  });
}

/** One sample after the other. */
function cnn(tape: Tape, w: Weights, { images, labels }: Told['batch']): number {
  const layer = (x: Matrix, name: string): Matrix =>
    relu(tape, dense(tape, x, w(`${name}.weight`), w(`${name}.bias`)), 1);
  return labels.reduce((loss, label, s) => {
    const greys = images.slice(s * 64, s * 64 + 64);
    const pixels = rowsOf(
      greys.map((grey) => (2 * grey - 255) / 128),
      1,
    );
    const first = layer(windows(tape, pixels, 8, 3, 1), 'first');
    const second = layer(windows(tape, pooled(tape, first, 8, false), 4, 3, 1), 'second');
    const third = layer(windows(tape, pooled(tape, second, 4, true), 2, 2, 0), 'third');
    const out = dense(tape, third, w('out.weight'), w('out.bias'));
    return loss + tape.crossEntropy(out, [label]);
  }, 0);
}

/** How a text model differs from another one. */
interface TextModel {
  layers: number;
  causal: boolean;
  /** Squared ReLU instead of GELU. */
  isSquared?: boolean;
  /** The midpoint rule instead of BDIA. */
  isMidpoint?: boolean;
}

const HEADS = 4;
const CHANNELS = 32;

/** What block k adds to the stream at x. */
function branches(tape: Tape, w: Weights, x: Matrix, model: TextModel): [number, Matrix][] {
  const C = CHANNELS;
  const qkv = tape.linear(tape.norm(x, w('norm1.gain')), w('qkv.weight'));
  const [q, k, v] = [0, 1, 2].map((i) => tape.columns(qkv, i * C, i * C + C));
  const attended = tape.attention(q, k, v, HEADS, model.causal);
  const y1 = tape.linear(attended, w('projection.weight'));
  const z = tape.add([1, x], [1, y1]);
  const up = tape.linear(tape.norm(z, w('norm2.gain')), w('up.weight'));
  const active = model.isSquared ? relu(tape, up, 2) : tape.gelu(up);
  return [
    [1, y1],
    [1, tape.linear(active, w('down.weight'))],
  ];
}

function textSample(
  tape: Tape,
  w: Weights,
  model: TextModel,
  sample: { inputs: number[]; targets: number[]; signs: number[] },
): number {
  const { inputs, targets, signs } = sample;
  const places = inputs.map((_, i) => i);
  const token = w('token.weight');
  const embedded = tape.add(
    [1, tape.rows(token, inputs)],
    [1, tape.rows(w('position.weight'), places)],
  );
  let x = tape.round(embedded, STATE_FRACTION);
  let previous = x;
  for (let k = 0; k < model.layers; k++) {
    const ys = branches(tape, (path) => w(`block.${k}.${path}`), x, model);
    const gamma = k === 0 ? 0 : signs[k] / 2;
    const bdia: [number, Matrix][] = [
      [gamma, previous],
      [1 - gamma, x],
      ...ys.map(([, y]): [number, Matrix] => [1 + gamma, y]),
    ];
    const midpoint: [number, Matrix][] = [[1, k === 0 ? x : previous], ...ys];
    const next = tape.round(tape.add(...(model.isMidpoint ? midpoint : bdia)), STATE_FRACTION);
    [previous, x] = [x, next];
  }
  const out = tape.linear(tape.norm(x, w('norm.gain')), token);
  const known = places.filter((i) => targets[i] >= 0);
  return tape.crossEntropy(
    tape.rows(out, known),
    known.map((i) => targets[i]),
  );
}

/** Every sample of a batch of four. */
function text(tape: Tape, w: Weights, told: Told, model: TextModel): number {
  const { inputs, targets } = told.batch;
  const context = inputs.length / 4;
  let loss = 0;
  for (let sample = 0; sample < 4; sample++) {
    const part = (of: number[]): number[] => of.slice(sample * context, (sample + 1) * context);
    const signs = Array.from({ length: model.layers }, (_, block) =>
      randomSign({ seed: 1, step: told.step, sample, block } as Site),
    );
    loss += textSample(tape, w, model, { inputs: part(inputs), targets: part(targets), signs });
  }
  return loss;
}

const GPT = { layers: 2, causal: true };
const MODELS: Record<string, (tape: Tape, w: Weights, told: Told) => number> = {
  regression: (tape, w, { batch }) => regression(tape, w, batch),
  digits: (tape, w, { batch }) => digits(tape, w, batch),
  cnn: (tape, w, { batch }) => cnn(tape, w, batch),
  masked: (tape, w, told) => text(tape, w, told, { ...GPT, causal: false }),
  'own-layer': (tape, w, told) => text(tape, w, told, { ...GPT, isSquared: true }),
  'own-rule': (tape, w, told) => text(tape, w, told, { ...GPT, layers: 4, isMidpoint: true }),
  'own-optimizer': (tape, w, told) => text(tape, w, told, GPT),
  lion: (tape, w, told) => text(tape, w, told, GPT),
};

/** The summed loss of a model and its gradients by path. */
export function oracle(
  name: string,
  told: Told,
): { loss: number; gradients: Map<string, Float64Array> } {
  const tape = new Tape();
  const matrices = matricesOf(told);
  const get: Weights = (path) => {
    const found = matrices.get(path);
    if (found === undefined) throw new Error(`${name} has no ${path}`);
    return found;
  };
  const loss = MODELS[name](tape, get, told);
  tape.backward();
  return {
    loss,
    gradients: new Map([...matrices].map(([path, { gradient }]) => [path, gradient])),
  };
}
