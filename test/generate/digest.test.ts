// One digest of all logits of 20 random prompts: however they are cut, however many go through
// together, however many threads trained the model, and on both back ends.

import { beforeAll, describe, expect, test } from 'vitest';
import { Engine } from '../../src/generate/engine.ts';
import { Generator } from '../../src/generate/index.ts';
import { gpt, sha256Hex, type TextBatch, Trainer } from '../../src/index.ts';
import { createReferenceBackend } from '../../src/kernels/reference/index.ts';
import { digestOf, logitsDigest, PROMPTS, SHAPE, trained } from '../conformance/logits.js';
import golden from '../golden/logits.json';

const { context, vocabulary } = SHAPE;

/** Raw logits of every row of all prompts, `count` prompts at a time, `split` tokens of each. */
function logits(engine: Engine, count: number, split: number): Int32Array[] {
  const rows: Int32Array[] = [];
  for (let first = 0; first < PROMPTS.length; first += count) {
    const group = PROMPTS.slice(first, first + count);
    const found: Int32Array[][] = group.map(() => []);
    for (let past = 0; past < context; past += split) {
      const live = group.map((_, slot) => slot).filter((slot) => group[slot].length > past);
      if (live.length === 0) break;
      const parts = live.map((slot) => group[slot].slice(past, past + split));
      let begin = 0;
      const spans = live.map((slot, i) => {
        const span = { slot, first: begin, count: parts[i].length, past };
        begin += parts[i].length;
        return span;
      });
      const states = engine.extend(spans, parts);
      for (const span of spans)
        for (let r = 0; r < span.count; r++) {
          const out = engine.last.outputs(engine.run, states, [span.first + r]);
          found[span.slot].push(engine.run.view(out.at, vocabulary).slice());
        }
    }
    rows.push(...found.flat());
  }
  return rows;
}

const engineOf = (trainer: Trainer<TextBatch>, slots: number, rows: number): Engine => {
  const { model } = trainer.options;
  const source = { model: model as never, tensors: trainer.tensors() };
  return new Engine({ ...source, memoryLimit: 2 ** 30 }, { rows, outputs: 1, slots });
};

describe('all logits of 20 prompts', () => {
  let trainer: Trainer<TextBatch>;
  beforeAll(async () => {
    trainer = await trained({ gpt, Trainer });
  });

  test.each(
    [1, 3, 16].flatMap((count) => [1, 2, 7, 16, 24].map((split) => [count, split] as const)),
  )('%i at a time, %i tokens of each', async (count, split) => {
    const engine = engineOf(trainer, count, count * split);
    expect(await digestOf(sha256Hex, logits(engine, count, split))).toBe(golden.digest);
  });

  test.each([2, 3])('of a model that %i threads trained', async (threads) => {
    const engine = engineOf(await trained({ gpt, Trainer }, threads), 16, 64);
    expect(await digestOf(sha256Hex, logits(engine, 16, 4))).toBe(golden.digest);
  });

  test('the trainer’s own, computed whole', () => {
    const engine = engineOf(trainer, 1, 7);
    const all = logits(engine, 1, 7);
    const { fraction } = engine.last.outputs(engine.run, engine.extend([], []), []);
    const expected = PROMPTS.flatMap((prompt) =>
      Array.from(prompt, (_, i) => trainer.predict(prompt.slice(0, i + 1))),
    );
    expect(all.map((row) => Float64Array.from(row, (v) => v / 2 ** fraction))).toEqual(expected);
  });

  test('on the reference back end', async () => {
    const { model } = trainer.options;
    const source = { model: model as never, tensors: trainer.tensors() };
    const shape = { rows: 21, outputs: 1, slots: 3 };
    const engine = new Engine({ ...source, memoryLimit: 2 ** 30 }, shape, createReferenceBackend);
    expect(await digestOf(sha256Hex, logits(engine, 3, 7))).toBe(golden.digest);
  });
});

describe('what every runtime of the conformance matrix is asked', () => {
  const library = { gpt, Trainer, sha256Hex };

  test('has the digest', async () => {
    expect(await logitsDigest(library, { Generator })).toBe(golden.digest);
  });

  test('notices one wrong bit of one logit of one way to cut the prompts', async () => {
    const create: typeof Generator.create = (source, options) => {
      const generator = Generator.create(source, options);
      const { logits: right } = generator;
      if (options?.chunk === 7)
        generator.logits = async (prompt) => {
          const rows = await right.call(generator, prompt);
          rows[0][5] += 2 ** -23;
          return rows;
        };
      return generator;
    };
    const found = await logitsDigest(library, { Generator: { create } as never });
    expect(found).toContain(golden.digest);
    expect(found).not.toBe(golden.digest);
  });

  test('notices texts that depend on those beside them', async () => {
    const create: typeof Generator.create = (source, options) => {
      const generator = Generator.create(source, options);
      const { generate } = generator;
      if (options?.sequences === 16)
        generator.generate = (prompt, given) =>
          generate.call(generator, prompt, { ...given, seed: 0 });
      return generator;
    };
    const found = await logitsDigest(library, { Generator: { create } as never });
    expect(found).toContain('other texts');
  });
});
