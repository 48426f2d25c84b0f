// Other models than a GPT: images, two streams, and models of one's own, whose layers need not be
// made for it.

import { describe, expect, test } from 'vitest';
import type { Engine } from '../../src/generate/engine.ts';
import { Generator, type Piece } from '../../src/generate/index.ts';
import {
  attention,
  bdia,
  beamSearch,
  coupling,
  crossEntropy,
  defineModel,
  embedding,
  type Layer,
  layerNorm,
  leapfrog,
  linear,
  meanPool,
  type Planned,
  plain,
  relu,
  reversible,
  sequential,
  sublayer,
  Trainer,
  tokens,
  translator,
  type UpdateRule,
  UsageError,
  vit,
} from '../../src/index.ts';

const V = 17;
const T = 12;
const ids = (n: number): Int32Array => Int32Array.from({ length: n }, (_, i) => (i * 5 + 3) % V);

/** Adds to every row the one two rows before it: rows see each other. */
function shift(): Layer {
  const plan = (): Planned => ({
    needsInput: false,
    saved: () => undefined,
    prepare: (_run, x, y) => {
      y.fraction = x.fraction;
    },
    forward(run, x, _, y) {
      const { columns } = x.type;
      y.rows = x.rows;
      for (let i = 0; i < x.size; i++) {
        const before = i < 2 * columns ? 0 : run.int32[x.at / 4 + i - 2 * columns];
        run.int32[y.at / 4 + i] = (run.int32[x.at / 4 + i] + before) >> 1;
      }
    },
    backward: () => undefined,
  });
  return { takes: ['branch'], output: (input) => input, plan };
}

/** A model of text whose blocks have some layers before the last. */
const own = (name: string, before: readonly Layer[], after: readonly Layer[] = [], causal = true) =>
  defineModel(name, () => ({
    config: {},
    input: tokens({ vocabulary: V, context: T }),
    layers: [
      embedding({ vocabulary: V, channels: 8 }),
      reversible({
        depth: 2,
        rule: bdia(),
        block: [
          sublayer(layerNorm({ name: 'norm1' }), attention({ heads: 2, causal })),
          sublayer(layerNorm({ name: 'norm2' }), ...before, linear(8, { name: 'down' }), ...after),
        ],
      }),
      layerNorm(),
      linear(V, { name: 'head' }),
    ],
    loss: crossEntropy(),
  }))({});

describe('texts', () => {
  test.each([
    ['layers of the library', own('a', [sequential(linear(16, { name: 'up' }), relu())]), true],
    ['attention that sees what follows', own('b', [linear(8, { name: 'up' })], [], false), false],
    ['a layer of one’s own that says nothing', own('c', [], [shift()]), false],
  ])('%s', async (_, model, isCached) => {
    const trainer = Trainer.create({ model, batch: 1, steps: 10 });
    const generator = Generator.create(trainer, { sequences: 2, chunk: 3 });
    expect(generator.isCached).toBe(isCached);
    const rows = await generator.logits(ids(T));
    expect(rows).toHaveLength(T);
    expect(rows[T - 1]).toEqual(trainer.predict(ids(T)));
    const written: number[] = [];
    const expected: number[] = [];
    const add = ({ tokens: more }: Piece): number => written.push(...more);
    for await (const piece of generator.generate(ids(4), { maxTokens: 14, topK: 1 })) add(piece);
    for (let i = 0; i < 14; i++) {
      const logits = trainer.predict(Int32Array.from([...ids(4), ...expected].slice(-T)));
      expected.push(logits.indexOf(Math.max(...logits)));
    }
    expect(written).toEqual(expected);
  });

  test('a layer of one’s own that says that rows do not see each other is kept', () => {
    const half: Layer = {
      takes: ['branch'],
      output: (input) => input,
      plan: () => ({
        needsInput: false,
        history: [],
        saved: () => undefined,
        prepare: () => undefined,
        forward(run, x, _, y) {
          y.rows = x.rows;
          for (let i = 0; i < x.size; i++) run.int32[y.at / 4 + i] = run.int32[x.at / 4 + i] >> 1;
        },
        backward: () => undefined,
      }),
    };
    const trainer = Trainer.create({ model: own('d', [], [half]), batch: 1, steps: 10 });
    expect(Generator.create(trainer).isCached).toBe(true);
  });

  test('a model without a stack is computed whole', async () => {
    const model = defineModel('pooled', () => ({
      config: {},
      input: tokens({ vocabulary: V, context: T }),
      layers: [embedding({ vocabulary: V, channels: 8 }), meanPool(), layerNorm(), linear(V)],
      loss: crossEntropy(),
    }))({});
    const trainer = Trainer.create({ model, batch: 1, steps: 10 });
    const generator = Generator.create(trainer);
    expect(await generator.logits(ids(7))).toEqual([trainer.predict(ids(7))]);
    expect(() => generator.embed(ids(3))).toThrow('no stack');
  });
});

