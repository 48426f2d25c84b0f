// A gradient of zeros has no scale: a block, or a whole stack, that is left out for a sample leaves
// such gradients behind. Nothing that an earlier sample, step or shape has left beside a buffer may
// decide a bit or end a run: one digest for every split and resume.

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Trainer } from '../../src/index.ts';
import { createReferenceBackend } from '../../src/kernels/reference/index.ts';
import { createWasmBackend } from '../../src/kernels/wasm.ts';
import { Arena } from '../../src/memory/arena.ts';
import { Planner } from '../../src/memory/planner.ts';
import { Attention } from '../../src/ops/attention.ts';
import type { AttentionInput } from '../../src/ops/attention-shape.ts';
import { toOperand } from '../../src/ops/gradient.ts';
import { Run } from '../../src/ops/run.ts';
import { runsAll } from '../helpers/all.ts';
import { int16s } from '../helpers/data.ts';
import { createGpt, type FlatChoices } from '../helpers/flat.ts';
import {
  createTranslator,
  createVit,
  images,
  pairOptions,
  pairs,
  TRANSLATOR,
  VIT,
  vitOptions,
} from '../helpers/model-batches.ts';
import { batchOf, smallOptions } from '../helpers/runs.ts';
import { SEED } from '../helpers/suite.ts';

type More = FlatChoices & { layers: number; batch: number; steps: number };
interface Steps {
  readonly steps: number;
  step(): unknown;
  tensors: Trainer['tensors'];
  restore: Trainer['restore'];
  weightsSha256(): Promise<string>;
}

/** A run whose step needs no batch: the batch is a function of the step. */
const stepsOf = <Batch>(trainer: Trainer<Batch>, batch: (step: number) => Batch): Steps => ({
  get steps() {
    return trainer.steps;
  },
  step: () => trainer.step(batch(trainer.steps)),
  tensors: () => trainer.tensors(),
  restore: (...given) => trainer.restore(...given),
  weightsSha256: () => trainer.weightsSha256(),
});

const MODELS: Record<string, (more: More) => Steps> = {
  gpt({ layers, ...more }) {
    const model = { vocabulary: 7, layers, channels: 8, heads: 2, context: 3 };
    const trainer = createGpt(smallOptions({ ...more, model }));
    return stepsOf(trainer, (step) => batchOf(trainer, step));
  },
  vit({ layers, ...more }) {
    const model = { ...VIT, layers, channels: 8, heads: 2 };
    return stepsOf(createVit(vitOptions({ ...more, model })), (step) => images(step, more.batch));
  },
  translator({ layers, ...more }) {
    const model = { ...TRANSLATOR, layers, channels: 8, heads: 2 };
    const trainer = createTranslator(pairOptions({ ...more, model }));
    return stepsOf(trainer, (step) => pairs(step, more.batch));
  },
};
const RULES = ['bdia', 'none', 'leapfrog', 'momentum', 'coupling', 'checkpointing'] as const;
const STEPS = 6;
const BATCH = 4;

const copied = (run: Steps): ReturnType<Steps['tensors']> =>
  run.tensors().map((t) => ({ ...t, data: t.data.slice() }));

/** The digest of a run, which every micro-batch and every resume must have. */
async function oneDigest(make: (more: More) => Steps, more: More): Promise<void> {
  const saved = [];
  const whole = make(more);
  for (let i = 0; i < STEPS; i++) {
    saved.push(copied(whole));
    whole.step();
  }
  const digest = await whole.weightsSha256();
  for (const microBatch of [2, 1]) {
    const split = make({ ...more, microBatch });
    while (split.steps < STEPS) split.step();
    expect(await split.weightsSha256(), `micro-batch ${microBatch}`).toBe(digest);
  }
  for (let from = 1; from < STEPS; from++) {
    const resumed = make(more);
    resumed.restore(saved[from], from);
    while (resumed.steps < STEPS) resumed.step();
    expect(await resumed.weightsSha256(), `resumed after step ${from}`).toBe(digest);
  }
}

const RUNS = runsAll ? 30 : 8;

describe.each(Object.entries(MODELS))('%s with stochastic depth', (_, make) => {
  test(`one digest for every micro-batch and resume, ${RUNS} runs, seed ${SEED}`, async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.record({
          reversible: fc.constantFrom(...RULES),
          stochasticDepth: fc.integer({ min: 1, max: 8 }).map((tenths) => tenths / 10),
          layers: fc.constantFrom(1, 1, 2, 3, 6),
          dropout: fc.constantFrom(0, 0, 0.5, 0.8),
          seed: fc.nat(1000),
          gammaShift: fc.integer({ min: 1, max: 3 }),
        }),
        async (given) => {
          await oneDigest(make, { ...given, batch: BATCH, steps: 30 });
        },
      ),
      { numRuns: RUNS, seed: SEED },
    );
  });
});

