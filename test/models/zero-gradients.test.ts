// A gradient of zeros has no scale: a block, or a whole stack, that is left out for a sample leaves
// such gradients behind. Nothing that an earlier sample, step or shape has left beside a buffer may
// decide a bit or end a run: one digest for every split and resume.

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { GptTrainer, TranslatorTrainer, VitTrainer, type TrainOptions } from '../../src/all.ts';
import { Device } from '../../src/kernels/device.ts';
import { createReferenceBackend } from '../../src/kernels/reference/index.ts';
import { createWasmBackend } from '../../src/kernels/wasm.ts';
import {
  type AttentionInput,
  type AttentionShape,
  attentionBackward,
  layoutAttentionScratch,
} from '../../src/ops/attention.ts';
import { combine, toOperand } from '../../src/ops/gradient.ts';
import { Arena } from '../../src/tensor/arena.ts';
import { int16s } from '../helpers/data.ts';
import {
  images,
  pairOptions,
  pairs,
  translator,
  vit,
  vitOptions,
} from '../helpers/model-batches.ts';
import { randomTokens, smallOptions } from '../helpers/runs.ts';
import { SEED } from '../helpers/suite.ts';

type More = Partial<Omit<TrainOptions, 'model'>> & { layers: number };
interface Run {
  readonly steps: number;
  step(): unknown;
  tensors: GptTrainer['tensors'];
  restore: GptTrainer['restore'];
  weightsSha256(): Promise<string>;
}

/** A run whose step needs no batch: the batch is a function of the step. */
const runOf = (trainer: GptTrainer | VitTrainer | TranslatorTrainer, step: () => unknown): Run => ({
  get steps() {
    return trainer.steps;
  },
  step,
  tensors: () => trainer.tensors(),
  restore: (...given) => trainer.restore(...given),
  weightsSha256: () => trainer.weightsSha256(),
});

const MODELS: Record<string, (more: More) => Run> = {
  gpt({ layers, ...more }) {
    const model = { vocabulary: 7, layers, channels: 8, heads: 2, context: 3 };
    const options = smallOptions({ ...more, model }),
      trainer = GptTrainer.create(options);
    return runOf(trainer, () => {
      const { inputs, targets } = randomTokens(options, trainer.steps);
      return trainer.trainStep(inputs, targets);
    });
  },
  vit({ layers, ...more }) {
    const model = { ...vit, layers, channels: 8, heads: 2 },
      options = vitOptions({ ...more, model });
    const trainer = VitTrainer.create(options);
    return runOf(trainer, () => {
      const { pixels, labels } = images(trainer.steps, options.batch);
      return trainer.trainStep(pixels, labels);
    });
  },
  translator({ layers, ...more }) {
    const model = { ...translator, layers, channels: 8, heads: 2 },
      options = pairOptions({ ...more, model });
    const trainer = TranslatorTrainer.create(options);
    return runOf(trainer, () => trainer.trainStep(pairs(trainer.steps, options.batch)));
  },
};
const RULES = ['bdia', 'none', 'leapfrog', 'momentum', 'coupling', 'checkpointing'] as const;
const STEPS = 6,
  BATCH = 4;

const copied = (run: Run): ReturnType<Run['tensors']> =>
  run.tensors().map((t) => ({ ...t, data: t.data.slice() }));

/** The digest of a run, which every micro-batch and every resume must have. */
async function oneDigest(make: (more: More) => Run, more: More): Promise<void> {
  const saved = [],
    whole = make(more);
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

describe.each(Object.entries(MODELS))('%s with stochastic depth', (_, make) => {
  test(`one digest for every micro-batch and resume, 30 random runs, seed ${SEED}`, async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...RULES),
        fc.integer({ min: 1, max: 8 }),
        fc.constantFrom(1, 1, 2, 3, 6),
        fc.constantFrom(0, 0, 0.5, 0.8),
        fc.nat(1000),
        fc.integer({ min: 1, max: 3 }),
        async (reversible, tenths, layers, dropout, seed, gammaShift) => {
          const noise = { stochasticDepth: tenths / 10, dropout };
          await oneDigest(make, {
            reversible,
            layers,
            seed,
            gammaShift,
            batch: BATCH,
            steps: 30,
            ...noise,
          });
        },
      ),
      { numRuns: 30, seed: SEED },
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

const device = (): { d: Device; arena: Arena } => {
  const backend = createReferenceBackend(2 ** 24);
  return { d: new Device(backend), arena: new Arena(backend.base) };
};

test('a sum of zeros has one exponent, whatever exponents its terms have', () => {
  const { d, arena } = device(),
    [a, b] = [0, 0].map(() => arena.allocate('states', 64));
  const exponents = [0, -40, 16, -1000].map((exponent) => {
    const sum = combine(d, { at: a, exponent }, 3, { at: b, exponent: 5 }, 1, undefined, a, 16);
    return [sum, toOperand(d, { at: a, exponent: sum }, b, 1, 16, 4095)];
  });
  expect(new Set(exponents.map((pair) => pair.join())).size).toBe(1);
});

test('long causal attention after other lengths in its memory has the gradients it has alone', () => {
  const channels = 4,
    most = 200,
    format = { queryKey: 8, value: 8 },
    arena = new Arena(0);
  const shapeOf = (rows: number): AttentionShape => ({
    rows,
    keys: rows,
    channels,
    heads: 1,
    causal: true,
  });
  const at = (bytes: number): number => arena.allocate('states', bytes) + 2 ** 16;
  const qkv = at(most * 3 * channels * 2),
    dQkv = at(most * 3 * channels * 2),
    dOut = at(most * channels * 2);
  const probabilities = at(most * 208 * 2);
  const thirds = (from: number): AttentionInput => ({
    q: from,
    k: from + channels * 2,
    v: from + channels * 4,
    ldq: 3 * channels,
    ldk: 3 * channels,
  });
  /** Column 33 of the long dS is as large as its sums may be; the short ones leave large values
   *  everywhere. */
  const gradients = (lengths: readonly number[], last: number, p: number): Int16Array => {
    const d = new Device(createWasmBackend({ pages: 64 })),
      scratch = layoutAttentionScratch(new Arena(2 ** 20), shapeOf(most));
    const int16 = (from: number, n: number): Int16Array => new Int16Array(d.bytes.buffer, from, n);
    int16(dOut, most * channels).fill(4000);
    for (const rows of lengths) {
      const isLong = rows === most,
        ld = Math.ceil(rows / 16) * 16;
      int16(qkv, most * 3 * channels).set(int16s(1, most * 3 * channels, 'random', 4095));
      int16(probabilities, most * 208).fill(0);
      for (let r = 0; r < rows; r++) {
        int16(qkv + r * 6 * channels + 4 * channels, channels).fill(
          (isLong ? r === 33 : r % 2 === 0) ? 4000 : -4000,
        );
        const row = int16(probabilities + r * ld * 2, r + 1);
        if (!isLong) row.fill(300);
        else if (r > 33 && r < last) row[33] = row[r] = p;
      }
      attentionBackward(
        d,
        { at: dOut, exponent: -20 },
        thirds(qkv),
        probabilities,
        thirds(dQkv),
        shapeOf(rows),
        format,
        scratch,
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
});