describe('states', () => {
  const trainer = Trainer.create({ model: own('e', [relu16()]), batch: 1, steps: 10 });
  const generator = Generator.create(trainer, { chunk: 5 });

  test('after 0 blocks are the embeddings; after all, kept = whole', async () => {
    const [token, position] = ['token.weight', 'position.weight'].map(
      (path) => trainer.tensors().find(({ name }) => name === path)?.data ?? [],
    );
    const first = await generator.embed([3], { layer: 0 });
    const sum = Array.from({ length: 8 }, (_, c) => token[3 * 8 + c] + position[c]);
    expect(Array.from(first)).toEqual(sum.map((raw) => Math.floor(raw / 2 ** 10 + 0.5) / 2 ** 14));
    const small = Generator.create(trainer, { chunk: 1 });
    for (const options of [{}, { layer: 1 }, { pool: 'last' as const }])
      expect(await generator.embed(ids(T), options)).toEqual(await small.embed(ids(T), options));
  });

  test('of a vision transformer are those of an image, its class token first', async () => {
    const shape = { width: 8, height: 4, colours: 1, patch: 4, classes: 3, channels: 8, heads: 2 };
    const seeing = Trainer.create({ model: vit({ ...shape, layers: 2 }), batch: 1, steps: 1 });
    const of = (path: string) => seeing.tensors().find(({ name }) => name === path)?.data ?? [];
    const image = Uint8Array.from({ length: 32 }, (_, i) => (i * 37) % 256);
    const one = Generator.create(seeing);
    const first = await one.embed(image, { layer: 0, pool: 'first' });
    const unit = (raw: number) => Math.floor(raw / 2 ** 10 + 0.5) / 2 ** 14;
    const [token, position] = [of('class.weight'), of('position.weight')];
    const sum = Array.from({ length: 8 }, (_, c) => unit(token[c]) + unit(position[c]));
    expect(Array.from(first)).toEqual(sum);
    // of the last state the model's own head makes its logits
    const state = await one.embed(image, { pool: 'first' });
    const mean = state.reduce((a, b) => a + b) / 8;
    const variance = state.reduce((a, b) => a + (b - mean) ** 2, 0) / 8 + 1e-5;
    const [gain, head] = [of('norm.gain'), of('head.weight')];
    seeing.predict(image).forEach((logit, k) => {
      const products = state.map(
        (x, c) => (((x - mean) / Math.sqrt(variance)) * gain[c] * head[k * 8 + c]) / 2 ** 48,
      );
      expect(Math.abs(products.reduce((a, b) => a + b) - logit)).toBeLessThan(0.001);
    });
    await expect(one.embed(new Uint8Array(31))).rejects.toThrow('image');
  });

  test('what is wrong is refused', () => {
    expect(() => generator.embed([1], { layer: 3 })).toThrow('layer is 3');
    expect(() => generator.embed([1], { pool: 'max' as never })).toThrow('pool is "max"');
    expect(() => generator.embed(ids(T + 1))).toThrow('has 13 tokens, expected at most 12');
  });
});

function relu16(): Layer {
  return sequential(linear(16, { name: 'up' }), relu());
}

