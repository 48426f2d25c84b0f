// The gradients of the integer GPT against the float64 oracle of the same model, tensor by tensor.

import { describe, expect, test } from 'vitest';
import { type TrainOptions, checkGptConfig, gptParameters } from '../../src/index.ts';
import { randomSign } from '../../src/reversible/bdia.ts';
import { cosineOf, oracleSequence } from '../helpers/oracle.ts';
import { randomTokens, train } from '../helpers/runs.ts';

/** The smallest cosine over all parameter tensors, and where; relative difference of the loss. */
function compare(options: TrainOptions, steps: number): { worst: number; name: string; loss: number } {
  const trainer = train(options, steps), config = checkGptConfig(options.model), { context: T, layers } = config;
  const { inputs, targets } = randomTokens(options, 10_000);
  const mean = trainer.computeGradients(inputs, targets), byName = new Map(trainer.tensors().map((t) => [t.name, t]));
  const weights = new Map(gptParameters(config).map((p) => [p.name, Float64Array.from(byName.get(p.name)!.data, (v) => v / 2 ** 24)]));
  const gradients = new Map([...weights].map(([name, w]) => [name, new Float64Array(w.length)]));
  let sum = 0;
  for (let s = 0; s < options.batch; s++) {
    const gammas = Array.from({ length: layers }, (_, k) => (options.reversible === 'none' || k === 0 ? 0 : randomSign(options.seed ?? 1, trainer.steps, s, k) / 2 ** (options.gammaShift ?? 1)));
    const l = options.fractionBits ?? 9;
    sum += oracleSequence(config, weights, gradients, inputs.subarray(s * T, s * T + T), targets.subarray(s * T, s * T + T), gammas, l);
  }
  let worst = 2, name = '';
  for (const [key, oracle] of gradients) {
    const cosine = cosineOf(Float64Array.from(trainer.gradient(key), Number), oracle);
    if (cosine < worst) [worst, name] = [cosine, key];
  }
  return { worst, name, loss: Math.abs(mean - sum / (options.batch * T)) };
}

const base = { batch: 2, steps: 600, warmup: 50, model: { vocabulary: 65, layers: 4, channels: 128, heads: 4, context: 64 } };
const cases: [string, TrainOptions, number][] = [
  ['bdia, at initialisation', { ...base }, 0],
  ['none, at initialisation', { ...base, reversible: 'none' }, 0],
  ['bdia, biases, untied, m = 2, l = 12, at initialisation', { ...base, gammaShift: 2, fractionBits: 12, model: { ...base.model, bias: true, tied: false } }, 0],
  ['bdia, context 160, 2 layers, at initialisation', { ...base, model: { ...base.model, context: 160, layers: 2 } }, 0],
  ['bdia, after 500 steps', { ...base, model: { ...base.model, channels: 64, context: 32 } }, 500],
  ['none, after 500 steps', { ...base, reversible: 'none', model: { ...base.model, channels: 64, context: 32 } }, 500],
];

describe('gradients', () => {
  test.each(cases)('cosine with the float64 oracle is at least 0.999 for every parameter tensor: %s', (title, options, steps) => {
    const { worst, name, loss } = compare(options, steps);
    console.log(`gradients, ${title}: worst cosine ${worst.toFixed(6)} (${name}), loss differs by ${loss.toExponential(1)} nats`);
    expect(worst).toBeGreaterThanOrEqual(0.999);
    expect(loss).toBeLessThan(0.003);
  });
});
