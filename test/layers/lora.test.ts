// Low-rank adapters in integers: at the start the base bit for bit, exactly reversible, gradients
// against float64, the same bits everywhere, sums that stay exact.

import { describe, expect, test } from 'vitest';
import {
  adamw,
  decodeCheckpoint,
  encodeCheckpoint,
  exportAdapter,
  type GptConfig,
  gpt,
  isWeight,
  LORA_COLUMNS_MAX,
  LORA_RANK_MAX,
  loadAdapter,
  loadWeights,
  lora,
  loraOf,
  loraRoom,
  matching,
  mergeAdapter,
  type NamedTensor,
  type TextBatch,
  Trainer,
  type TrainOptions,
  translator,
  vit,
} from '../../src/index.ts';
import { loraShift, loraSigns } from '../../src/layers/lora.ts';
import { OPERAND_L1_MAX, OPERAND_MAX } from '../../src/memory/formats.ts';
import { type RuleName, ruleOf } from '../helpers/flat.ts';
import { cosineOf } from '../helpers/float64.ts';
import { images, pairs, TRANSLATOR, VIT } from '../helpers/model-batches.ts';
import { oracleSequence } from '../helpers/oracle.ts';
import { continueTraining, randomTokens } from '../helpers/runs.ts';

const threadModule = new URL('../../dist/thread.js', import.meta.url);
const ALL = ['qkv', 'projection', 'up', 'down'];
const SHAPE = { vocabulary: 29, layers: 3, channels: 32, heads: 2, context: 24, bias: true };
const adapterOf = (on = ALL, rank = 4) => lora({ rank, on, seed: 3 });
const text = (step: number): TextBatch => randomTokens({ model: SHAPE, batch: 3 }, step);

const create = (
  model: Partial<GptConfig> = {},
  more: Partial<TrainOptions<TextBatch>> = {},
): Trainer<TextBatch> =>
  Trainer.create({
    model: gpt({ ...SHAPE, ...model }),
    batch: 3,
    steps: 40,
    learningRate: 0.01,
    ...more,
  });

/** A base that has learned a little, and a trainer with its weights and an adapter. */
const BASE = create();
continueTraining(BASE, 20);
function adapted(
  model: Partial<GptConfig> = {},
  more: Partial<TrainOptions<TextBatch>> = {},
): Trainer<TextBatch> {
  const trainer = create({ adapter: adapterOf(), ...model }, more);
  loadWeights(trainer, BASE.tensors());
  return trainer;
}
const weightsOf = (trainer: Trainer<never>): NamedTensor[] => trainer.tensors().filter(isWeight);
const real = ({ data, fraction }: NamedTensor): Float64Array =>
  Float64Array.from(data, (raw) => raw / 2 ** fraction);

describe('at the start', () => {
  test.each([...ALL.map((name) => [name]), ALL])('the base bit for bit, on %s', (...on) => {
    const trainer = adapted({ adapter: adapterOf(on.flat()) });
    const prompt = Int32Array.of(3, 1, 4, 1, 5);
    expect(trainer.predict(prompt)).toEqual(BASE.predict(prompt));
    for (const gamma of [0, 0.5])
      expect(trainer.evaluate(text(7), { gamma })).toEqual(BASE.evaluate(text(7), { gamma }));
    expect(trainer.step(text(7)).loss).toBe(first(text(7)));
  });
  /** The loss of a training step of the base, which has random gamma. */
  const first = (batch: TextBatch): number => {
    const trainer = create();
    loadWeights(trainer, BASE.tensors());
    return trainer.step(batch).loss;
  };

  test('only B is trained: r out weights of a matrix', () => {
    const { parameters, plan } = adapted();
    const b = 3 * 4 * (3 * 32 + 32 + 4 * 32 + 32);
    expect(parameters).toBe(BASE.parameters + b);
    expect(plan.bytes.gradients).toBe(8 * b);
    expect(plan.bytes.optimizer).toBe(8 * b);
  });
});

