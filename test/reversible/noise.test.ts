// Dropout and stochastic depth: drawn again alike, from nobody else's numbers, and with their
// probabilities.

import { describe, expect, test } from 'vitest';
import { Noise } from '../../src/reversible/noise.ts';
import type { Site } from '../../src/reversible/rule.ts';
import { createGpt } from '../helpers/flat.ts';
import { NOISE, RULES, weightsAfter } from '../helpers/rules.ts';
import { lossOf, randomTokens, type Small, smallOptions } from '../helpers/runs.ts';

describe('noise', () => {
  const batch = randomTokens(smallOptions(), 0);
  const { inputs } = batch;
  test.each([
    ['none', { reversible: 'none' }],
    ...Object.entries(RULES).map(([name, rule]) => [name, rule.given]),
  ] as [string, Small][])(
    'two runs are equal and differ from one without; no step and no sample draws what ' +
      'another draws; inference has none: %s',
    async (_, given) => {
      const plain = smallOptions(given);
      const runs = [{}, { dropout: 0.2 }, { stochasticDepth: 0.6 }, NOISE].map((noise) => ({
        ...plain,
        ...noise,
      }));
      const digests = await Promise.all(runs.map((options) => weightsAfter(options, 3)));
      expect(new Set(digests).size).toBe(runs.length);
      expect(await Promise.all(runs.map((options) => weightsAfter(options, 3)))).toEqual(digests);
      const trainers = runs.map((options) => createGpt(options));
      const [first] = trainers;
      for (const trainer of trainers) {
        expect(lossOf(trainer, inputs)).toBe(lossOf(first, inputs));
        expect(trainer.predict(inputs.slice(0, 20))).toEqual(first.predict(inputs.slice(0, 20)));
      }
      const noisy = trainers[3];
      const losses = [0, 1, 2].map((step) => {
        noisy.restore(noisy.tensors(), step);
        return noisy.computeGradients(batch);
      });
      expect(new Set(losses).size).toBe(3);
    },
  );

  test(
    'block k of L is left out with probability p (k + 1) / L: 20,000 draws each, within 4 ' +
      'standard deviations',
    () => {
      const noise = new Noise({ dropout: 0, stochasticDepth: 0.5 });
      const draws = 20_000;
      const layers = 6;
      for (let k = 0; k < layers; k++) {
        const p = (0.5 * (k + 1)) / layers;
        const found = Array.from({ length: draws }, (_, i) =>
          noise.skips({
            seed: 3,
            step: Math.floor(i / 100),
            sample: i % 100,
            block: k,
            k,
            layers,
          } as Site),
        ).filter(Boolean).length;
        expect(Math.abs(found - p * draws)).toBeLessThan(4 * Math.sqrt(draws * p * (1 - p)));
      }
    },
  );
});