describe('images and sentences', () => {
  test('probabilities of an image are those of the logits', () => {
    const shape = { width: 8, height: 8, colours: 1, patch: 4, classes: 5 };
    const model = vit({ ...shape, layers: 2, channels: 8, heads: 2, bias: true });
    const trainer = Trainer.create({ model, batch: 1, steps: 10 });
    const generator = Generator.create(trainer);
    const image = Uint8Array.from({ length: 64 }, (_, i) => (i * 37) % 256);
    const found = generator.classify(image);
    const logits = trainer.predict(image);
    const weights = Array.from(logits, (logit) => Math.exp(logit - Math.max(...logits)));
    const sum = weights.reduce((a, b) => a + b, 0);
    expect(found).toHaveLength(5);
    found.forEach((p, i) => {
      expect(Math.abs(p - weights[i] / sum)).toBeLessThan(2 ** -18);
    });
    expect(() => generator.classify(new Uint8Array(3))).toThrow('image has 3');
    expect(() => generator.generate([1])).toThrow('does not write on');
  });

  const translatorOf = (rule: UpdateRule = bdia()) => {
    const shape = { vocabulary: V, layers: 2, channels: 8, heads: 2, context: 9 };
    const model = translator({ ...shape, bias: true, rule });
    const trainer = Trainer.create({ model, batch: 1, steps: 10, learningRate: 0.02 });
    const lengths = { sourceLengths: Int32Array.of(9), targetLengths: Int32Array.of(9) };
    const texts = { source: ids(9), input: ids(9), target: ids(9).reverse() };
    for (let i = 0; i < 3; i++) trainer.step({ ...lengths, ...texts });
    return trainer;
  };

  test.each([
    ['bdia', bdia()],
    ['plain', plain()],
    ['leapfrog', leapfrog()],
    ['coupling', coupling()],
  ])('%s: a translator gives the trainer’s logits, sentence by sentence', (_, rule) => {
    const trainer = translatorOf(rule);
    for (const options of [{}, { chunk: 2 }, { sequences: 3 }]) {
      const generator = Generator.create(trainer, options);
      expect(generator.isCached).toBe(true);
      for (const source of [ids(4), ids(9), ids(1)]) {
        const next = generator.predictor(source);
        for (const n of [1, 5, 2, 9]) expect(next(ids(n))).toEqual(trainer.predict(source, ids(n)));
      }
    }
  });

  test('what a translator refuses', () => {
    const generator = Generator.create(translatorOf());
    expect(() => generator.predictor()).toThrow('0 samples are given');
    expect(() => generator.generate([1])).toThrow('does not write on');
    expect(() => generator.classify(ids(3))).toThrow('0 samples are given');
    const next = generator.predictor(ids(3));
    for (const wrong of [ids(10), ids(0), [1], Int32Array.of(V)])
      expect(() => next(wrong)).toThrow(UsageError);
    expect(next(ids(2))).toHaveLength(V);
  });

  test.each([1, 3, 8])('a beam of 4 finds what it finds by whole passes: %i kept', (sequences) => {
    const trainer = translatorOf();
    const generator = Generator.create(trainer, { sequences });
    const { engine } = generator as unknown as { engine: Engine };
    const extend = engine.extend.bind(engine);
    let rows = 0;
    engine.extend = (spans, ...rest) => {
      rows += spans.reduce((n, { count }) => n + count, 0);
      return extend(spans, ...rest);
    };
    let beginnings = 0;
    for (const source of [ids(5), ids(9), ids(2)]) {
      const options = { beam: 4, begin: 1, end: 2, maxLength: 9 };
      const next = generator.predictor(source);
      const found = beamSearch((prefix) => {
        beginnings++;
        return next(prefix);
      }, options);
      expect(found).toEqual(beamSearch((prefix) => trainer.predict(source, prefix), options));
    }
    expect(beginnings).toBeGreaterThan(60);
    if (sequences === 8) expect(rows).toBe(beginnings);
    else expect(rows).toBeGreaterThan(beginnings);
  });

  test('the predictor of a GPT, of more tokens than a chunk and beside a text', async () => {
    const model = own('f', [relu16()]);
    const trainer = Trainer.create({ model, batch: 1, steps: 10 });
    const generator = Generator.create(trainer, { chunk: 3 });
    const next = generator.predictor();
    const alone: number[] = [];
    for await (const piece of Generator.create(trainer).generate(ids(4), { maxTokens: 9 }))
      alone.push(...piece.tokens);
    const written: number[] = [];
    for await (const piece of generator.generate(ids(4), { maxTokens: 9 })) {
      written.push(...piece.tokens);
      for (const n of [T, 2]) expect(next(ids(n))).toEqual(trainer.predict(ids(n)));
    }
    expect(written).toEqual(alone);
  });
});