describe('training', () => {
  test('0 elements of rebuilt states differ over 1,000 steps; the base never changes', async () => {
    const trainer = adapted({}, { steps: 1000, learningRate: 0.003 });
    const before = weightsOf(trainer).map(({ name, data }) => ({ name, data: data.slice() }));
    const loss = trainer.evaluate(text(1)).loss;
    for (let i = 0; i < 1000; i++) trainer.step(text(i % 4));
    expect(trainer.totals.mismatchedElements).toBe(0);
    expect(trainer.totals.checkedStates).toBe(1000 * 3 * 2);
    weightsOf(trainer).forEach(({ name, data }, i) => {
      expect(`${data}` === `${before[i].data}`, name).toBe(loraOf(name) === undefined);
    });
    expect(trainer.evaluate(text(1)).loss).toBeLessThan(loss - 0.2);
  }, 300_000);

  test.each<RuleName>(['bdia', 'none', 'coupling', 'momentum', 'leapfrog', 'checkpointing'])(
    'rule %s rebuilds every state and changes B alone',
    (reversible) => {
      const keep = reversible === 'checkpointing' ? 'states' : undefined;
      const trainer = adapted({ rule: ruleOf({ reversible }) }, { keep });
      const before = weightsOf(trainer).map(({ data }) => `${data}`);
      continueTraining(trainer, 4);
      expect(trainer.totals.mismatchedElements).toBe(0);
      weightsOf(trainer).forEach(({ name, data }, i) => {
        expect(`${data}` === before[i], name).toBe(loraOf(name) === undefined);
      });
    },
  );

  test('one digest for micro-batches, threads, what is kept, and after a checkpoint', async () => {
    const digests = new Set<string>();
    const changes = [{}, { microBatch: 1 }, { keep: 'activations' as const }, { verify: false }];
    for (const change of changes) {
      const trainer = adapted({}, change);
      continueTraining(trainer, 6);
      digests.add(await trainer.weightsSha256());
    }
    for (const threads of [2, 3]) {
      const options = { ...adapted().options, threads } as TrainOptions<TextBatch>;
      const trainer = Trainer.forTests(options, { threadModule });
      await trainer.ready();
      expect(trainer.threads).toBe(threads);
      loadWeights(trainer, BASE.tensors());
      continueTraining(trainer, 6);
      digests.add(await trainer.weightsSha256());
      trainer.close();
    }
    const part = adapted();
    continueTraining(part, 2);
    const { options, steps: step } = part;
    const about = { vocabulary: null, dataSha256: '0'.repeat(64), libraryVersion: '0' };
    const file = await encodeCheckpoint({ tensors: part.tensors(), options, step, ...about });
    const saved = await decodeCheckpoint(file);
    const rest = Trainer.create(saved.options as TrainOptions<TextBatch>);
    rest.restore(saved.tensors, saved.step);
    continueTraining(rest, 4);
    digests.add(await rest.weightsSha256());
    expect([...digests]).toHaveLength(1);
  });

  test('with `freeze` other tensors learn too', () => {
    const freeze = matching(['*', '!*.lora.weight', '!*.gain']);
    const trainer = adapted({}, { freeze });
    const before = weightsOf(trainer).map(({ data }) => `${data}`);
    continueTraining(trainer, 3);
    weightsOf(trainer).forEach(({ name, data }, i) => {
      const isTrained = loraOf(name) !== undefined || name.endsWith('.gain');
      expect(`${data}` !== before[i], name).toBe(isTrained);
    });
  });

  test('of a vision transformer and a translator, cross-attention too', () => {
    const on = ['qkv', 'query', 'keyValue', 'down', 'head'];
    const see = Trainer.create({
      model: vit({ ...VIT, adapter: adapterOf(['qkv', 'head', 'patch']) }),
      batch: 4,
      steps: 120,
      learningRate: 0.01,
    });
    const speak = Trainer.create({
      model: translator({ ...TRANSLATOR, adapter: adapterOf(on.slice(0, 4)) }),
      batch: 4,
      steps: 120,
      learningRate: 0.01,
    });
    const losses = [see.step(images(1, 4)).loss, speak.step(pairs(1, 4)).loss];
    while (see.steps < 120) see.step(images(1, 4));
    while (speak.steps < 120) speak.step(pairs(1, 4));
    expect(see.evaluate(images(1, 4)).loss).toBeLessThan(0.7 * losses[0]);
    expect(speak.evaluate(pairs(1, 4)).loss).toBeLessThan(0.9 * losses[1]);
    for (const { totals } of [see, speak]) expect(totals.mismatchedElements).toBe(0);
  });
});

