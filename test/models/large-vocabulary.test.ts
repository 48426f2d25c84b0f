// Models of many tokens: they train with embeddings as a trained GPT-2 has them, every token gets a
// gradient that is right on average, and no split of the work decides a bit.

import { describe, expect, test } from 'vitest';
import {
  crossEntropy,
  defineModel,
  features,
  type GptConfig,
  isWeight,
  type Loss,
  layerNorm,
  linear,
  OverflowError,
  Trainer,
} from '../../src/index.ts';
import { LARGE_VOCABULARY } from '../../src/memory/formats.ts';
import { sizedBackend } from '../helpers/backends.ts';
import { createGpt, type FlatOptions } from '../helpers/flat.ts';
import { oracleSequence } from '../helpers/oracle.ts';
import { batchOf, configOf, train } from '../helpers/runs.ts';

const model = { layers: 1, channels: 16, heads: 1, context: 4 };
const options = (vocabulary: number, more: Partial<FlatOptions> = {}): FlatOptions => ({
  batch: 2,
  steps: 100,
  learningRate: 0.02,
  warmup: 0,
  ...more,
  model: { ...model, ...more.model, vocabulary } as GptConfig,
});

/** Makes the embeddings as wide as those of a trained GPT-2: deviation 0.14, from 0.02. */
function widen(trainer: Trainer<never> | ReturnType<typeof createGpt>): void {
  for (const { name, data } of trainer.tensors())
    if (name === 'token.weight') for (let i = 0; i < data.length; i++) data[i] *= 7;
}

describe('embeddings of deviation 0.14', () => {
  test.each([
    [50_257, 'release'],
    [65_536, 'checked'],
  ] as const)('%d tokens train on the %s build: the loss of a batch falls', (vocabulary, build) => {
    const trainer = createGpt(options(vocabulary), (bytes) => sizedBackend(build, bytes + 65_536));
    widen(trainer);
    const batch = batchOf(trainer, 0);
    const losses = Array.from({ length: build === 'checked' ? 5 : 20 }, () => {
      const { loss, saturated } = trainer.step(batch);
      expect(saturated).toBe(0);
      return loss;
    });
    expect(losses.at(-1)).toBeLessThan(losses[0] - (build === 'checked' ? 0.2 : 1));
  });
});

/** dL/dE of tokens that no batch has over its oracle, of one sample: projected, 1 if right. */
function unlikely(vocabulary: number, steps: number): { ratio: number; zeros: number } {
  const trainer = createGpt(options(vocabulary, { batch: 1, reversible: 'none' }));
  const config = configOf(trainer);
  const inputs = Int32Array.of(3, 1, 0, 2);
  const targets = Int32Array.of(1, 0, 2, 3);
  const weights = new Map(
    trainer
      .tensors()
      .filter(isWeight)
      .map((t) => [t.name, Float64Array.from(t.data, (v) => v / 2 ** 24)]),
  );
  const gradients = new Map([...weights].map(([name, w]) => [name, new Float64Array(w.length)]));
  const update = { gammas: [0] };
  oracleSequence(config, { weights, gradients }, { inputs, targets }, update, { fraction: 9 });
  const from = 4 * config.channels;
  const exact = (gradients.get('token.weight') as Float64Array).subarray(from);
  let product = 0;
  let zeros = 0;
  for (let step = 0; step < steps; step++) {
    trainer.restore(trainer.tensors(), step);
    trainer.computeGradients({ inputs, targets });
    const found = trainer.gradient('token.weight').subarray(from);
    found.forEach((raw, i) => {
      product += (Number(raw) / 2 ** 28) * exact[i];
      if (raw === 0n) zeros++;
    });
  }
  const square = exact.reduce((sum, v) => sum + v * v, 0);
  return { ratio: product / square / steps, zeros: zeros / exact.length / steps };
}

describe('tokens that are neither input nor target', () => {
  test.each([
    [4096, 8],
    [8192, 8],
    [50_257, 2],
  ])(
    'of %d have a gradient that is the float64 one on average, within 5 %%',
    (vocabulary, steps) => {
      const { ratio, zeros } = unlikely(vocabulary, steps);
      console.log(`${vocabulary} tokens: ${ratio.toFixed(4)} of the gradient, ${zeros} zeros`);
      expect(Math.abs(ratio - 1)).toBeLessThan(0.05);
      expect(zeros).toBeLessThan(1);
    },
  );
});

describe('the noise', () => {
  const small = options(LARGE_VOCABULARY, { batch: 4, steps: 9 });

  test('is the same for micro-batches of 1, 2 and 4 and for a resumed run', async () => {
    const digests = await Promise.all(
      [1, 2, 4].map((microBatch) => train({ ...small, microBatch }, 3).weightsSha256()),
    );
    expect(new Set(digests).size).toBe(1);
    const first = train(small, 1);
    const second = createGpt(small);
    second.restore(first.tensors(), first.steps);
    for (let i = 0; i < 2; i++) second.step(batchOf(second));
    expect(await second.weightsSha256()).toBe(digests[0]);
  });

  test('begins with 2,048 tokens: below, a gradient does not depend on the step', () => {
    const gradientAt = (vocabulary: number, step: number): string => {
      const trainer = createGpt(options(vocabulary));
      const batch = batchOf(trainer, 0);
      trainer.restore(trainer.tensors(), step);
      trainer.computeGradients(batch);
      return trainer.gradient('token.weight').join();
    };
    const below = LARGE_VOCABULARY - 1;
    expect(gradientAt(below, 1)).toBe(gradientAt(below, 0));
    expect(gradientAt(LARGE_VOCABULARY, 1)).not.toBe(gradientAt(LARGE_VOCABULARY, 0));
  }, 20_000);
});

/** A loss whose gradient is 1 for every logit. */
const dense = (): Loss<unknown> => ({
  takes: ['sums'],
  plan: () => ({
    take: () => 1,
    load: () => {},
    score: (run, x, _s, sum, dx) => {
      sum.loss += 65_536;
      if (dx === undefined) return;
      run.view(dx.at, x.size).fill(2 ** 24);
      dx.exponent = -24;
    },
  }),
});

test('a loss of your own whose gradient is beyond exact sums is refused, with a hint', () => {
  const wide = defineModel('wide', ({ outputs, loss }: { outputs: number; loss: string }) => ({
    input: features({ count: 4 }),
    layers: [linear(4, { name: 'in' }), layerNorm(), linear(outputs)],
    loss: loss === 'dense' ? dense() : crossEntropy(),
  }));
  const step = (outputs: number, loss: string): void => {
    const run = Trainer.create({ model: wide({ outputs, loss }), batch: 1, steps: 1 });
    run.step({ values: [1, -1, 2, 3], targets: Int32Array.of(2) } as never);
  };
  expect(() => step(100_000, 'dense')).toThrow(OverflowError);
  expect(() => step(100_000, 'dense')).toThrow(/its rows are, beyond which sums are not exact/);
  step(200, 'dense');
  step(100_000, 'crossEntropy');
});
