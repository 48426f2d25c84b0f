// The promises that every reversible rule makes, one by one: states rebuilt without a differing
// element, gradients equal to those of stored activations, one set of bits however the work is cut
// up, damage found and named, memory as planned; and of what all rules share: checkpointing, noise
// that is drawn again, inference.

import { describe, expect, test } from 'vitest';
import {
  bdia,
  createWasmBackend,
  gpt,
  isWeight,
  momentum,
  OverflowError,
  ReconstructionError,
  reversible,
  type TextBatch,
  type Trainer,
  UsageError,
} from '../../src/index.ts';
import type { Backend, Kernels } from '../../src/kernels/kernels.ts';
import { momentumBlocks } from '../../src/reversible/momentum.ts';
import { Noise } from '../../src/reversible/noise.ts';
import type { Site } from '../../src/reversible/rule.ts';
import { createGpt, type FlatOptions, planGpt } from '../helpers/flat.ts';
import { oracleSequence } from '../helpers/oracle.ts';
import { pattern } from '../helpers/pattern.ts';
import {
  batchOf,
  configOf,
  lossOf,
  randomTokens,
  type Small,
  smallOptions,
} from '../helpers/runs.ts';

type GptTrainer = Trainer<TextBatch>;
type Given = Small | undefined;
interface Case {
  given: NonNullable<Given>;
  /** States that are compared on the way back, of L blocks. */
  checked: (layers: number) => number;
  /** Most blocks. */
  most: number;
}

const noted = (given: Case['given'], checked: Case['checked'], most = 1024): Case => ({
  given,
  checked,
  most,
});
const ofMomentum = (numerator: number, denominator: number, randomMomentum: boolean): Case =>
  noted(
    { reversible: 'momentum', momentum: numerator / denominator, randomMomentum },
    (layers) => layers,
    momentumBlocks(numerator / denominator),
  );
const RULES: Record<string, Case> = {
  'bdia, m = 1': noted({ gammaShift: 1 }, (layers) => layers - 1),
  'bdia, m = 2': noted({ gammaShift: 2 }, (layers) => layers - 1),
  leapfrog: noted({ reversible: 'leapfrog' }, (layers) => layers - 1),
  'momentum 0.875': ofMomentum(7, 8, false),
  'momentum 0.5': ofMomentum(1, 2, false),
  'momentum 0.125': ofMomentum(1, 8, false),
  'random momentum 0.5': ofMomentum(1, 2, true),
  'random momentum 0.75': ofMomentum(3, 4, true),
  coupling: noted({ reversible: 'coupling' }, (layers) => layers),
};
const NOISE = { dropout: 0.2, stochasticDepth: 0.6 };
const optionsOf = ({ given }: Case, more: Small = {}): FlatOptions =>
  smallOptions({ ...given, ...more });

const release = (bytes: number): Backend =>
  createWasmBackend({ build: 'release', pages: Math.ceil(bytes / 65536) });

function steps(trainer: GptTrainer, count: number): GptTrainer {
  for (let i = 0; i < count; i++) {
    trainer.step(batchOf(trainer));
  }
  return trainer;
}
const weightsAfter = (options: FlatOptions, count: number): Promise<string> =>
  steps(createGpt(options), count).weightsSha256();
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
    const wrapping = (bytes: number): Backend => {
      const backend = release(bytes);
      const { kernels } = backend;
      return {
        ...backend,
        kernels: {
          ...kernels,
          embedding_forward_i32: (ids, token, position, out, rows, columns, l) => {
            kernels.embedding_forward_i32(ids, token, position, out, rows, columns, l);
            const state = new Int32Array(backend.memory.buffer, out, rows * columns);
            state.forEach((v, i) => {
              state[i] = (v + (i % 2 ? 1 : -1) * (2 ** 31 - 1000)) | 0;
            });
          },
          bdia_step_i32: (...args) => {
            kernels.bdia_step_i32(...args);
            return 0;
          }, // the range check would refuse the step
          add_rounded_i32: (...args) => {
            kernels.add_rounded_i32(...args);
            return 0;
          },
        },
      };
    };
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
      const pushed =
        (by: number) =>
        (bytes: number): Backend => {
          const backend = release(bytes);
          const { kernels } = backend;
          return {
            ...backend,
            kernels: {
              ...kernels,
              embedding_forward_i32: (ids, token, position, out, rows, columns, l) => {
                kernels.embedding_forward_i32(ids, token, position, out, rows, columns, l);
                new Int32Array(backend.memory.buffer, out, rows * columns)[5] = by * 2 ** l;
              },
            },
          };
        };
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

