// The promises that every reversible rule makes, one by one: states rebuilt without a differing
// element, gradients equal to those of stored activations, one set of bits however the work is cut
// up, memory as planned.

import { describe, expect, test } from 'vitest';
import { isWeight, OverflowError } from '../../src/index.ts';
import { createGpt, planGpt } from '../helpers/flat.ts';
import {
  type Case,
  type GptTrainer,
  NOISE,
  optionsOf,
  RULES,
  releaseWith,
  steps,
  weightsAfter,
  wrapping,
} from '../helpers/rules.ts';
import { lossOf, randomTokens } from '../helpers/runs.ts';

const gradients = (trainer: GptTrainer): [string, BigInt64Array][] =>
  trainer
    .tensors()
    .filter(isWeight)
    .map(({ name }) => [name, trainer.gradient(name)]);

describe.each(Object.entries(RULES))('%s', (_, rule) => {
  test('0 elements differ at depth 1, 2, 8 and 32 for l = 6, 9, 14', () => {
    for (const depth of [1, 2, 8, 32])
      for (const fractionBits of [6, 9, 14]) {
        const layers = Math.min(depth, rule.most);
        const { totals } = steps(
          createGpt(
            optionsOf(rule, {
              fractionBits,
              batch: 2,
              model: { layers, channels: 16, context: 12 },
            }),
          ),
          2,
        );
        expect(totals).toEqual({
          checkedStates: 2 * 2 * rule.checked(layers),
          mismatchedElements: 0,
          saturated: totals.saturated,
          overflowed: 0,
        });
      }
  });

  test('0 elements differ when the int32 state wraps around: every state + (2^31 - 1000)', () => {
    for (const layers of [2, 9]) {
      const options = optionsOf(rule, { model: { layers } });
      const trainer = createGpt(options, wrapping);
      const batch = randomTokens(options, 0);
      trainer.computeGradients(batch);
      expect(trainer.totals.checkedStates).toBe(3 * rule.checked(layers));
    }
  });

  test(
    'a state beyond 2^14 is an OverflowError that names the block, and no weight changes; for ' +
      'coupling also the sum of the streams',
    async () => {
      const pushed = (by: number) =>
        releaseWith((kernels, memory) => ({
          embedding_forward_i32: (...args) => {
            kernels.embedding_forward_i32(...args);
            const [, , , out, rows, columns, l] = args;
            new Int32Array(memory.buffer, out, rows * columns)[5] = by * 2 ** l;
          },
        }));
      for (const [by, block] of [
        [20_000, 0],
        [-20_000, 0],
        [10_000, rule.given.reversible === 'coupling' ? 2 : undefined],
      ] as const) {
        const options = optionsOf(rule);
        const trainer = createGpt(options, pushed(by));
        const batch = randomTokens(options, 0);
        const before = await trainer.weightsSha256();
        if (block === undefined) {
          trainer.computeGradients(batch);
          continue;
        }
        expect(() => trainer.step(batch)).toThrow(OverflowError);
        expect(() => trainer.step(batch)).toThrow(
          new RegExp(
            `^the residual state left \\+-2\\^14 in [12] elements: block ${block}, sample 0, ` +
              'step 1; no weight was changed',
          ),
        );
        expect(await trainer.weightsSha256()).toBe(before);
      }
    },
  );

  test(
    'gradients rebuilt = stored, every bit of every parameter, without and with dropout and ' +
      'stochastic depth',
    () => {
      for (const depth of [1, 2, 7, 24])
        for (const noise of [{}, NOISE]) {
          const options = optionsOf(rule, {
            ...noise,
            model: { layers: Math.min(depth, rule.most), bias: true },
          });
          const batch = randomTokens(options, 3);
          const rebuilt = createGpt(options);
          const stored = createGpt({ ...options, storeActivations: true });
          expect(rebuilt.computeGradients(batch)).toBe(stored.computeGradients(batch));
          for (const [name, gradient] of gradients(rebuilt)) {
            expect(gradient, name).toEqual(stored.gradient(name));
            if (!('dropout' in noise))
              expect(
                gradient.some((v) => v !== 0n),
                name,
              ).toBe(true);
          }
        }
    },
  );

  test(
    'every micro-batch, with and without verification, gives the same weights after 4 steps, ' +
      'also with noise',
    async () => {
      for (const noise of [{}, NOISE]) {
        const options = optionsOf(rule, { ...noise, batch: 6 });
        const expected = await weightsAfter(options, 4);
        for (const [microBatch, verify] of [
          [6, false],
          [3, true],
          [2, false],
          [1, true],
        ] as const)
          expect(
            await weightsAfter({ ...options, microBatch, verify }, 4),
            `micro-batch ${microBatch}`,
          ).toBe(expected);
      }
    },
  );

  test('2 and 3 threads give the weights, losses and counts of one, also with noise', async () => {
    const options = optionsOf(rule, { ...NOISE, batch: 5, model: { bias: true } });
    const seen = new Set<string>();
    const threadModule = new URL('../../dist/thread.js', import.meta.url);
    const gammas = rule.given.reversible === undefined ? [0, -0.25] : [0];
    for (const threads of [1, 2, 3]) {
      const trainer = createGpt({ ...options, threads }, undefined, threadModule);
      for (let i = 0; i < 1000 && trainer.threads < threads; i++)
        await new Promise((resolve) => setTimeout(resolve, 10));
      expect(trainer.threads).toBe(threads);
      const report = steps(trainer, 3).step(randomTokens(options, 99));
      const tokens = randomTokens({ ...options, batch: 9 }, 5).inputs;
      seen.add(
        JSON.stringify({
          ...report,
          weights: await trainer.weightsSha256(),
          validation: gammas.map((gamma) => lossOf(trainer, tokens, gamma)),
          totals: trainer.totals,
        }),
      );
      trainer.close();
    }
    expect([...seen]).toHaveLength(1);
  });
});

describe('memory', () => {
  const at = (rule: Case, layers: number, microBatch = 4): ReturnType<typeof planGpt>['bytes'] =>
    planGpt(
      optionsOf(rule, {
        batch: 4,
        microBatch,
        model: { layers, channels: 64, heads: 4, context: 40 },
      }),
    ).bytes;
  test.each(Object.entries(RULES))(
    'states do not grow with depth, side bits are as the formula says: %s',
    (_, rule) => {
      const n = 4 * 40 * 64;
      const deep = Math.min(64, rule.most);
      const { reversible = 'bdia', gammaShift = 1 } = rule.given;
      expect(at(rule, deep).states).toBe(at(rule, 2).states);
      expect(at(rule, 2).states).toBe(4 * n * 4);
      for (const layers of [1, 2, deep])
        for (const micro of [4, 1]) {
          const all = {
            bdia: ((layers - 1) * n * gammaShift) / 8,
            momentum: n * 4,
            leapfrog: 0,
            coupling: 0,
          }[reversible as string];
          expect(at(rule, layers, micro).sideBits).toBe((all! * micro) / 4);
        }
    },
  );
});
