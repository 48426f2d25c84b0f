// Momentum: how many layers 32 bits an element can undo, and what random momentum is.

import { describe, expect, test } from 'vitest';
import { UsageError } from '../../src/index.ts';
import { momentumBlocks } from '../../src/reversible/momentum.ts';
import { createGpt, type FlatOptions, planGpt } from '../helpers/flat.ts';
import { optionsOf, RULES, release, steps } from '../helpers/rules.ts';
import { lossOf, randomTokens, smallOptions } from '../helpers/runs.ts';

describe('momentum', () => {
  /** beta and the most layers. */
  const MOST = [
    [0.125, 11],
    [0.25, 17],
    [0.375, 23],
    [0.5, 33],
    [0.625, 46],
    [0.75, 75],
    [0.875, 155],
  ] as const;

  test(
    'the most layers are those whose digits fit 32 bits whatever the states are, and one more ' +
      'can lose a bit',
    () => {
      const backend = release(2 ** 16);
      const { kernels, memory, base } = backend;
      const v = new Int32Array(memory.buffer, base, 4);
      const digits = new Uint32Array(memory.buffer, base + 16, 4);
      for (const [beta, most] of MOST) {
        let [p, q] = [beta * 8, 8];
        for (; p % 2 === 0; p /= 2) q /= 2;
        expect(momentumBlocks(beta)).toBe(most);
        v.fill(0);
        digits.fill(0);
        for (let block = 0; block <= most; block++) {
          expect(
            kernels.exchange_radix_i32u32(v.byteOffset, digits.byteOffset, 4, q, p, 1, 1) > 0,
            `beta ${beta}, block ${block}`,
          ).toBe(block === most);
          v.fill(q - 1); // what leaves the largest remainder
        }
      }
    },
  );

  test(
    'over more layers than 32 bits an element allow is a UsageError with the number of layers ' +
      'that they allow',
    () => {
      for (const [value, most] of MOST) {
        const options = (layers: number): FlatOptions =>
          smallOptions({
            reversible: 'momentum',
            momentum: value,
            model: { layers, channels: 8, context: 4 },
          });
        expect(() => planGpt(options(most + 1))).toThrow(UsageError);
        expect(() => planGpt(options(most + 1))).toThrow(
          `momentum ${value} over ${most + 1} layers needs more than 32 bits an element to be ` +
            `undone, enough for ${most}`,
        );
        const trainer = steps(createGpt(options(most)), 1);
        expect(trainer.totals.checkedStates).toBe(3 * most);
      }
    },
  );

  test(
    'beta random is BDIA with gamma = -beta and other roundings: the losses agree to 2e-5 nats ' +
      'at l = 14, and those of another seed do not',
    () => {
      for (const [gammaShift, value] of [
        [1, 0.5],
        [2, 0.25],
        [3, 0.125],
      ] as const) {
        const model = { layers: 8 };
        const options = smallOptions({ fractionBits: 14, gammaShift, model, seed: 5 });
        const batch = randomTokens(options, 0);
        const loss = (more: Partial<FlatOptions>): number => {
          const trainer = createGpt({ ...options, ...more });
          trainer.restore(weights, 0);
          return trainer.computeGradients(batch);
        };
        const weights = steps(createGpt({ ...options, learningRate: 0.01 }), 40)
          .tensors()
          .map((t) => ({ ...t, data: t.data.slice() }));
        const random = { reversible: 'momentum', momentum: value, randomMomentum: true } as const;
        const bdia = loss({});
        expect(Math.abs(loss(random) - bdia)).toBeLessThan(2e-5);
        expect(Math.abs(loss({ ...random, seed: 6 }) - bdia)).toBeGreaterThan(2e-4);
      }
    },
  );

  test('beta random at inference is the plain transformer, bit for bit', () => {
    const options = optionsOf(RULES['random momentum 0.75'], { model: { layers: 6 } });
    const trained = steps(createGpt(options), 3);
    const plain = createGpt({ ...options, reversible: 'none' });
    plain.restore(trained.tensors(), 3);
    const { inputs } = randomTokens({ ...options, batch: 9 }, 77);
    expect(lossOf(trained, inputs)).toBe(lossOf(plain, inputs));
    expect(trained.predict(inputs.slice(0, 17))).toEqual(plain.predict(inputs.slice(0, 17)));
  });
});
