// The promises of training, word for word with 8 bit operands: exact reversal, gradients of rebuilt
// states equal to those of stored ones, one digest for every micro-batch, number of threads, build
// and back end, and after a checkpoint that another build wrote.

import { describe, expect, test } from 'vitest';
import {
  type createWasmBackend,
  decodeCheckpoint,
  encodeCheckpoint,
  gpt,
  int8,
  int16,
  isWeight,
  type Operands,
  Trainer,
  type TrainOptions,
  translator,
  vit,
} from '../../src/index.ts';
import { INT8_BUILDS, type Int8Build } from '../../src/kernels/int8.ts';
import { chooseInt8 } from '../../src/kernels/int8-wasm.ts';
import { createReferenceBackend } from '../../src/kernels/reference/index.ts';
import { Int8Matrix } from '../../src/layers/int8-matrix.ts';
import { runsAll } from '../helpers/all.ts';
import { sizedBackend } from '../helpers/backends.ts';
import { type RuleName, ruleOf } from '../helpers/flat.ts';
import { withChecked, withReference } from '../helpers/int8.ts';
import { images, pairs, TRANSLATOR, VIT } from '../helpers/model-batches.ts';
import { randomTokens } from '../helpers/runs.ts';

const threadModule = new URL('../../dist/thread.js', import.meta.url);
const SHAPE = { vocabulary: 29, layers: 3, channels: 32, heads: 2, context: 24 };
const BATCH = 6;
const BUILDS = chooseInt8().hasRelaxed ? INT8_BUILDS : (['baseline'] as const);

type Made = Pick<TrainOptions<never>, 'model'> & Partial<TrainOptions<never>>;
interface Case {
  readonly make: (operands: Operands | undefined) => Made;
  readonly batch: (step: number, count: number) => never;
  /** Names that have 8 bit operands (all but the head). */
  readonly on?: readonly string[];
}
const text = (step: number, count: number) =>
  randomTokens({ model: SHAPE, batch: count }, step) as never;
const ofGpt = (more: object, options: object = {}, on?: readonly string[]): Case => ({
  make: (operands) => ({ model: gpt({ ...SHAPE, ...more, operands }) as never, ...options }),
  batch: text,
  on,
});
const byRule = (reversible: RuleName, options = {}): Case =>
  ofGpt({ rule: ruleOf({ reversible }) }, options);
const CASES: Record<string, Case> = {
  'gpt, bdia': byRule('bdia'),
  'gpt, none': byRule('none'),
  'gpt, coupling': byRule('coupling'),
  'gpt, momentum': byRule('momentum'),
  'gpt, leapfrog': byRule('leapfrog'),
  'gpt, checkpointing': byRule('checkpointing', { keep: 'states' }),
  'gpt, noise': ofGpt({}, { dropout: 0.1, stochasticDepth: 0.2 }),
  'gpt, biases, own head, l = 12': ofGpt({ bias: true, tied: false }, { fractionBits: 12 }),
  'gpt, 139 rows, 15 channels': ofGpt({ channels: 15, heads: 3, context: 139 }),
  'gpt, on up and qkv': ofGpt({}, {}, ['up', 'qkv']),
  'gpt, on the head too': ofGpt({ tied: false }, {}, ['head', 'down']),
  vit: {
    make: (operands) => ({ model: vit({ ...VIT, operands }) as never }),
    batch: images as never,
  },
  translator: {
    make: (operands) => ({ model: translator({ ...TRANSLATOR, operands }) as never }),
    batch: pairs as never,
  },
};
CASES['gpt, 139 rows, 15 channels'] = {
  ...CASES['gpt, 139 rows, 15 channels'],
  batch: (step, count) =>
    randomTokens({ model: { ...SHAPE, context: 139 }, batch: count }, step) as never,
};
const ALL = Object.keys(CASES).map((name) => [name]);

const create = (
  name: string,
  more: Partial<TrainOptions<never>> = {},
  test: Parameters<typeof Trainer.forTests>[1] = {},
  build: 'auto' | Int8Build = 'auto',
  operands: Operands | undefined = int8({ on: CASES[name].on, build }),
): Trainer<never> =>
  Trainer.forTests<never>(
    { batch: BATCH, steps: 50, learningRate: 0.01, ...CASES[name].make(operands), ...more },
    test,
  );

/** Trains to a step. */
function train(trainer: Trainer<never>, name: string, steps: number): Trainer<never> {
  while (trainer.steps < steps)
    trainer.step(CASES[name].batch(trainer.steps, trainer.options.batch));
  return trainer;
}
const weightsOf = (trainer: Trainer<never>) => trainer.tensors().filter(isWeight);