test('a translator whose decoder is left out for a sample trains on', () => {
  for (let seed = 1; seed <= 10; seed++) {
    const run = MODELS.translator({
      layers: 1,
      stochasticDepth: 0.8,
      batch: 4,
      microBatch: 1,
      steps: 30,
      seed,
    });
    for (let i = 0; i < 20; i++) run.step();
    expect(run.steps).toBe(20);
  }
});

test('a sum of zeros has one exponent, whatever exponents its terms have', () => {
  const run = new Run(createReferenceBackend(2 ** 24));
  const arena = new Arena(run.backend.base);
  const a = arena.allocate('states', 64);
  const b = arena.allocate('states', 64);
  const exponents = [0, -40, 16, -1000].map((exponent) => {
    const sum = { at: a, exponent };
    const rounded = { at: b, exponent: 1 };
    run.sum.of(16).add(sum, 3).add({ at: b, exponent: 5 }).into(sum);
    toOperand(run, sum, rounded, 16, 4095);
    return `${sum.exponent} ${rounded.exponent}`;
  });
  expect(new Set(exponents).size).toBe(1);
});

test(
  'long causal attention has the gradients that it has alone, after other lengths have used ' +
    'its memory',
  () => {
    const channels = 4;
    const most = 200;
    const arena = new Arena(2 ** 16);
    const at = (bytes: number): number => arena.allocate('states', bytes);
    const qkv = at(most * 3 * channels * 2);
    const dQkv = at(most * 3 * channels * 2);
    const dOut = at(most * channels * 2);
    const probabilities = at(most * 208 * 2);
    const thirds = (from: number): AttentionInput => ({
      q: from,
      k: from + channels * 2,
      v: from + channels * 4,
      ldq: 3 * channels,
      ldk: 3 * channels,
      isOne: true,
    });
    interface Place {
      r: number;
      isLong: boolean;
      last: number;
      p: number;
    }
    const fillRow = ({ r, isLong, last, p }: Place, value: Int16Array, row: Int16Array): void => {
      const isHigh = isLong ? r === 33 : r % 2 === 0;
      value.fill(isHigh ? 4000 : -4000);
      if (!isLong) row.fill(300);
      else if (r > 33 && r < last) for (const s of [33, r]) row[s] = p;
    };
    /** Column 33 of the long dS is as large as its sums may be; the short ones leave large values
     *  everywhere. */
    const gradients = (lengths: readonly number[], last: number, p: number): Int16Array => {
      const run = new Run(createWasmBackend({ pages: 64 }));
      const planner = Planner.create(new Arena(2 ** 20), {
        rank: 0,
        threads: 1,
        sequences: 1,
        fraction: 9,
      });
      const attention = new Attention(planner, {
        rows: most,
        keys: most,
        channels,
        heads: 1,
        causal: true,
      });
      planner.finish([]);
      attention.queryKey = 8;
      attention.value = 8;
      const int16 = (from: number, n: number): Int16Array =>
        new Int16Array(run.bytes.buffer, from, n);
      int16(dOut, most * channels).fill(4000);
      for (const rows of lengths) {
        const isLong = rows === most;
        const ld = Math.ceil(rows / 16) * 16;
        int16(qkv, most * 3 * channels).set(int16s(1, most * 3 * channels, 'random', 4095));
        int16(probabilities, most * 208).fill(0);
        for (let r = 0; r < rows; r++) {
          const value = int16(qkv + r * 6 * channels + 4 * channels, channels);
          fillRow({ r, isLong, last, p }, value, int16(probabilities + r * ld * 2, r + 1));
        }
        attention.resize(rows, rows);
        attention.backward(
          run,
          { at: dOut, exponent: -20 },
          thirds(qkv),
          probabilities,
          thirds(dQkv),
        );
      }
      return int16(dQkv, most * 3 * channels).slice();
    };
    for (let last = 130; last <= most; last += 10)
      for (const p of [16000, 13500, 11500, 9700]) {
        const alone = gradients([200], last, p);
        expect(gradients([200, 100, 200], last, p)).toEqual(alone);
        expect(gradients([128, 150, 200], last, p)).toEqual(alone);
      }
  },
);
