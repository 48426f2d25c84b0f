// Models of one's own: what defineModel makes, and a run whose layer, rule, loss, optimizer and
// schedule are the test's own.

import { describe, expect, test } from 'vitest';
import {
  type CheckpointReader,
  crossEntropy,
  decodeCheckpoint,
  defineModel,
  eachGradient,
  encodeCheckpoint,
  type Layer,
  type Loss,
  layerNorm,
  linear,
  moveWeight,
  type Optimizer,
  pairHash,
  type Schedule,
  stateLimit,
  Trainer,
  tokens,
  type UpdateRule,
  UsageError,
} from '../../src/index.ts';
import { fromData, toData } from '../../src/train/choices.ts';
import { type Batch, embed, stack, T, text, V } from './parts.ts';

test('a definition keeps its name and gives its configuration, completed where it says so', () => {
  const define = defineModel('mine', ({ size = 4 }: { size?: number }) => ({
    config: { size },
    input: tokens<Batch>({ vocabulary: V, context: T }),
    layers: [embed(), stack(), layerNorm(), linear(V)],
    loss: crossEntropy<Batch>(),
  }));
  expect(define.modelName).toBe('mine');
  expect(define({})).toMatchObject({ name: 'mine', config: { size: 4 } });
  expect(() => defineModel('' as never, () => undefined as never)({} as never)).toThrow();
  expect(() => defineModel(7 as never, () => undefined as never)).toThrow(UsageError);
});

// ---- a run of the test's own parts ----

/** y = -x on int16 operands. */
const negate = (): Layer => ({
  takes: ['operand'],
  output: (input) => input,
  plan: () => ({
    needsInput: false,
    saved: () => undefined,
    prepare(_, x, y) {
      y.fraction = x.fraction;
      Object.assign(y.range, x.range);
    },
    forward({ int16 }, x, _, y) {
      y.rows = x.rows;
      for (let i = 0; i < x.size; i++) int16[y.at / 2 + i] = -int16[x.at / 2 + i];
    },
    backward({ int32 }, dy, x, _, dx) {
      if (dx === undefined) return;
      for (let i = 0; i < x.size; i++) int32[dx.at / 4 + i] = -int32[dy.at / 4 + i];
      dx.exponent = dy.exponent;
    },
  }),
});

/** x_{k+1} = x_{k-1} + h(x_k) after a plain first step: reversible, since x_k is there. */
const skipping = ({ unused = 0 } = {}): UpdateRule => ({
  name: 'skipping',
  options: { unused },
  hasGamma: false,
  sideBytes: () => 0,
  forward(site) {
    const { run, lane, k, n, l, h } = site;
    const { last, previous } = lane;
    site.branch(last);
    const from = k === 0 ? last : previous;
    const beyond = run.kernels.add_rounded_i32(from, h, previous, n, 1, 16 - l, stateLimit(l));
    lane.last = previous;
    lane.previous = last;
    return beyond;
  },
  inverse(site) {
    const { run, lane, k, n, l, h } = site;
    const { last, previous } = lane;
    site.branch(previous);
    if (k > 0) run.kernels.add_rounded_i32(last, h, last, n, -1, 16 - l, 0);
    lane.last = previous;
    lane.previous = last;
  },
  fingerprint: (site) => (site.k === 0 ? undefined : pairHash(site)),
  backward(site) {
    const { run, lane, k, n, dBranch } = site;
    const { a, b } = lane;
    run.sum.of(n).add(a).into(dBranch);
    site.gradient();
    const sum = run.sum.of(n).add(dBranch);
    if (lane.bSign !== 0) sum.add(b);
    if (k === 0) sum.add(a);
    sum.into(b);
    const older = { ...a };
    Object.assign(a, b);
    Object.assign(b, older);
    lane.bSign = 1;
  },
});

/** Signs of gradients, without memory. */
const signs = (): Optimizer => ({
  name: 'signs',
  options: {},
  slots: [],
  scratchBytes: 4 * 4096,
  update(run, part, { rate }) {
    const step = Number(rate >> 8n);
    let clamped = 0;
    eachGradient(run, part, (gradient, i) => {
      clamped += moveWeight(run, part.master / 4 + i, -Math.sign(gradient) * step);
    });
    return clamped;
  },
});

/** A rate that is halved every `every` steps. */
const halving = ({ peak = 2 ** -8, every = 3 } = {}): Schedule => ({
  name: 'halving',
  options: { peak, every },
  rate: (step) => BigInt(Math.round(peak * 2 ** 32)) >> BigInt(Math.floor(step / every)),
});

/** Mean |y| of all outputs: it has no targets. */
const smallness = <B>(): Loss<B> => ({
  takes: ['branch'],
  plan: (_, { rows, columns }) => ({
    take: (_batch, count) => count * rows * columns,
    load: () => undefined,
    score({ int32 }, x, _s, sum, dx) {
      for (let i = 0; i < x.size; i++) {
        const y = int32[x.at / 4 + i];
        sum.loss += Math.abs(y);
        if (dx !== undefined) int32[dx.at / 4 + i] = Math.sign(y) * 2 ** 16;
      }
      if (dx !== undefined) dx.exponent = -16;
    },
  }),
});