describe('a flipped bit', () => {
  /** Called after a kernel that undoes something has run: what it wrote. */
  type Undone = (
    kernel: 'bdia' | 'add' | 'exchange',
    written: Int32Array,
    digits?: Int32Array,
  ) => void;

  /** A back end that shows every call that undoes an update. */
  const watched =
    (undone: Undone) =>
    (bytes: number): Backend => {
      const backend = release(bytes);
      const { kernels } = backend;
      const view = (at: number, n: number): Int32Array =>
        new Int32Array(backend.memory.buffer, at, n);
      const wrapped: Partial<Kernels> = {
        bdia_inverse_i32: (...args) => {
          kernels.bdia_inverse_i32(...args);
          undone('bdia', view(args[4], args[5]));
        },
        add_rounded_i32: (...args) => {
          const count = kernels.add_rounded_i32(...args);
          if (args[4] < 0) undone('add', view(args[2], args[3]));
          return count;
        },
        exchange_radix_i32u32: (...args) => {
          const count = kernels.exchange_radix_i32u32(...args);
          if (args[3] < args[4]) undone('exchange', view(args[0], args[2]), view(args[1], args[2]));
          return count;
        },
      };
      return { ...backend, kernels: { ...kernels, ...wrapped } };
    };

  const layers = 3;
  const batch = 2;
  const n = 24 * 32;
  /** Trains a step; flips a bit of an element at the given call of that step, or of its digits. */
  function damaged(
    rule: Case,
    call: number,
    element: number,
    bit: number,
    inDigits = false,
  ): GptTrainer {
    let calls = 0;
    return createGpt(
      optionsOf(rule, { ...NOISE, batch, model: { layers } }),
      watched((_kernel, written, digits) => {
        if (calls++ === call) (inDigits ? digits! : written)[element] ^= 1 << bit;
      }),
    );
  }
  /** Calls that undo an update in a step: which kernel, which block, which sample. */
  function callsOf(rule: Case): { kernel: string; block: number; sample: number }[] {
    const kernels: string[] = [];
    const trainer = createGpt(
      optionsOf(rule, { ...NOISE, batch, model: { layers } }),
      watched((kernel) => {
        kernels.push(kernel);
      }),
    );
    steps(trainer, 1);
    const blocks =
      rule.given.reversible === 'momentum' || rule.given.reversible === 'coupling'
        ? [2, 1, 0]
        : [2, 1];
    const places = blocks.flatMap((block) => [0, 1].map((sample) => ({ block, sample })));
    const { reversible, randomMomentum } = rule.given;
    const placeOf = (i: number): number => {
      if (reversible === 'coupling') return Math.floor(i / 2);
      if (reversible !== 'momentum') return i;
      // random: block 0 multiplies by 0
      return randomMomentum && i >= 12 ? 4 + Math.floor((i - 12) / 2) : Math.floor(i / 3);
    };
    const owner = kernels.map((_, i) => places[placeOf(i)]);
    expect(owner.at(-1)).toEqual(places.at(-1));
    return kernels.map((kernel, i) => ({ kernel, ...owner[i] }));
  }

  test.each(Object.entries(RULES))(
    'in any rebuilt state is a ReconstructionError that names block and sample, and the ' +
      'element if no other differs; the next step is right: %s',
    async (_, rule) => {
      const clean = await steps(
        createGpt(optionsOf(rule, { ...NOISE, batch, model: { layers } })),
        2,
      ).weightsSha256();
      const calls = callsOf(rule);
      for (const [call, { kernel, block, sample }] of calls.entries())
        for (const bit of [0, 13, 28, 31]) {
          const isLast =
            calls[call + 1] === undefined ||
            calls[call + 1].block !== block ||
            calls[call + 1].sample !== sample; // nothing is computed from it before the check
          // the highest bits of v before it is divided by beta do not matter
          if (bit === 31 && !isLast) continue;
          const element = (call * 97 + bit * 31) % n;
          const trainer = damaged(rule, call, element, bit);
          const batch = batchOf(trainer, 0);
          let message = '';
          try {
            trainer.step(batch);
          } catch (error) {
            expect(error).toBeInstanceOf(ReconstructionError);
            ({ message } = error as Error);
          }
          const [, count, first] =
            pattern(
              /before block \d+ of sample \d+ were not rebuilt exactly in step 1: (\d+) /,
              /of 768 elements differ, the first is element (\d+); no weight was changed$/,
            ).exec(message) ?? [];
          expect(message, `call ${call} (${kernel}), bit ${bit}`).toContain(
            `before block ${block} of sample ${sample} `,
          );
          expect(trainer.totals.mismatchedElements).toBe(Number(count));
          expect(Number(count)).toBeGreaterThanOrEqual(1);
          expect(Number(count)).toBeLessThanOrEqual(n);
          if (isLast) expect([count, first]).toEqual(['1', String(element)]);
          // the error has left nothing behind
          expect(await steps(trainer, 2).weightsSha256()).toBe(clean);
        }
    },
  );

  test('in the digits of momentum is found one block later', () => {
    for (const rule of [RULES['momentum 0.875'], RULES['momentum 0.5']])
      for (const [call, { kernel, block, sample }] of callsOf(rule).entries()) {
        if (kernel !== 'exchange' || block === 0) continue;
        const trainer = damaged(rule, call, 321, 0, true);
        const batch = batchOf(trainer, 0);
        expect(() => trainer.step(batch)).toThrow(
          `before block ${block - 1} of sample ${sample} were not rebuilt exactly in step 1: ` +
            '1 of 768 elements differ, the first is element 321',
        );
      }
  });

  test('without verification is not looked for', () => {
    const options = { ...optionsOf(RULES.coupling), verify: false };
    const trainer = steps(createGpt(options), 1);
    expect(trainer.totals.checkedStates).toBe(0);
  });
});

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

