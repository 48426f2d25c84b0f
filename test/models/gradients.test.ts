// The gradients of the integer GPT against the float64 oracle of the same model, tensor by tensor,
// under every update rule.

import { describe, expect, test } from 'vitest';
import { PURPOSE, philox4x32, randomU32 } from '../../src/core/random.ts';
import { isWeight } from '../../src/index.ts';
import { randomSign } from '../../src/reversible/bdia.ts';
import type { Site } from '../../src/reversible/rule.ts';
import { runsAll } from '../helpers/all.ts';
import { createGpt, type FlatOptions } from '../helpers/flat.ts';
import { cosineOf } from '../helpers/float64.ts';
import { type OracleOptions, oracleSequence } from '../helpers/oracle.ts';
import type { Update } from '../helpers/oracle-stream.ts';
import { batchOf, configOf } from '../helpers/runs.ts';

/** What the oracle has to know of a run. */
type Known = ReturnType<typeof knownOf>;
const knownOf = (flat: FlatOptions) => ({
  reversible: 'bdia',
  seed: 1,
  gammaShift: 1,
  momentum: 0.875,
  randomMomentum: false,
  dropout: 0,
  stochasticDepth: 0,
  fractionBits: 9,
  ...flat,
});

/** The rule of a run as the oracle wants it, for a sample of a step. */
function updateOf(
  { reversible, model: { layers }, seed, gammaShift, momentum, randomMomentum }: Known,
  step: number,
  sample: number,
): Update {
  const blocks = (f: (k: number) => number): number[] =>
    Array.from({ length: layers }, (_, k) => f(k));
  const sign = (k: number): number =>
    k === 0 ? 0 : randomSign({ seed, step, sample, block: k } as Site);
  if (reversible === 'coupling') return 'coupling';
  if (reversible === 'momentum')
    return { betas: blocks((k) => (randomMomentum ? -sign(k) * momentum : momentum)) };
  if (reversible === 'leapfrog') return { gammas: blocks((k) => (k === 0 ? 0 : 1)) };
  return { gammas: blocks((k) => (reversible === 'bdia' ? sign(k) / 2 ** gammaShift : 0)) };
}

/** The noise of a sample of a step, written from its definition (src/reversible/noise.ts). */
function noiseOf(
  { seed, dropout: p, stochasticDepth, model: { layers, channels, context } }: Known,
  step: number,
  sample: number,
): OracleOptions['mask'] {
  if (p === 0 && stochasticDepth === 0) return undefined;
  return (k, part) => {
    const depth = (stochasticDepth * (k + 1)) / layers;
    const dropped = Math.floor(p * 2 ** 32);
    const place = PURPOSE.dropout + 16 * (4 * k + part);
    const isLeftOut = randomU32(seed, PURPOSE.depth, step, sample, k) < Math.floor(depth * 2 ** 32);
    return Float64Array.from({ length: context * channels }, (_, i) =>
      isLeftOut || philox4x32(i >> 2, sample, step, place, seed, 0)[i & 3] < dropped
        ? 0
        : 1 / ((1 - p) * (1 - depth)),
    );
  };
}

/** The smallest cosine over all parameter tensors, and where; relative difference of the loss. */
function compare(given: FlatOptions, steps: number): { worst: number; name: string; loss: number } {
  const options = knownOf(given);
  const trainer = createGpt(given);
  const config = configOf(trainer);
  const { context: T } = config;
  for (let i = 0; i < steps; i++) trainer.step(batchOf(trainer));
  const batch = batchOf(trainer, 10_000);
  const { inputs, targets } = batch;
  const mean = trainer.computeGradients(batch);
  const weights = new Map(
    trainer
      .tensors()
      .filter(isWeight)
      .map((t) => [t.name, Float64Array.from(t.data, (v) => v / 2 ** 24)]),
  );
  const gradients = new Map([...weights].map(([name, w]) => [name, new Float64Array(w.length)]));
  let sum = 0;
  for (let s = 0; s < options.batch; s++)
    sum += oracleSequence(
      config,
      { weights, gradients },
      {
        inputs: inputs.subarray(s * T, s * T + T),
        targets: targets.subarray(s * T, s * T + T),
      },
      updateOf(options, trainer.steps, s),
      { fraction: options.fractionBits, mask: noiseOf(options, trainer.steps, s) },
    );
  let worst = 2;
  let name = '';
  for (const [key, oracle] of gradients) {
    const cosine = cosineOf(Float64Array.from(trainer.gradient(key), Number), oracle);
    if (cosine < worst) [worst, name] = [cosine, key];
  }
  return { worst, name, loss: Math.abs(mean - sum / (options.batch * T)) };
}