const own = defineModel('own', ({ depth, rule }: { depth: number; rule: UpdateRule }) => ({
  input: tokens<Batch>({ vocabulary: V, context: T }),
  layers: [embed(), stack(rule, depth), layerNorm(), negate(), linear(3, { name: 'last' })],
  loss: smallness<Batch>(),
}));
const READER: CheckpointReader = {
  models: [own],
  choices: { skipping, signs, halving },
};

describe('a run of parts of the test itself', () => {
  const create = (more: object = {}): Trainer<Batch> =>
    Trainer.create({
      model: own({ depth: 4, rule: skipping() }),
      batch: 4,
      steps: 20,
      optimizer: signs(),
      learningRate: halving(),
      ...more,
    });
  const trained = (trainer: Trainer<Batch>, steps: number): Trainer<Batch> => {
    while (trainer.steps < steps) trainer.step(text(trainer.steps, 4));
    return trainer;
  };

  test('rebuilds its states, and has the gradients of stored activations, bit for bit', () => {
    const rebuilt = create();
    const stored = create({ keep: 'activations', verify: false });
    expect(rebuilt.computeGradients(text(0, 4))).toBe(stored.computeGradients(text(0, 4)));
    expect(rebuilt.totals).toMatchObject({ checkedStates: 12, mismatchedElements: 0 });
    for (const { name } of rebuilt.tensors()) {
      expect(rebuilt.gradient(name), name).toEqual(stored.gradient(name));
      expect(
        rebuilt.gradient(name).some((v) => v !== 0n),
        name,
      ).toBe(true);
    }
  });

  test('learns: its outputs become smaller', () => {
    const trainer = create();
    const before = trainer.evaluate(text(0, 4)).loss;
    expect(trained(trainer, 12).evaluate(text(0, 4)).loss).toBeLessThan(0.8 * before);
  });

  test('moves every weight by the rate of its schedule, or not at all', () => {
    const trainer = create();
    const before = trainer.tensors().map(({ data }) => data.slice());
    expect(trainer.step(text(0, 4)).learningRate).toBe(2 ** -8);
    const moved = trainer
      .tensors()
      .flatMap(({ data }, t) => [...data.map((v, i) => v - before[t][i])]);
    expect([...new Set(moved.map(Math.abs))].sort()).toEqual([0, 2 ** 16]);
  });

  test('has one digest for every micro-batch, and goes on from a checkpoint', async () => {
    const expected = await trained(create(), 6).weightsSha256();
    for (const microBatch of [1, 2])
      expect(await trained(create({ microBatch }), 6).weightsSha256()).toBe(expected);
    const half = trained(create(), 3);
    const value = {
      tensors: half.tensors(),
      options: half.options,
      step: 3,
      vocabulary: null,
      dataSha256: '0'.repeat(64),
      libraryVersion: '0',
    };
    const file = await encodeCheckpoint(value, READER);
    const { tensors, options, step } = await decodeCheckpoint(file, READER);
    const resumed = Trainer.create(options) as Trainer<Batch>;
    resumed.restore(tensors, step);
    expect(await trained(resumed, 6).weightsSha256()).toBe(expected);
    await expect(decodeCheckpoint(file)).rejects.toThrow(
      /"(skipping|own|signs|halving)" is not known here/,
    );
    const without = { ...READER, models: [] };
    await expect(decodeCheckpoint(file, without)).rejects.toThrow(
      /the model "own" is not known here/,
    );
  });
});

describe('choices as data', () => {
  const makers = { skipping, signs, halving };

  test('are names and options, at any depth, and come back as what makers make of them', () => {
    const value = { a: [1, { rule: skipping({ unused: 2 }) }], b: null, c: 'x', d: signs() };
    const data = toData(value);
    expect(data).toEqual({
      a: [1, { rule: { choice: 'skipping', options: { unused: 2 } } }],
      b: null,
      c: 'x',
      d: { choice: 'signs', options: {} },
    });
    expect(structuredClone(data)).toEqual(JSON.parse(JSON.stringify(data)));
    const back = fromData(data, makers);
    expect(toData(back)).toEqual(data);
    expect(back).toMatchObject({ a: [1, { rule: { name: 'skipping', options: { unused: 2 } } }] });
  });

  test('what has a name and options but no function is data', () => {
    const value = { name: 'adamw', options: { weightDecay: 1 } };
    expect(toData(value)).toEqual(value);
  });

  test('a choice that nobody knows is a UsageError with those that are known', () => {
    for (const choice of ['adamw', 'toString', '__proto__', '']) {
      const make = (): unknown => fromData({ rule: { choice, options: {} } }, makers);
      expect(make).toThrow(UsageError);
      expect(make).toThrow('is not known here, expected one of skipping, signs, halving');
    }
  });
});