describe.each(ALL)('%s', (name) => {
  test('rebuilt = stored, every bit of every gradient, at the start and after 4 steps', () => {
    const rebuilt = create(name);
    const stored = create(name, { keep: 'activations' });
    for (const steps of [0, 4]) {
      train(rebuilt, name, steps);
      train(stored, name, steps);
      const batch = CASES[name].batch(99, BATCH);
      expect(rebuilt.computeGradients(batch)).toBe(stored.computeGradients(batch));
      for (const { name: path } of weightsOf(rebuilt)) {
        expect(rebuilt.gradient(path), path).toEqual(stored.gradient(path));
        expect(
          rebuilt.gradient(path).some((v) => v !== 0n),
          path,
        ).toBe(true);
      }
    }
  });

  test('one digest for every micro-batch, what is kept and verified; 0 differ', async () => {
    const digests = new Set<string>();
    for (const change of [
      {},
      { microBatch: 1 },
      { microBatch: 2 },
      { microBatch: BATCH },
      { verify: false },
      { keep: 'activations' as const },
      { keep: 'activations' as const, microBatch: 3 },
    ]) {
      const trainer = train(create(name, change), name, 5);
      digests.add(await trainer.weightsSha256());
      expect(trainer.totals.mismatchedElements).toBe(0);
    }
    expect(digests.size).toBe(1);
    const wide = train(create(name, {}, {}, 'auto', int16()), name, 5);
    expect(digests).not.toContain(await wide.weightsSha256());
  });
});

/** Of every kind. */
const SOME = [
  ['gpt, bdia'],
  ['gpt, noise'],
  ['gpt, biases, own head, l = 12'],
  ['gpt, 139 rows, 15 channels'],
  ['gpt, on the head too'],
  ['vit'],
  ['translator'],
];

describe.each(SOME.filter((_, i) => runsAll || i % 2 === 0))('%s', (name) => {
  test('1, 2, 3 and 5 threads give one digest', async () => {
    const digests = new Set<string>();
    for (const threads of [1, 2, 3, 5]) {
      const trainer = create(name, { threads }, { threadModule });
      await trainer.ready();
      expect(trainer.threads).toBe(threads);
      const report = train(trainer, name, 4).evaluate(CASES[name].batch(7, BATCH));
      digests.add(JSON.stringify([await trainer.weightsSha256(), report, trainer.totals]));
      trainer.close();
    }
    expect(digests.size).toBe(1);
  });

  test('every build and back end gives one digest: reference, release, checked', async () => {
    const digests = new Map<string, string>();
    const add = async (by: string, trainer: Trainer<never>): Promise<void> => {
      const done = train(trainer, name, 2);
      const loss = done.evaluate(CASES[name].batch(5, 2)).loss;
      digests.set(by, `${loss} ${await done.weightsSha256()}`);
    };
    const small = { batch: 2, steps: 4 };
    const of = (makeBackend: (bytes: number) => ReturnType<typeof createWasmBackend>) => ({
      makeBackend,
    });
    for (const build of BUILDS) await add(build, create(name, small, {}, build));
    const reference = of((bytes) => withReference(createReferenceBackend(bytes)));
    await add('reference', create(name, small, reference, 'baseline'));
    const wide = of((bytes) => sizedBackend('checked', bytes));
    await add('baseline, checked', create(name, small, wide, 'baseline'));
    const checked = of((bytes) => withChecked(sizedBackend('checked', bytes)));
    const layout = relaxedLayout(CASES[name].on);
    await add('relaxed layout, checked', create(name, small, checked, 'auto', layout));
    expect(new Set(digests.values()).size, JSON.stringify([...digests])).toBe(1);
    expect(digests.size).toBe(BUILDS.length + 3);
  });

  test('resumed from a checkpoint, that of the other build too', async () => {
    const whole = await train(create(name), name, 6).weightsSha256();
    for (const build of BUILDS) {
      const part = train(create(name, {}, {}, build), name, 3);
      const { options, steps: step } = part;
      const about = { vocabulary: null, dataSha256: '0'.repeat(64), libraryVersion: '0' };
      const file = await encodeCheckpoint({ tensors: part.tensors(), options, step, ...about });
      const saved = await decodeCheckpoint(file);
      for (const other of BUILDS) {
        const rest = create(name, { ...(saved.options as object), ...modelOf(name, other) });
        rest.restore(saved.tensors, saved.step);
        expect(await train(rest, name, 6).weightsSha256()).toBe(whole);
      }
      const rest = Trainer.create(saved.options as TrainOptions<never>);
      expect(rest.kernels).toMatch(/^int8 /);
      rest.restore(saved.tensors, saved.step);
      expect(await train(rest, name, 6).weightsSha256()).toBe(whole);
    }
  });
});

const modelOf = (name: string, build: Int8Build) => ({
  model: CASES[name].make(int8({ on: CASES[name].on, build })).model,
});

/** The relaxed build's layouts, for kernels that do what its instruction does. */
function relaxedLayout(on: readonly string[] | undefined): Operands {
  const fits = (name: string, kind: string | undefined): boolean =>
    on === undefined ? kind !== 'sums' : on.includes(name.slice(0, -1));
  return {
    ...int8(),
    matrix: (at, shape) =>
      fits(shape.name, shape.kind) ? new Int8Matrix(at, shape, 'relaxed') : undefined,
    check: () => undefined,
  };
}
