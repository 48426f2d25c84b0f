// What 8 bit operands compute: gradients near float64's, with draws that no two products share, and
// a generator that says what the trainer says.

import { describe, expect, test } from 'vitest';
import { PURPOSE } from '../../src/core/random.ts';
import { Generator } from '../../src/generate/index.ts';
import {
  createWasmBackend,
  type GptConfig,
  gpt,
  int8,
  int16,
  isWeight,
  type Kernels,
  type Operands,
  plain,
  type TextBatch,
  Trainer,
} from '../../src/index.ts';
import { cosineOf } from '../helpers/float64.ts';
import { oracleSequence } from '../helpers/oracle.ts';
import { continueTraining, randomTokens } from '../helpers/runs.ts';

const SHAPE = { vocabulary: 65, layers: 4, channels: 64, heads: 4, context: 32 };
const create = (operands: Operands, more: Partial<GptConfig> = {}): Trainer<TextBatch> =>
  Trainer.create({
    model: gpt({ ...SHAPE, rule: plain(), operands, ...more }),
    batch: 4,
    steps: 200,
    learningRate: 0.003,
  });
const text = (step: number): TextBatch => randomTokens({ model: SHAPE, batch: 4 }, step);

/** Cosine of every tensor's gradient with float64's, and the difference of the losses. */
function compare(trainer: Trainer<TextBatch>): { cosines: Map<string, number>; loss: number } {
  const batch = text(9999);
  const mean = trainer.computeGradients(batch);
  const tensors = trainer.tensors().filter(isWeight);
  const real = (data: Int32Array): Float64Array => Float64Array.from(data, (v) => v / 2 ** 24);
  const weights = new Map(tensors.map(({ name, data }) => [name, real(data)]));
  const gradients = new Map([...weights].map(([name, w]) => [name, new Float64Array(w.length)]));
  const config = trainer.options.model.config as Required<GptConfig>;
  const T = SHAPE.context;
  let sum = 0;
  for (let s = 0; s < 4; s++) {
    const [inputs, targets] = [batch.inputs, batch.targets].map((ids) =>
      ids.subarray(s * T, s * T + T),
    );
    const update = { gammas: [0, 0, 0, 0] };
    const options = { fraction: 9, mask: undefined };
    sum += oracleSequence(config, { weights, gradients }, { inputs, targets }, update, options);
  }
  const cosines = new Map(
    [...gradients].map(([name, oracle]) => [
      name,
      cosineOf(Float64Array.from(trainer.gradient(name), Number), oracle),
    ]),
  );
  return { cosines, loss: Math.abs(mean - sum / (4 * T)) };
}
const worstOf = (cosines: Map<string, number>): [string, number] =>
  [...cosines].reduce((worst, one) => (one[1] < worst[1] ? one : worst));

describe('against float64', () => {
  test.each([0, 150])('cosines of all gradients after %d steps', (steps) => {
    const trainer = create(int8());
    continueTraining(trainer, steps);
    const { cosines, loss } = compare(trainer);
    const [name, worst] = worstOf(cosines);
    console.log(
      `int8 gradients after ${steps} steps: worst cosine ${worst.toFixed(5)} (${name}), loss ` +
        `differs by ${loss.toExponential(1)} nats`,
    );
    expect(worst).toBeGreaterThanOrEqual(0.995);
    expect(loss).toBeLessThan(0.003);
  });

  test('the mean of many draws is nearer than any: they lose by chance, to no side', () => {
    const trainer = create(int8());
    continueTraining(trainer, 20);
    const name = 'block.1.up.weight';
    const saved = trainer.tensors().map((tensor) => ({ ...tensor, data: tensor.data.slice() }));
    const gradientOf = (of: Trainer<TextBatch>, step: number): Float64Array => {
      of.restore(saved, step); // the step is part of every draw
      of.computeGradients(text(9999));
      return Float64Array.from(of.gradient(name), Number);
    };
    const exact = gradientOf(create(int16()), 20);
    const mean = new Float64Array(exact.length);
    const each = Array.from({ length: 24 }, (_, step) => {
      const one = gradientOf(trainer, step);
      for (const [i, value] of one.entries()) mean[i] += value;
      return cosineOf(one, exact);
    });
    const all = cosineOf(mean, exact);
    const best = Math.max(...each);
    console.log(
      `int8 gradient of ${name}: cosines up to ${best.toFixed(5)}, mean ${all.toFixed(5)}`,
    );
    expect(new Set(each).size).toBe(24);
    expect(all).toBeGreaterThan(best);
  });
});

describe('the draws', () => {
  /** Streams of the generator that a step takes for operands, and of everything else. */
  function streams(microBatch: number): { own: string[]; others: Set<number> } {
    const own: string[] = [];
    const others = new Set<number>();
    const makeBackend = (bytes: number) => {
      const backend = createWasmBackend({ pages: Math.ceil(bytes / 65536) });
      const random_u32: Kernels['random_u32'] = (...args) => {
        const [, , sample, step, purpose, low, high] = args;
        if (purpose % 16 === PURPOSE.operands)
          own.push([sample, step, purpose, low, high].join(' '));
        else others.add(purpose % 16);
        backend.kernels.random_u32(...args);
      };
      return { ...backend, kernels: { ...backend.kernels, random_u32 } };
    };
    const model = gpt({ ...SHAPE, operands: int8() });
    const options = { model, batch: 4, steps: 9, learningRate: 0.001, microBatch };
    const trainer = Trainer.forTests({ ...options, dropout: 0.1 }, { makeBackend });
    continueTraining(trainer, 2);
    return { own, others };
  }

  test('each product of a step, a sample, a block and a matrix has its own, in any order', () => {
    const { own } = streams(4);
    expect(own).toHaveLength(2 * 4 * 4 * 4);
    expect(new Set(own).size).toBe(own.length);
    expect([...streams(1).own].sort()).toEqual([...own].sort());
  });

  test('no other purpose of the generator is theirs', () => {
    const values = Object.values(PURPOSE) as number[];
    expect(Math.max(...values)).toBeLessThan(16);
    expect(new Set(values).size).toBe(values.length);
  });
});

describe('a generator', () => {
  test.each([
    ['all', undefined],
    ['up and the head', ['up', 'head']],
  ])('says what the trainer says, cached or not: %s', async (_, on) => {
    const trainer = create(int8({ on }), { tied: false, bias: true });
    continueTraining(trainer, 3);
    const prompt = randomTokens({ model: SHAPE, batch: 1 }, 5).inputs.slice(0, 20);
    const generator = Generator.create(trainer, { chunk: 3 });
    expect(generator.isCached).toBe(true);
    const rows = await generator.logits(prompt);
    expect(rows).toHaveLength(20);
    rows.forEach((row, i) => {
      expect(row).toEqual(trainer.predict(prompt.subarray(0, i + 1)));
    });
    const written: number[] = [];
    for await (const { tokens } of generator.generate(prompt, { maxTokens: 30, topK: 1 }))
      written.push(...tokens);
    const expected: number[] = [];
    for (let i = 0; i < 30; i++) {
      const logits = trainer.predict(
        Int32Array.from([...prompt, ...expected].slice(-SHAPE.context)),
      );
      expected.push(logits.indexOf(Math.max(...logits)));
    }
    expect(written).toEqual(expected);
  });
});