describe('against float64', () => {
  /** B's gradients and those of the model with W + B A: dB = dW A^T. */
  function worst(trainer: Trainer<TextBatch>): number {
    const batch = text(99);
    trainer.computeGradients(batch);
    const { context: T } = SHAPE;
    const merged = new Map(mergeAdapter(trainer).map((tensor) => [tensor.name, real(tensor)]));
    const gradients = new Map([...merged].map(([name, w]) => [name, new Float64Array(w.length)]));
    for (let s = 0; s < 3; s++)
      oracleSequence(
        gpt(SHAPE).config as Required<GptConfig>,
        { weights: merged, gradients },
        {
          inputs: batch.inputs.subarray(s * T, s * T + T),
          targets: batch.targets.subarray(s * T, s * T + T),
        },
        { gammas: [0, 0, 0] },
        { fraction: 12, mask: undefined },
      );
    const { rank, seed } = { rank: 4, seed: 3 };
    const cosines = weightsOf(trainer).flatMap(({ name, shape: [out] }) => {
      const of = loraOf(name);
      if (of === undefined) return [];
      const dW = gradients.get(of)!;
      const into = dW.length / out;
      const signs = loraSigns(name, into, { rank, seed, on: [] });
      const expected = Float64Array.from({ length: out * rank }, (_, at) => {
        const [o, r] = [Math.floor(at / rank), at % rank];
        let sum = 0;
        for (let i = 0; i < into; i++) sum += dW[o * into + i] * signs[r * into + i];
        return sum;
      });
      return [cosineOf(Float64Array.from(trainer.gradient(name), Number), expected)];
    });
    expect(cosines).toHaveLength(12);
    return Math.min(...cosines);
  }

  test('dB has a cosine of at least 0.999, at the start and after 60 steps', () => {
    const trainer = adapted({ rule: ruleOf({ reversible: 'none' }) }, { fractionBits: 12 });
    expect(worst(trainer)).toBeGreaterThanOrEqual(0.999);
    for (let i = 0; i < 60; i++) trainer.step(text(i % 4));
    expect(worst(trainer)).toBeGreaterThanOrEqual(0.999);
  });

  test('the merged model gives the same logits within 0.02', () => {
    const trainer = adapted();
    for (let i = 0; i < 40; i++) trainer.step(text(i % 4));
    const plainly = create();
    loadWeights(plainly, mergeAdapter(trainer));
    const prompt = Int32Array.from({ length: 24 }, (_, i) => (i * 7) % 29);
    const [ours, merged, base] = [trainer, plainly, BASE].map((one) => one.predict(prompt));
    const difference = (a: Float64Array, b: Float64Array): number =>
      Math.max(...a.map((value, i) => Math.abs(value - b[i])));
    expect(difference(ours, base)).toBeGreaterThan(0.2);
    expect(difference(ours, merged)).toBeLessThan(0.02);
  });
});

describe('bounds', () => {
  test('A: 128 products of operands, 524,416 signs of operands fit int32', () => {
    expect(LORA_RANK_MAX * OPERAND_MAX * OPERAND_MAX + 2 ** 15).toBeLessThan(2 ** 31);
    expect(LORA_COLUMNS_MAX * OPERAND_MAX).toBeLessThan(2 ** 31);
    expect((LORA_COLUMNS_MAX + 1) * OPERAND_MAX).toBeGreaterThan(2 ** 31);
  });

  test('the room of a row covers the largest u B^T for every rank and shift, at its corner', () => {
    for (const rank of [1, 2, 3, 8, 50, LORA_RANK_MAX])
      for (const b of [1, 7, 4095])
        for (let shift = -3; shift <= 24; shift++) {
          const norm = Math.floor(Math.sqrt(rank * b * b));
          const largest = (rank * b * OPERAND_MAX) / 2 ** shift;
          const rounded = shift > 0 ? Math.floor(largest + 0.5) : largest;
          const room = loraRoom(rank, norm, shift);
          expect(room * OPERAND_MAX).toBeGreaterThanOrEqual(rounded);
          // with W at what is left of its own bound
          expect((OPERAND_L1_MAX - room) * OPERAND_MAX + rounded).toBeLessThan(2 ** 31);
        }
    expect(loraRoom(128, 0, 5)).toBe(0);
  });

  test('weights at the edge of exact sums: a large B makes W give way, and nothing wraps', () => {
    const model = { layers: 1, adapter: adapterOf(['up'], 8) };
    const trainer = create(model);
    const tensors = trainer.tensors().map((t) => ({ ...t, data: t.data.slice() }));
    for (const { name, data } of tensors) {
      if (name === 'block.0.up.weight') data.fill(15 * 2 ** 24);
      if (name === 'block.0.up.lora.weight') data.fill(15 * 2 ** 24);
    }
    trainer.restore(tensors, 0);
    const plainly = create({ layers: 1 });
    loadWeights(plainly, mergeOf(tensors));
    expect(Number.isFinite(trainer.evaluate(text(1)).loss)).toBe(true);
    const prompt = Int32Array.of(1, 2, 3);
    expect([...trainer.predict(prompt)].every(Number.isFinite)).toBe(true);
  });
  const mergeOf = (tensors: NamedTensor[]): NamedTensor[] =>
    tensors.filter((t) => isWeight(t) && loraOf(t.name) === undefined);
});

