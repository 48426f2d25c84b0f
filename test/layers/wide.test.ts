// A layer norm whose output is wider than +-16, and the matrix that reads it.

import { describe, expect, test } from 'vitest';
import {
  Arena,
  createWasmBackend,
  type Gradient,
  importedGpt,
  type Layer,
  layerNorm,
  linear,
  lora,
  Planner,
  Run,
  Tensor,
  Trainer,
  type Type,
} from '../../src/index.ts';
import { MOST_WIDE, magnified } from '../../src/layers/rescaled.ts';

const ALL = { copy: true, forward: true, backward: true };

/** A layer with an input of one row, its output, and its parameters. */
function planned(layer: Layer, type: Type, wanted: Type['kind']) {
  const run = new Run(createWasmBackend({ pages: 8 }));
  const arena = new Arena(run.backend.base);
  const at = Planner.create(arena, { rank: 0, threads: 1, sequences: 1, fraction: 9 });
  const own = layer.plan(at, type, wanted);
  const [x, y] = [new Tensor(type), new Tensor(layer.output(type, wanted))];
  Object.assign(x, { at: at.own(4 * type.columns), rows: 1, fraction: 9 });
  y.at = at.own(4 * y.type.columns);
  const saved = own.saved(arena);
  const gradient: Gradient = { at: at.own(4 * y.type.columns), exponent: 0 };
  return { run, own, x, y, saved, gradient, parameters: at.finish([]) };
}

describe('a layer norm of 12 channels with gains up to 15', () => {
  const state = [3, -1, 0, 0.5, -0.25, 1, 2, -4, 1, 1, -2, 0.75];
  const gains = state.map((_, c) => 15 / 2 ** (c % 4));
  const mean = state.reduce((a, b) => a + b) / 12;
  const deviation = Math.sqrt(state.reduce((sum, value) => sum + (value - mean) ** 2, 0) / 12);
  const exact = state.map((value, c) => ((value - mean) / deviation) * gains[c]);

  test.each([0, 1, 2, 3, 4])('2^%i times as wide: within 0.6 of its step, or clamped', (wide) => {
    const type = { kind: 'state', rows: 1, columns: 12 } as const;
    const { run, own, x, y, saved, parameters } = planned(
      magnified(0, layerNorm(), [wide]),
      type,
      'operand',
    );
    run.view(parameters[0].master, 12).set(gains.map((gain) => gain * 2 ** 24));
    run.view(x.at, 12).set(state.map((value) => value * 512));
    own.prepare(run, x, y, ALL);
    own.forward(run, x, saved, y);
    expect(y.fraction).toBe(8 - wide);
    const most = 4095 / 2 ** y.fraction;
    const clamped = exact.filter((value) => Math.abs(value) > most).length;
    expect(run.counts.saturated).toBe(clamped);
    expect(clamped > 0).toBe(wide === 0);
    exact.forEach((value, c) => {
      const own = run.int16[y.at / 2 + c] / 2 ** y.fraction;
      const expected = Math.max(-most, Math.min(most, value));
      expect(Math.abs(own - expected)).toBeLessThan(0.6 / 2 ** y.fraction + 0.003 * most);
    });
  });
});

describe('the weights that read an operand of f fraction bits', () => {
  const type = { kind: 'operand', rows: 1, columns: 2 } as const;
  /** The gradient of weights 1 when that of the output is 2^exponent times 4095. */
  const back = (fraction: number, exponent: number): bigint => {
    const { run, own, x, y, saved, gradient, parameters } = planned(linear(1), type, 'branch');
    x.fraction = fraction;
    run.int16.set([1, 4095], x.at / 2);
    own.prepare(run, x, y, ALL);
    own.forward(run, x, saved, y);
    run.view(gradient.at, 1)[0] = 4095 * 2;
    gradient.exponent = exponent - 1;
    own.backward(run, gradient, x, saved, undefined);
    return run.int64[parameters[0].gradient / 8];
  };

  test.each([8, 7, 4])(
    '%i: a gradient of 2^(f + 4) at most, so that sums are exact',
    (fraction) => {
      expect(back(fraction, fraction - 8)).toBe(4095n * 2n ** 20n);
      if (fraction === 8) return; // no operand is larger
      expect(() => back(fraction, fraction - 7)).toThrow(/a gradient is larger/);
    },
  );

  test('a wide layer norm leaves products a bit to round by', () => {
    expect(8 - MOST_WIDE + 8 - 11).toBe(1);
  });
});

test('an adapter of a wide input of 64 channels: the gradient of B, cosine 0.99', () => {
  const shape = { vocabulary: 11, layers: 2, channels: 64, heads: 2, context: 12 };
  const inputs = Int32Array.from({ length: 12 }, (_, i) => (i * 5) % 11);
  const batch = { inputs, targets: inputs.map((token) => (token + 3) % 11) };
  const gradients = [0, MOST_WIDE].map((wide) => {
    const norms = [0, 1].map((): [number, number] => [wide, wide]);
    const formats = { residual: 0, magnified: 0, logits: 0, outliers: [], norms };
    const adapter = lora({ rank: 4, on: ['qkv', 'up'] });
    const model = importedGpt({ ...shape, formats, adapter });
    const trainer = Trainer.create({ model, batch: 1, steps: 4, learningRate: 0.01 });
    while (trainer.steps < 2) trainer.step(batch); // B is no longer 0
    trainer.computeGradients(batch);
    expect(trainer.totals.saturated).toBe(0);
    const paths = [0, 1].flatMap((k) => ['qkv', 'up'].map((m) => `block.${k}.${m}.lora.weight`));
    return paths.flatMap((path) => Array.from(trainer.gradient(path), Number));
  });
  const dot = (a: number[], b: number[]): number => a.reduce((sum, v, i) => sum + v * b[i], 0);
  const [a, b] = gradients;
  expect(dot(a, a)).toBeGreaterThan(0);
  expect(dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b))).toBeGreaterThan(0.99);
});
