// Weights that exist as the beginning of a run: loadWeights, and a schedule that goes on after
// another.

import { describe, expect, test } from 'vitest';
import {
  constant,
  cosine,
  decodeCheckpoint,
  encodeCheckpoint,
  gpt,
  joined,
  loadWeights,
  type NamedTensor,
  type TextBatch,
  Trainer,
  type TrainOptions,
} from '../../src/index.ts';

const config = { vocabulary: 4, layers: 2, channels: 8, heads: 2, context: 4 };
const batch = { inputs: Int32Array.of(0, 1, 2, 3), targets: Int32Array.of(1, 2, 3, 0) };
const make = (more: Partial<TrainOptions<TextBatch>> = {}): Trainer<TextBatch> =>
  Trainer.create({ model: gpt(config), batch: 1, steps: 10, ...more });
const trained = (steps: number, trainer = make()): Trainer<TextBatch> => {
  while (trainer.steps < steps) trainer.step(batch);
  return trainer;
};
const copy = (trainer: Trainer<TextBatch>): NamedTensor[] =>
  trainer.tensors().map((tensor) => ({ ...tensor, data: tensor.data.slice() }));

describe('loadWeights', () => {
  test('takes the weights; step, schedule and optimizer begin anew', async () => {
    const base = trained(5);
    const next = trained(3, make({ seed: 9 }));
    loadWeights(next, base.tensors());
    expect(await next.weightsSha256()).toBe(await base.weightsSha256());
    expect(next.steps).toBe(0);
    for (const { name, data, fraction } of next.tensors().slice(base.tensors().length / 3)) {
      expect(
        data.every((raw) => raw === 0),
        name,
      ).toBe(true);
      expect(fraction).toBe(30);
    }
    const [first, second] = [trained(1, next), make()];
    loadWeights(second, base.tensors());
    expect(second.evaluate(batch)).toEqual(base.evaluate(batch));
    second.step(batch);
    expect(await first.weightsSha256()).toBe(await second.weightsSha256());
  });

  test('of another optimizer, update rule, seed, batch and number of steps', async () => {
    const base = trained(4);
    const others: Partial<TrainOptions<TextBatch>>[] = [
      { optimizer: { ...make().options.optimizer, slots: [] } },
      { batch: 2, steps: 3 },
      { seed: 5, fractionBits: 12 },
    ];
    for (const change of others) {
      const next = make(change);
      loadWeights(next, copy(base));
      expect(await next.weightsSha256()).toBe(await base.weightsSha256());
    }
  });

  test('fresh tensors keep what the trainer has, whether they are given or not', () => {
    const base = trained(5);
    const next = make({ seed: 9 });
    const before = copy(next);
    const given = base.tensors().filter(({ name }) => name !== 'block.1.qkv.weight');
    loadWeights(next, given, { fresh: ['position.weight', 'block.1.*'] });
    const now = next.tensors();
    for (const [i, { name }] of base
      .tensors()
      .slice(0, now.length / 3)
      .entries()) {
      const isFresh = name === 'position.weight' || name.startsWith('block.1.');
      expect(now[i].data, name).toEqual((isFresh ? before : base.tensors())[i].data);
    }
  });

  test('what does not fit is refused, and nothing is changed', async () => {
    const next = make();
    const before = await next.weightsSha256();
    const other = (change: object): NamedTensor[] =>
      Trainer.create({ model: gpt({ ...config, ...change }), batch: 1, steps: 1 }).tensors();
    const load =
      (tensors: NamedTensor[], fresh?: string[]): (() => void) =>
      () =>
        loadWeights(next, tensors, { fresh });
    expect(load(other({ channels: 16 }))).toThrow('tensor token.weight has shape [4, 16], expec');
    expect(load(other({ layers: 1 }))).toThrow('tensor block.1.norm1.gain is missing');
    expect(load(other({ layers: 3 }))).toThrow('"block.2.norm1.gain" is not one of the model');
    expect(load(other({}), ['head.*'])).toThrow('fresh has "head.*", which fits none');
    expect(load(other({}), 'norm' as never)).toThrow('fresh is "norm", expected an array');
    expect(load([] as never)).toThrow('tensor token.weight is missing');
    expect(() => loadWeights(next, 7 as never)).toThrow('tensors is 7, expected an array');
    expect(await next.weightsSha256()).toBe(before);
  });

  test('* stands for anything, everything else for itself', () => {
    const next = make();
    const given = next.tensors();
    for (const pattern of ['norm?gain', 'NORM.gain', 'norm', 'norm.gai', '[n]orm.gain', '(norm'])
      expect(() => loadWeights(next, given, { fresh: [pattern] }), pattern).toThrow('fits none');
    for (const pattern of ['norm.gain', '*', 'norm.*', '*gain', '*n*r*'])
      expect(() => loadWeights(next, given, { fresh: [pattern] }), pattern).not.toThrow();
  });
});

describe('a run that is extended', () => {
  const learningRate = cosine(0.01, { warmup: 2 });
  const more = joined({ first: learningRate, steps: 4, after: constant(0.002, { warmup: 1 }) });

  test('has the rates of its first part, then those of the second as of a run of its own', () => {
    const twice = joined({ first: more, steps: 7, after: cosine(0.5, { warmup: 0 }) });
    const rates = (of: typeof more, steps: number): bigint[] =>
      Array.from({ length: steps }, (_, step) => of.rate(step, steps));
    expect(rates(more, 7).slice(0, 4)).toEqual(rates(learningRate, 4));
    expect(rates(more, 7).slice(4)).toEqual(rates(constant(0.002, { warmup: 1 }), 3));
    expect(rates(twice, 12).slice(0, 7)).toEqual(rates(more, 7));
    expect(rates(twice, 12).slice(7)).toEqual(rates(cosine(0.5, { warmup: 0 }), 5));
  });

  test('later or from its beginning: the same bits, also from a checkpoint', async () => {
    const whole = trained(9, make({ steps: 9, learningRate: more }));
    const first = trained(4, make({ steps: 4, learningRate }));
    const second = make({ steps: 9, learningRate: more });
    second.restore(first.tensors(), 4);
    trained(6, second);
    const about = { vocabulary: null, dataSha256: '0'.repeat(64), libraryVersion: '0' };
    const { options, steps: step } = second;
    const run = { tensors: second.tensors(), options, step, ...about };
    const saved = await decodeCheckpoint(await encodeCheckpoint(run));
    const third = Trainer.create(saved.options as TrainOptions<TextBatch>);
    third.restore(saved.tensors, saved.step);
    expect(await trained(9, third).weightsSha256()).toBe(await whole.weightsSha256());
  });

  test('what is no schedule is refused', () => {
    const first = constant(0.1);
    expect(() => joined({ first, steps: 0, after: first })).toThrow('steps is 0, expected a whole');
    expect(() => joined({ first: 3 as never, steps: 1, after: first })).toThrow('first is 3, exp');
    expect(() => joined({ first, steps: 1, after: {} as never })).toThrow('after is of type obj');
    expect(() => joined({ first, steps: 1 } as never)).toThrow('after is undefined, expected a s');
  });
});
