// Gamma of inference: 0 unless given, and else that of a training pass of equal signs.

import { describe, expect, test } from 'vitest';
import { isWeight, UsageError } from '../../src/index.ts';
import { createGpt, type FlatOptions } from '../helpers/flat.ts';
import { oracleSequence } from '../helpers/oracle.ts';
import { type GptTrainer, releaseWith, steps } from '../helpers/rules.ts';
import { batchOf, configOf, type Small, smallOptions } from '../helpers/runs.ts';

describe('inference', () => {
  const GAMMAS = [0.125, -0.125, 0.25, -0.25, 0.5, -0.5];
  const optionsWith = (given: Small): FlatOptions =>
    smallOptions({ batch: 4, learningRate: 0.01, model: { layers: 5 }, ...given });
  const trained = (given: Small): GptTrainer => steps(createGpt(optionsWith(given)), 20);

  test('gamma = 0 is the default', () => {
    for (const reversible of ['bdia', 'none', 'checkpointing'] as const) {
      const trainer = trained({ reversible });
      const windows = batchOf(trainer, 50);
      const { loss } = trainer.evaluate(windows);
      expect(trainer.evaluate(windows, { gamma: 0 }).loss).toBe(loss);
      expect(trainer.evaluate(windows, { gamma: -0 }).loss).toBe(loss);
    }
  });

  test.each(['bdia', 'none', 'checkpointing'] as const)(
    'gamma is that of a BDIA training pass whose signs are all equal, bit for bit, and the ' +
      'oracle agrees to 0.003 nats: %s',
    (reversible) => {
      const options = optionsWith({ reversible });
      const trainer = trained({ reversible });
      const config = configOf(trainer);
      const { context: T } = config;
      const batch = batchOf(trainer, 50);
      const { inputs, targets } = batch;
      const weights = new Map(
        trainer
          .tensors()
          .filter(isWeight)
          .map((t) => [t.name, Float64Array.from(t.data, (v) => v / 2 ** 24)]),
      );
      const seen = new Set<number>();
      for (const gamma of GAMMAS) {
        const sign = Math.sign(gamma);
        const gammaShift = ({ 0.5: 1, 0.25: 2, 0.125: 3 } as const)[Math.abs(gamma)];
        const constant = createGpt(
          { ...options, reversible: 'bdia', gammaShift, verify: true },
          releaseWith((kernels) => ({
            bdia_step_i32: (...args) => {
              if (args[7] !== 0) args[7] = sign;
              return kernels.bdia_step_i32(...args);
            },
            bdia_inverse_i32: (...args) => {
              args[7] = sign;
              kernels.bdia_inverse_i32(...args);
            },
          })),
        );
        constant.restore(trainer.tensors(), trainer.steps);
        const { loss } = trainer.evaluate(batch, { gamma });
        expect(loss).toBe(constant.computeGradients(batch));
        let oracle = 0;
        const nothing = new Map(
          [...weights].map(([name, { length }]) => [name, new Float64Array(length)]),
        );
        const gammas = Array.from({ length: config.layers }, (_, k) => (k === 0 ? 0 : gamma));
        for (let s = 0; s < options.batch; s++)
          oracle += oracleSequence(
            config,
            { weights, gradients: nothing },
            {
              inputs: inputs.subarray(s * T, s * T + T),
              targets: targets.subarray(s * T, s * T + T),
            },
            { gammas },
            { fraction: 9 },
          );
        expect(Math.abs(loss - oracle / (options.batch * T))).toBeLessThan(0.003);
        seen.add(loss);
      }
      expect(seen.size).toBe(GAMMAS.length);
    },
  );

  test('another gamma, and any but 0 for a rule without gamma, is a UsageError', () => {
    const trainer = trained({});
    const windows = batchOf(trainer, 50);
    for (const gamma of [0.3, 1, -1, 0.75, 0.375, NaN, Infinity])
      expect(() => trainer.evaluate(windows, { gamma }), String(gamma)).toThrow(UsageError);
    for (const reversible of ['leapfrog', 'momentum', 'coupling'] as const) {
      const other = createGpt(smallOptions({ reversible }));
      expect(other.evaluate(windows, { gamma: 0 })).toEqual(other.evaluate(windows));
      expect(() => other.evaluate(windows, { gamma: 0.5 })).toThrow(UsageError);
      expect(() => other.evaluate(windows, { gamma: 0.5 })).toThrow(
        `gamma is 0.5, expected 0: ${reversible} has no gamma`,
      );
    }
  });
});