const base = {
  batch: 2,
  steps: 600,
  warmup: 50,
  model: { vocabulary: 65, layers: 4, channels: 128, heads: 4, context: 64 },
};
const small = { ...base, model: { ...base.model, channels: 64, context: 32 } };
const noise = { dropout: 0.1, stochasticDepth: 0.5 };
const cases: [string, FlatOptions, number][] = [
  ['bdia, at initialisation', { ...base }, 0],
  ['none, at initialisation', { ...base, reversible: 'none' }, 0],
  [
    'bdia, biases, untied, m = 2, l = 12, at initialisation',
    { ...base, gammaShift: 2, fractionBits: 12, model: { ...base.model, bias: true, tied: false } },
    0,
  ],
  [
    'bdia, context 160, 2 layers, at initialisation',
    { ...base, model: { ...base.model, context: 160, layers: 2 } },
    0,
  ],
  ['bdia, after 500 steps', small, 500],
  ['none, after 500 steps', { ...small, reversible: 'none' }, 500],
  ['leapfrog, at initialisation', { ...base, reversible: 'leapfrog' }, 0],
  ['leapfrog, after 500 steps', { ...small, reversible: 'leapfrog' }, 500],
  [
    'coupling, biases, untied, at initialisation',
    { ...base, reversible: 'coupling', model: { ...base.model, bias: true, tied: false } },
    0,
  ],
  ['coupling, after 500 steps', { ...small, reversible: 'coupling' }, 500],
  ['momentum 0.875, at initialisation', { ...base, reversible: 'momentum' }, 0],
  ['momentum 0.875, after 500 steps', { ...small, reversible: 'momentum' }, 500],
  [
    'momentum 0.5, biases, at initialisation',
    { ...base, reversible: 'momentum', momentum: 0.5, model: { ...base.model, bias: true } },
    0,
  ],
  ['momentum 0.125, at initialisation', { ...base, reversible: 'momentum', momentum: 0.125 }, 0],
  [
    'random momentum 0.5, at initialisation',
    { ...base, reversible: 'momentum', momentum: 0.5, randomMomentum: true },
    0,
  ],
  [
    'random momentum 0.75, at initialisation',
    { ...base, reversible: 'momentum', momentum: 0.75, randomMomentum: true },
    0,
  ],
  [
    'random momentum 0.5, after 500 steps',
    { ...small, reversible: 'momentum', momentum: 0.5, randomMomentum: true },
    500,
  ],
  ['bdia, dropout and stochastic depth, at initialisation', { ...base, ...noise }, 0],
  [
    'checkpointing, dropout and stochastic depth, at initialisation',
    { ...base, ...noise, reversible: 'checkpointing' },
    0,
  ],
  [
    'coupling, dropout and stochastic depth, at initialisation',
    { ...base, ...noise, reversible: 'coupling' },
    0,
  ],
  [
    'momentum 0.875, dropout and stochastic depth, at initialisation',
    { ...base, ...noise, reversible: 'momentum' },
    0,
  ],
];

/** All of them, or without those trained models that differ by their update rule only. */
const chosen = cases.filter(
  ([title, , steps]) => runsAll || steps === 0 || title.startsWith('bdia'),
);

describe('gradients', () => {
  test.each(chosen)(
    'cosine with the float64 oracle is at least 0.999 for every parameter tensor: %s',
    (title, options, steps) => {
      const { worst, name, loss } = compare(options, steps);
      console.log(
        `gradients, ${title}: worst cosine ${worst.toFixed(6)} (${name}), loss differs by ` +
          `${loss.toExponential(1)} nats`,
      );
      expect(worst).toBeGreaterThanOrEqual(0.999);
      expect(loss).toBeLessThan(0.003);
    },
  );
});