describe('checkpointing', () => {
  test('gives the weights of none, bit for bit, depth 1, 2, 3, 5, 9, 16, noise too', async () => {
    for (const layers of [1, 2, 3, 5, 9, 16])
      for (const noise of [{}, NOISE]) {
        const options = smallOptions({ ...noise, batch: 4, model: { layers, bias: true } });
        const expected = await weightsAfter({ ...options, reversible: 'none' }, 3);
        for (const microBatch of [4, 1])
          expect(
            await weightsAfter({ ...options, reversible: 'checkpointing', microBatch }, 3),
            `depth ${layers}`,
          ).toBe(expected);
      }
  });

  test('runs each block but those of the last segment twice', () => {
    for (const [layers, last] of [
      [1, 1],
      [2, 2],
      [3, 1],
      [5, 2],
      [9, 3],
      [16, 4],
      [17, 2],
    ]) {
      let calls = 0;
      const options = smallOptions({ reversible: 'checkpointing', batch: 1, model: { layers } });
      steps(
        createGpt(options, (bytes) => {
          const backend = release(bytes);
          const { kernels } = backend;
          return {
            ...backend,
            kernels: {
              ...kernels,
              bdia_step_i32: (...args) => {
                calls++;
                return kernels.bdia_step_i32(...args);
              },
            },
          };
        }),
        1,
      );
      expect(calls, `depth ${layers}`).toBe(2 * layers - last);
    }
  });

  test('keeps ceil(sqrt L) blocks of activations, a state before each segment but the last', () => {
    const states = (reversible: FlatOptions['reversible'], layers: number): number =>
      planGpt(smallOptions({ reversible, batch: 4, model: { layers } })).bytes.states;
    const state = 4 * 24 * 32 * 4;
    const lanes = 4 * state;
    const block = states('none', 2) - states('none', 1);
    for (const layers of [1, 2, 3, 4, 5, 9, 16, 17, 64, 100]) {
      const segment = Math.ceil(Math.sqrt(layers));
      expect(states('none', layers)).toBe(lanes + layers * block);
      expect(states('checkpointing', layers)).toBe(
        lanes + segment * block + (Math.ceil(layers / segment) - 1) * state,
      );
    }
  });
});

