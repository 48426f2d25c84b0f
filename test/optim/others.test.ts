// SGD and Lion in integers against themselves in float64, fed with the same gradients, step after
// step; what they keep, and that neither threads nor resuming change a bit.

import { describe, expect, test } from 'vitest';
import {
  constant,
  gpt,
  lion,
  type Optimizer,
  plan,
  sgd,
  type TextBatch,
  Trainer,
  UsageError,
} from '../../src/index.ts';
import { WEIGHT_GRADIENT_FRACTION } from '../../src/memory/formats.ts';
import { batchOf } from '../helpers/runs.ts';

const config = { vocabulary: 29, layers: 2, channels: 16, heads: 2, context: 12 };
const PEAK = 0.01;

const create = (optimizer: Optimizer, more: object = {}): Trainer<TextBatch> =>
  Trainer.create({
    model: gpt(config),
    batch: 4,
    steps: 100,
    optimizer,
    learningRate: constant(PEAK, { warmup: 4 }),
    ...more,
  });

/** A tensor's weights and its mean of gradients in float64. */
interface Float {
  w: Float64Array;
  m: Float64Array;
}
/** Leaves NaN for a weight where float64 cannot tell what rounded gradients do. */
type Update = (p: Float, i: number, g: number, rate: number, decays: boolean) => void;

/** Largest difference of a weight from float64 over `steps` steps, and the sum of rates. */
function compare(trainer: Trainer<TextBatch>, update: Update, steps: number): [number, number] {
  const weights = trainer.tensors().filter(({ name }) => !name.startsWith('optimizer'));
  const floats = weights.map(({ data }) => ({
    w: Float64Array.from(data, (v) => v / 2 ** 24),
    m: new Float64Array(data.length),
  }));
  const tokens = trainer.options.batch * config.context;
  let worst = 0;
  let travelled = 0;
  while (trainer.steps < steps) {
    const rate = PEAK * Math.min(1, (trainer.steps + 1) / 4);
    const { gradientNorm: norm } = trainer.step(batchOf(trainer));
    travelled += rate;
    weights.forEach(({ name, shape, data }, t) => {
      const gradient = trainer.gradient(name);
      for (let i = 0; i < data.length; i++) {
        const raw = Number(gradient[i]) / 2 ** WEIGHT_GRADIENT_FRACTION / tokens;
        update(floats[t], i, raw * Math.min(1, 1 / norm), rate, shape.length === 2);
        const own = data[i] / 2 ** 24;
        if (Number.isNaN(floats[t].w[i])) floats[t].w[i] = own;
        worst = Math.max(worst, Math.abs(floats[t].w[i] - own));
      }
    });
  }
  return [worst, travelled];
}

test.each([
  [0, 0],
  [3, 0],
  [3, 0.1],
  [7, 0.4],
])(
  'sgd, momentum 1 - 2^-%s, decay %s: 30 steps are those of float64',
  (momentumShift, weightDecay) => {
    const [worst, travelled] = compare(
      create(sgd({ momentumShift, weightDecay })),
      ({ w, m }, i, g, rate, decays) => {
        m[i] += (g - m[i]) / 2 ** momentumShift;
        w[i] -= rate * (m[i] + (decays ? weightDecay * w[i] : 0));
      },
      30,
    );
    console.log(`sgd: worst ${worst.toExponential(2)} of ${travelled.toExponential(2)}`);
    expect(worst).toBeLessThan(2e-5 * travelled);
  },
);

test.each([0, 0.3])('lion, decay %s: 30 steps move every weight as float64 does', (weightDecay) => {
  let unsure = 0;
  let sure = 0;
  const [worst, travelled] = compare(
    create(lion({ weightDecay })),
    ({ w, m }, i, g, rate, decays) => {
      const c = m[i] + (g - m[i]) / 8;
      m[i] += (g - m[i]) / 128;
      const isSure = Math.abs(c) > 1e-7; // a sign of less is that of how gradients are rounded
      unsure += isSure ? 0 : 1;
      sure += isSure ? 1 : 0;
      w[i] -= isSure ? rate * (Math.sign(c) + (decays ? weightDecay * w[i] : 0)) : Number.NaN;
    },
    30,
  );
  console.log(`lion: worst ${worst.toExponential(2)} of ${travelled.toExponential(2)}`);
  expect(worst).toBeLessThan(1e-4 * travelled);
  expect(unsure).toBeLessThan(0.01 * sure);
});

describe.each([
  ['sgd', sgd({ weightDecay: 0.1 })],
  ['lion', lion()],
])('%s', (name, optimizer) => {
  test('keeps one tensor of each parameter', () => {
    const { bytes, parameters } = plan({ model: gpt(config), batch: 4, steps: 10, optimizer });
    expect(bytes.optimizer).toBe(4 * parameters);
    const kept = create(optimizer)
      .tensors()
      .filter((t) => t.name.startsWith('optimizer.m.'));
    expect(kept.reduce((sum, { data }) => sum + data.length, 0)).toBe(parameters);
  });

  test('lowers the loss', () => {
    const trainer = create(optimizer, { learningRate: name === 'lion' ? 0.003 : 0.9 });
    const batch = batchOf(trainer, 0);
    const first = trainer.evaluate(batch).loss;
    for (let i = 0; i < 60; i++) trainer.step(batch);
    expect(trainer.evaluate(batch).loss).toBeLessThan(first - 0.5);
  });

  test('micro-batches, 2 threads and resuming change no bit', async () => {
    const digestOf = async (trainer: Trainer<TextBatch>): Promise<string> => {
      while (trainer.steps < 6) trainer.step(batchOf(trainer));
      return trainer.weightsSha256();
    };
    const expected = await digestOf(create(optimizer));
    expect(await digestOf(create(optimizer, { microBatch: 1 }))).toBe(expected);
    const threadModule = new URL('../../dist/thread.js', import.meta.url);
    const { options } = create(optimizer, { threads: 2 });
    const threaded = Trainer.forTests(options, { threadModule });
    await threaded.ready();
    expect([threaded.threads, await digestOf(threaded)]).toEqual([2, expected]);
    threaded.close();
    const half = create(optimizer);
    while (half.steps < 3) half.step(batchOf(half));
    const resumed = create(optimizer);
    resumed.restore(half.tensors(), 3);
    expect(await digestOf(resumed)).toBe(expected);
  });
});

test('values out of range are UsageErrors', () => {
  for (const momentumShift of [-1, 11, 0.5, Number.NaN])
    expect(() => sgd({ momentumShift })).toThrow(/^momentumShift is .* whole number from 0 to 10$/);
  for (const weightDecay of [-0.1, 0.5, Number.NaN])
    for (const make of [sgd, lion])
      expect(() => make({ weightDecay })).toThrow(/^weightDecay is .* a number from 0 to 0.4$/);
  for (const optimizer of ['adamw', sgd, {}, null, { name: 'x', options: {}, update: () => 0 }])
    expect(() => create(optimizer as never), String(optimizer)).toThrow(UsageError);
  for (const learningRate of ['0.1', Number.NaN, 0, 2, cosineLike, {}])
    expect(() => create(sgd(), { learningRate })).toThrow(UsageError);
});

/** What is no schedule: nobody called it. */
const cosineLike = (peak: number): object => ({ peak });
