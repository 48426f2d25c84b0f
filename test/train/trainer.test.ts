// What a trainer refuses to do wrongly: answers from changed memory, steps that were not done,
// threads that have another model, errors that do not say whose they are.

import { describe, expect, test } from 'vitest';
import {
  adamw,
  crossEntropy,
  defineModel,
  embedding,
  features,
  type GptConfig,
  gelu,
  gpt,
  isWeight,
  layerNorm,
  linear,
  lion,
  meanSquaredError,
  type Parts,
  plain,
  reversible,
  serve,
  sgd,
  sublayer,
  Trainer,
  tokens,
  translator,
  UsageError,
} from '../../src/index.ts';

const SHAPE = { vocabulary: 6, layers: 1, channels: 8, heads: 2, context: 4 };
const TEXT = { inputs: Int32Array.of(0, 1, 2, 3), targets: Int32Array.of(1, 2, 3, 0) };

describe('a predictor of a translator', () => {
  const batch = {
    source: Int32Array.of(4, 5, 2, 0),
    sourceLengths: Int32Array.of(3),
    input: Int32Array.of(1, 4, 5, 0),
    target: Int32Array.of(4, 5, 2, 0),
    targetLengths: Int32Array.of(3),
  };
  const create = () => Trainer.create({ model: translator(SHAPE), batch: 1, steps: 10 });
  const uses: [string, (trainer: ReturnType<typeof create>) => unknown][] = [
    ['a step', (trainer) => trainer.step(batch)],
    ['gradients', (trainer) => trainer.computeGradients(batch)],
    ['an evaluation', (trainer) => trainer.evaluate(batch, { samples: 1 })],
    ['a prediction', (trainer) => trainer.predict(Int32Array.of(4, 2), Int32Array.of(1))],
    ['another predictor', (trainer) => trainer.predictor(Int32Array.of(3, 2))],
    ['restored weights', (trainer) => trainer.restore(trainer.tensors(), 3)],
  ];

  test.each(uses)('refuses to answer after %s', (_, use) => {
    const trainer = create();
    const next = trainer.predictor(Int32Array.of(4, 5, 2));
    const first = next(Int32Array.of(1));
    expect(next(Int32Array.of(1, 4))).not.toEqual(first);
    expect(next(Int32Array.of(1))).toEqual(first);
    use(trainer);
    expect(() => next(Int32Array.of(1))).toThrow(UsageError);
    expect(() => next(Int32Array.of(1))).toThrow(
      'the trainer was used since. HINT: call predictor again',
    );
  });

  test('of a model of one stream, which keeps nothing, answers with the present weights', () => {
    const trainer = Trainer.create({ model: gpt(SHAPE), batch: 1, steps: 10 });
    const next = trainer.predictor();
    trainer.step(TEXT);
    expect(next(Int32Array.of(0, 1))).toEqual(trainer.predict(Int32Array.of(0, 1)));
  });
});

test('steps are read and not written', () => {
  const trainer = Trainer.create({ model: gpt(SHAPE), batch: 1, steps: 10 });
  expect(() => {
    (trainer as { steps: number }).steps = 5;
  }).toThrow(TypeError);
  trainer.step(TEXT);
  expect(trainer.steps).toBe(1);
  trainer.restore(trainer.tensors(), 7);
  expect([trainer.steps, trainer.step(TEXT).step]).toEqual([7, 8]);
});

describe('what a step leaves behind', () => {
  test.each([adamw(), sgd(), lion()])(
    'its gradients, whatever the optimizer ($name), and the predictions of its loss',
    (optimizer) => {
      const options = { model: gpt(SHAPE), batch: 2, steps: 10, optimizer, clip: 0.01 };
      const inputs = Int32Array.of(0, 1, 2, 3, 5, 4, 3, 2);
      const batch = { inputs, targets: inputs.slice().reverse() };
      const [stepped, computed] = [Trainer.create(options), Trainer.create(options)];
      const loss = computed.computeGradients(batch);
      const report = stepped.step(batch);
      expect([report.loss, report.predictions]).toEqual([loss, 8]);
      for (const { name } of computed.tensors().filter(isWeight))
        expect(stepped.gradient(name), name).toEqual(computed.gradient(name));
    },
  );
});

describe("what a function of the model's author throws", () => {
  const fault = new TypeError('no rows');
  const broken = (): never => {
    throw fault;
  };
  const build = (values?: () => never, targets?: () => never) =>
    Trainer.create({
      model: defineModel('table', () => ({
        input: features<object>({ count: 2, values }),
        layers: [linear(1)],
        loss: meanSquaredError<object>({ targets }),
      }))({}),
      batch: 1,
      steps: 1,
    });
  const batch = { values: [1, 2], targets: [1] };
  const thrown = (use: () => unknown): Error => {
    try {
      use();
    } catch (error) {
      return error as Error;
    }
    throw new Error('nothing was thrown');
  };

  test.each([
    ['the input', build(broken)],
    ['the loss', build(undefined, broken)],
  ])('is a UsageError that names %s, with the cause', (whose, trainer) => {
    const error = thrown(() => trainer.step(batch));
    expect(error).toBeInstanceOf(UsageError);
    expect(error.message).toBe(`${whose}'s part of the batch cannot be read: TypeError: no rows`);
    expect(error.cause).toBe(fault);
    expect(trainer.steps).toBe(0);
  });

  test('is told by an evaluation, too, whatever was thrown', () => {
    expect(thrown(() => build(broken).evaluate(batch)).cause).toBe(fault);
    const hostile = { toString: broken };
    const trainer = build((() => {
      throw hostile;
    }) as never);
    const error = thrown(() => trainer.step(batch));
    expect(error.message).toBe("the input's part of the batch cannot be read: of type object");
    expect(error.cause).toBe(hostile);
  });
});

test('threads of the library do not work on a model of the same name', async () => {
  const mine = (context: number): Parts<typeof TEXT, typeof TEXT> => ({
    input: tokens({ vocabulary: 6, context }),
    layers: [
      embedding({ vocabulary: 6, channels: 8 }),
      reversible({
        depth: 1,
        rule: plain(),
        block: [sublayer(layerNorm(), linear(32, { name: 'up' }), gelu(), linear(8))],
      }),
      layerNorm(),
      linear(6, { shares: 'token.weight' }),
    ],
    loss: crossEntropy(),
  });
  const define = defineModel('gpt', ({ context }: GptConfig) => mine(context));
  const trainer = Trainer.create({ model: define(SHAPE), batch: 1, steps: 10, threads: 2 });
  await trainer.ready();
  expect([trainer.threads, trainer.threadsNote]).toEqual([1, 'this model needs the option worker']);
  trainer.step(TEXT);
  trainer.close();
});

test('models are served in workers alone, and the error says so', () => {
  expect(() => serve(gpt)).toThrow(UsageError);
  expect(() => serve(gpt)).toThrow(
    'models are served outside of a worker. HINT: call serve() in the module that the option ' +
      'worker starts',
  );
});