describe('A', () => {
  test('is drawn by seed, name and place: as many of either sign, no two alike', () => {
    const draw = (path: string, seed = 1, rank = 8): Int16Array =>
      loraSigns(path, 1000, { rank, seed, on: [] });
    const a = draw('block.0.qkv.lora.weight');
    expect(new Set(a)).toEqual(new Set([1, -1]));
    expect(Math.abs(a.reduce((sum, one) => sum + one, 0))).toBeLessThan(4 * Math.sqrt(8000));
    expect(draw('block.0.qkv.lora.weight')).toEqual(a);
    expect(draw('block.0.qkv.lora.weight', 1, 4)).toEqual(a.subarray(0, 4000));
    for (const other of [draw('block.1.qkv.lora.weight'), draw('block.0.qkv.lora.weight', 2)])
      expect(Math.abs(other.reduce((sum, one, i) => sum + one * a[i], 0))).toBeLessThan(360);
  });

  test('has entries of at most 1 / sqrt(in), and above half of that', () => {
    for (const into of [2, 4, 5, 64, 768, 3072, 32768]) {
      expect(4 ** -loraShift(into)).toBeLessThanOrEqual(1 / into);
      expect(4 ** (1 - loraShift(into))).toBeGreaterThan(1 / into);
    }
  });
});

describe('files', () => {
  const trained = adapted({}, { optimizer: adamw() });
  continueTraining(trained, 5);

  test('an adapter file brings B to a trainer with the base, and is small', () => {
    const file = exportAdapter(trained, '0.1.0');
    const next = adapted();
    loadAdapter(next, file);
    const [ours, theirs] = [next, trained].map((one) => one.evaluate(text(3)));
    expect(ours).toEqual(theirs);
    expect(file.length).toBeLessThan(4 * 3 * 4 * 288 + 3000);
    expect(exportAdapter(next, '0.1.0')).toEqual(file);
    const { options } = next;
    expect(exportAdapter({ options, tensors: next.tensors() }, '0.1.0')).toEqual(file);
  });

  test('of other weights, another adapter or no adapter at all it is refused', () => {
    const file = exportAdapter(trained, '0.1.0');
    const other = create({ adapter: adapterOf() });
    expect(() => loadAdapter(other, file)).toThrow(/of weights with SHA-256 \w{64}, these have/);
    const wider = adapted({ adapter: adapterOf(ALL, 5) });
    expect(() => loadAdapter(wider, file)).toThrow('it is {"rank":4');
    expect(() => loadAdapter(BASE, file)).toThrow('the model has no adapter');
    expect(() => loadAdapter(adapted(), file.subarray(9))).toThrow(/header/);
    expect(() => exportAdapter(BASE, '1')).toThrow('the model has no adapter');
    expect(() => mergeAdapter(3 as never)).toThrow('the run is 3, expected an object');
  });
});

describe('refused', () => {
  test.each<[string, () => unknown, string]>([
    ['rank 0', () => lora({ rank: 0, on: ['qkv'] }), 'rank is 0, expected a whole number from 1'],
    ['rank 129', () => lora({ rank: 129, on: ['qkv'] }), 'rank is 129, expected a whole number'],
    ['nothing', () => lora({ rank: 1, on: [] }), 'on is 0, expected a whole number from 1'],
    ['no seed', () => lora({ rank: 1, on: ['up'], seed: -1 }), 'seed is -1, expected a whole'],
    [
      'a name of no matrix',
      () => create({ adapter: lora({ rank: 1, on: ['qvk'] }) }),
      'the adapter is on "qvk", which none of the model\'s matrices is',
    ],
    [
      'no adapter',
      () => create({ adapter: { rank: 8, on: ['qkv'] } as never }),
      'adapter is of type object, expected matching([...]) or lora({...})',
    ],
  ])('%s', (_, make, message) => expect(make).toThrow(message));
});