describe('noise', () => {
  const batch = randomTokens(smallOptions(), 0);
  const { inputs } = batch;
  test.each([
    ['none', { reversible: 'none' }],
    ...Object.entries(RULES).map(([name, rule]) => [name, rule.given]),
  ] as [string, NonNullable<Given>][])(
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
        noisy.steps = step;
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

describe('inference', () => {
  const GAMMAS = [0.125, -0.125, 0.25, -0.25, 0.5, -0.5];
  const optionsWith = (given: Given): FlatOptions =>
    smallOptions({ batch: 4, learningRate: 0.01, model: { layers: 5 }, ...given });
  const trained = (given: Given): GptTrainer => steps(createGpt(optionsWith(given)), 20);

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
          (bytes) => {
            const backend = release(bytes);
            const { kernels } = backend;
            return {
              ...backend,
              kernels: {
                ...kernels,
                bdia_step_i32: (prev, x, h, next, side, n, l, sigma, m) =>
                  kernels.bdia_step_i32(prev, x, h, next, side, n, l, sigma === 0 ? 0 : sign, m),
                bdia_inverse_i32: (next, x, h, side, prev, n, l, _sigma, m) =>
                  kernels.bdia_inverse_i32(next, x, h, side, prev, n, l, sign, m),
              },
            };
          },
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
            weights,
            nothing,
            inputs.subarray(s * T, s * T + T),
            targets.subarray(s * T, s * T + T),
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

describe('refusals', () => {
  const refuses = (make: () => unknown, text: string): void => {
    expect(make, text).toThrow(UsageError);
    expect(make).toThrow(text);
  };
  test('what is no rule is a UsageError', () => {
    for (const rule of ['bdia', '', null, 3, {}, { name: 'bdia', options: {} }, bdia, () => 1]) {
      const make = (): unknown => gpt({ ...smallOptions().model, rule: rule as never });
      refuses(
        make,
        'expected an update rule: bdia(), plain(), leapfrog(), momentum(), coupling() or your own',
      );
      const own = (): unknown => reversible({ depth: 1, rule: rule as never, block: [] });
      refuses(own, 'expected an update rule');
    }
  });

  test('wrong values are UsageErrors', () => {
    for (const gammaShift of [0, 4, 1.5, NaN, '1'])
      refuses(
        () => bdia({ gammaShift: gammaShift as number }),
        `gammaShift is ${JSON.stringify(gammaShift).replace('null', 'NaN')}, expected a ` +
          'whole number from 1 to 3',
      );
    for (const beta of [0, 1, 0.9, -0.5, NaN, 0.0625])
      refuses(
        () => momentum({ beta }),
        `beta is ${beta}, expected one of 0.125, 0.25, 0.375, 0.5, 0.625, 0.75, 0.875`,
      );
    for (const beta of [0.375, 0.625, 0.875])
      refuses(
        () => momentum({ beta, isRandom: true }),
        `beta is ${beta}, expected 0.125, 0.25, 0.5 or 0.75 with isRandom`,
      );
    refuses(() => momentum({ isRandom: 1 as never }), 'isRandom is 1, expected true or false');
    for (const [name, value] of [
      ['dropout', 0.81],
      ['dropout', -0.1],
      ['stochasticDepth', 0.9],
      ['stochasticDepth', NaN],
    ] as const)
      for (const make of [createGpt, planGpt])
        refuses(
          () => make(smallOptions({ [name]: value })),
          `${name} is ${value}, expected a number from 0 to 0.8`,
        );
  });
});
