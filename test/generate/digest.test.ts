// One digest of all logits of 20 random prompts: however they are cut, however many go through
// together, however many threads trained the model, and on both back ends.

import { beforeAll, describe, expect, test } from 'vitest';
import { Engine } from '../../src/generate/engine.ts';
import { gpt, sha256Hex, type TextBatch, Trainer } from '../../src/index.ts';
import { createReferenceBackend } from '../../src/kernels/reference/index.ts';

const DIGEST = 'd6adf99cc0d3a7c0ec1db14069c51dd050aee56b753ce091b3aeb25f7101e051';
const SHAPE = { vocabulary: 29, layers: 3, channels: 32, heads: 2, context: 24 };
const BATCH = 6;

let at = 2024;
const next = (below: number): number => {
  at = (Math.imul(at, 1664525) + 1013904223) >>> 0;
  return Math.floor((at / 2 ** 32) * below);
};
const prompts = Array.from({ length: 20 }, () =>
  Int32Array.from({ length: 1 + next(SHAPE.context) }, () => next(SHAPE.vocabulary)),
);
const tokens = Int32Array.from({ length: BATCH * SHAPE.context + 1 }, () => next(29));
const batch: TextBatch = { inputs: tokens.slice(0, -1), targets: tokens.slice(1) };

async function trained(threads: number): Promise<Trainer<TextBatch>> {
  const model = gpt({ ...SHAPE, bias: true });
  const options = { model, batch: BATCH, steps: 20, learningRate: 0.01, threads };
  const trainer = Trainer.create(options);
  await trainer.ready();
  while (trainer.steps < 5) trainer.step(batch);
  trainer.close();
  return trainer;
}

/** Raw logits of every row of all prompts, `count` prompts at a time, `split` tokens of each. */
function logits(engine: Engine, count: number, split: number): Int32Array[] {
  const rows: Int32Array[] = [];
  for (let first = 0; first < prompts.length; first += count) {
    const group = prompts.slice(first, first + count);
    const found: Int32Array[][] = group.map(() => []);
    for (let past = 0; past < SHAPE.context; past += split) {
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
          found[span.slot].push(engine.run.view(out.at, SHAPE.vocabulary).slice());
        }
    }
    rows.push(...found.flat());
  }
  return rows;
}

const digestOf = (rows: readonly Int32Array[]): Promise<string> =>
  sha256Hex(new Uint8Array(Int32Array.from(rows.flatMap((row) => Array.from(row))).buffer));

const engineOf = (trainer: Trainer<TextBatch>, slots: number, rows: number): Engine => {
  const { model, fractionBits: fraction } = trainer.options;
  const source = { model: model as never, tensors: trainer.tensors(), fraction };
  return new Engine({ ...source, memoryLimit: 2 ** 30 }, { rows, outputs: 1, slots });
};

describe('all logits of 20 prompts', () => {
  let trainer: Trainer<TextBatch>;
  beforeAll(async () => {
    trainer = await trained(1);
  });

  test.each(
    [1, 3, 16].flatMap((count) => [1, 2, 7, 16, 24].map((split) => [count, split] as const)),
  )('%i at a time, %i tokens of each', async (count, split) => {
    const engine = engineOf(trainer, count, count * split);
    expect(await digestOf(logits(engine, count, split))).toBe(DIGEST);
  });

  test.each([2, 3])('of a model that %i threads trained', async (threads) => {
    const engine = engineOf(await trained(threads), 16, 64);
    expect(await digestOf(logits(engine, 16, 4))).toBe(DIGEST);
  });

  test('the trainer’s own, computed whole', () => {
    const engine = engineOf(trainer, 1, 7);
    const all = logits(engine, 1, 7);
    const { fraction } = engine.last.outputs(engine.run, engine.extend([], []), []);
    const expected = prompts.flatMap((prompt) =>
      Array.from(prompt, (_, i) => trainer.predict(prompt.slice(0, i + 1))),
    );
    expect(all.map((row) => Float64Array.from(row, (v) => v / 2 ** fraction))).toEqual(expected);
  });

  test('on the reference back end', async () => {
    const { model, fractionBits: fraction } = trainer.options;
    const source = { model: model as never, tensors: trainer.tensors(), fraction };
    const shape = { rows: 21, outputs: 1, slots: 3 };
    const engine = new Engine({ ...source, memoryLimit: 2 ** 30 }, shape, createReferenceBackend);
    expect(await digestOf(logits(engine, 3, 7))).toBe(DIGEST);
  });
});
