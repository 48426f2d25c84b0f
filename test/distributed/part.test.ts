// Any parts of a step, in any order, give the step of one machine alone; what is no part of it is
// refused and changes nothing.

import { describe, expect, test } from 'vitest';
import {
  computePart,
  DistributedError,
  decodePart,
  encodePart,
  type GradientPart,
  PartSum,
  partLimit,
} from '../../src/distributed/index.ts';
import { packMessage, unpackMessage } from '../../src/distributed/message.ts';
import { layoutOf } from '../../src/distributed/part.ts';
import {
  bdia,
  cosine,
  gpt,
  plain,
  Trainer,
  type TrainOptions,
  translator,
  UsageError,
  vit,
} from '../../src/index.ts';
import { gradientLeaves, webSha256 } from '../../src/receipt/digests.ts';
import { rootOf } from '../../src/receipt/format.ts';
import { readReceipt } from '../../src/receipt/index.ts';
import { trainedNames } from '../../src/receipt/trainer.ts';
import { randomTokens } from '../../src/verify/runs.ts';
import { images, pairs, TRANSLATOR, VIT } from '../helpers/model-batches.ts';
import { batchOf, bytesOf, optionsOf, receiptOf } from '../receipt/small-run.ts';
import { randomOf } from './network.ts';

const GPT = { vocabulary: 13, layers: 2, channels: 8, heads: 2, context: 6 };
const BATCH = 6;
const STEPS = 3;
interface Case {
  options: TrainOptions<unknown>;
  batchOf: (step: number) => unknown;
}
const about = { batch: BATCH, steps: 5, seed: 5, learningRate: cosine(0.01, { warmup: 2 }) };
const CASES: Record<string, Case> = {
  gpt: {
    options: { ...about, model: gpt({ ...GPT, rule: plain() }) as never },
    batchOf: (step) => randomTokens(GPT, BATCH, step),
  },
  'gpt by bdia, with dropout': {
    options: { ...about, model: gpt({ ...GPT, rule: bdia() }) as never, dropout: 0.1 },
    batchOf: (step) => randomTokens(GPT, BATCH, step),
  },
  vit: {
    options: { ...about, model: vit({ ...VIT, layers: 2, channels: 16 }) as never },
    batchOf: (step) => images(step, BATCH),
  },
  translator: {
    options: { ...about, model: translator({ ...TRANSLATOR, layers: 1, channels: 16 }) as never },
    batchOf: (step) => pairs(step, BATCH),
  },
};

/** Reports, totals and digest of a run; `step` makes a step. */
async function run(
  { options, batchOf: batch }: Case,
  step = (trainer: Trainer, given: unknown, _: number) => trainer.step(given),
) {
  const trainer = Trainer.create(options);
  await trainer.ready();
  const reports = [];
  for (let i = 0; i < STEPS; i++) reports.push(step(trainer, batch(i), i));
  const { totals } = trainer;
  const digest = await trainer.weightsSha256();
  trainer.close();
  return { reports, totals: { ...totals }, digest };
}

/** Cuts of a batch, in any order. */
function anyParts(random: () => number): { first: number; count: number }[] {
  const cuts = [0, BATCH];
  for (let at = 1; at < BATCH; at++) if (random() < 0.5) cuts.push(at);
  cuts.sort((a, b) => a - b);
  const parts = cuts.slice(1).map((to, i) => ({ first: cuts[i], count: to - cuts[i] }));
  return parts
    .map((part) => ({ part, order: random() }))
    .sort((a, b) => a.order - b.order)
    .map(({ part }) => part);
}

describe.each(Object.entries(CASES))('parts of %s', (_, given) => {
  test('in any split and order, by 1 and 2 threads and micro-batches of 1, 2 and 3', async () => {
    const seed = Number(process.env.TEST_SEED ?? Date.now() % 2 ** 31);
    const random = randomOf(seed);
    const alone = await run(given);
    for (const threads of [1, 2])
      for (const microBatch of [1, 2, 3]) {
        const other = Trainer.create({ ...given.options, threads, microBatch });
        await other.ready();
        const found = await run(given, (trainer, batch, step) => {
          const sum = new PartSum(trainer, batch);
          for (const part of anyParts(random)) {
            expect(sum.isWhole).toBe(false);
            sum.add(computePart(random() < 0.5 ? trainer : other, batch, { step, ...part }));
          }
          const report = sum.update();
          other.step(batch); // to have its weights
          return report;
        });
        other.close();
        expect(found, `seed ${seed}, ${threads} threads, ${microBatch}`).toEqual(alone);
      }
  });

  test('come back from their bytes, and damaged ones do not', async () => {
    const trainer = Trainer.create(given.options);
    const part = computePart(trainer, given.batchOf(0), { step: 0, first: 1, count: 3 });
    const bytes = await encodePart(trainer, part);
    expect(await decodePart(trainer, bytes)).toEqual(part);
    expect(bytes.length).toBeLessThan(part.gradients.length * 5);
    const { head, body } = unpackMessage(bytes);
    for (const key of ['step', 'first', 'count', 'loss', 'correct', 'saturated', 'checkedStates']) {
      const changed = packMessage({ ...head, [key]: Number(head[key]) + 1 }, body);
      await expect(decodePart(trainer, changed), key).rejects.toThrow('of its digest');
      const absurd = packMessage({ ...head, [key]: 2 ** 53 }, body);
      await expect(decodePart(trainer, absurd), key).rejects.toThrow(`${key} of a part is not`);
    }
    const { gradients } = part;
    gradients[gradients.length - 1] ^= 1n;
    const other = unpackMessage(await encodePart(trainer, part)).body;
    const crossed = packMessage({ ...head }, other);
    await expect(decodePart(trainer, crossed)).rejects.toThrow('of its digest');
  });
});

const trainerOf = (): Trainer => Trainer.create(CASES.gpt.options);
const BATCH_0 = CASES.gpt.batchOf(0);
const ALL = { step: 0, first: 0, count: BATCH };
const partOf = (trainer: Trainer, first: number, count: number): GradientPart =>
  computePart(trainer, BATCH_0, { step: 0, first, count });

describe('a part', () => {
  test('changes nothing of the trainer that computes it', async () => {
    const trainer = trainerOf();
    const before = await trainer.weightsSha256();
    partOf(trainer, 0, BATCH);
    expect(await trainer.weightsSha256()).toBe(before);
    expect([trainer.steps, Object.values(trainer.totals)]).toEqual([0, [0, 0, 0, 0]]);
  });

  test.each([
    [{ step: -1 }],
    [{ step: 2 ** 31 }],
    [{ first: -1 }],
    [{ first: BATCH }],
    [{ count: 0 }],
    [{ count: BATCH + 1 }],
    [{ first: 1, count: BATCH }],
    [{ count: 1.5 }],
  ])('of %o is refused', (range) => {
    expect(() => computePart(trainerOf(), BATCH_0, { ...ALL, ...range })).toThrow(UsageError);
  });

  test('of a whole batch has the gradients that a receipt has of the step', async () => {
    const { lines } = readReceipt(bytesOf(await receiptOf()));
    const trainer = Trainer.create(optionsOf());
    for (const line of lines.slice(0, 3)) {
      const batch = batchOf(trainer);
      const part = computePart(trainer, batch, { step: trainer.steps, first: 0, count: 4 });
      expect(part.loss).toBe(line.loss);
      trainer.step(batch);
      const names = trainedNames(trainer);
      const root = rootOf(names, await gradientLeaves(trainer, names, webSha256));
      expect(root).toBe(line.gradients);
      const all = names.flatMap((name) => [...trainer.gradient(name)]);
      expect([...part.gradients]).toEqual(all);
    }
  });

  test('without WebCrypto and compression has a digest, and is read, all the same', async () => {
    const trainer = trainerOf();
    const part = partOf(trainer, 0, 2);
    const plainly = await encodePart(trainer, part);
    const { crypto, CompressionStream: Compression } = globalThis;
    Object.defineProperty(globalThis, 'crypto', { value: undefined, configurable: true });
    Object.assign(globalThis, { CompressionStream: undefined });
    try {
      const raw = await encodePart(trainer, part);
      expect(unpackMessage(raw).head).toEqual(unpackMessage(plainly).head);
      expect(await decodePart(trainer, raw)).toEqual(part);
      expect(await decodePart(trainer, plainly)).toEqual(part);
    } finally {
      Object.defineProperty(globalThis, 'crypto', { value: crypto, configurable: true });
      Object.assign(globalThis, { CompressionStream: Compression });
    }
  });
});

/** A sum that has samples 0 and 1, and what it becomes if nothing else is added to it. */
function begun(): { trainer: Trainer; sum: PartSum; end: () => Promise<string> } {
  const trainer = trainerOf();
  const sum = new PartSum(trainer, BATCH_0);
  sum.add(partOf(trainer, 0, 2));
  const end = (): Promise<string> => {
    sum.add(partOf(trainer, 2, BATCH - 2));
    sum.update();
    return trainer.weightsSha256();
  };
  return { trainer, sum, end };
}

describe('a sum', () => {
  const limit = partLimit(2, BATCH);
  const wrong: [string, (part: GradientPart) => unknown, string][] = [
    ['of another step', (part) => ({ ...part, step: 1 }), 'a part is of step 2, expected 1'],
    ['twice', (part) => ({ ...part, first: 0 }), 'samples 0 to 1 are there already'],
    ['overlapping', (part) => ({ ...part, first: 1 }), 'samples 1 to 2 are there already'],
    ['beyond the batch', (part) => ({ ...part, first: BATCH - 1 }), 'count is 2, expected'],
    ['without a count', (part) => ({ ...part, count: undefined }), 'count is undefined'],
    ['without a loss', (part) => ({ ...part, loss: undefined }), 'loss of a part is not'],
    ['with half a loss', (part) => ({ ...part, loss: 0.5 }), 'loss of a part is not'],
    ['with -1 right', (part) => ({ ...part, correct: -1 }), 'correct of a part is not'],
    ['of another model', (part) => ({ ...part, gradients: part.gradients.slice(1) }), 'gradients'],
    ['of numbers', (part) => ({ ...part, gradients: [...part.gradients] }), 'gradients is of type'],
    ['with 2^62', (part) => set(part, 2n ** 62n), 'is 4611686018427387904, beyond what 2 of 6'],
    ['with -2^63', (part) => set(part, -(2n ** 63n)), 'beyond what 2 of 6 samples can have'],
    ['one above the limit', (part) => set(part, limit + 1n), 'beyond what 2 of 6'],
    ['one below the limit', (part) => set(part, -limit - 1n), 'beyond what 2 of 6'],
  ];

  test.each(wrong)('adds no part %s, and nothing of it', async (_, change, message) => {
    const { trainer, sum, end } = begun();
    const good = await begun().end();
    const part = change(partOf(trainer, 2, 2)) as GradientPart;
    expect(() => sum.add(part)).toThrow(message);
    expect(await end()).toBe(good);
  });

  test('takes the limit itself, of either sign, and reaches +-(2^63 - 1) without wrapping', () => {
    const ones = 2n ** 63n - 1n;
    for (const batch of [1, 2, 3, 6, 7, 1000]) {
      const whole = partLimit(batch, batch);
      expect(whole <= ones && whole > ones - BigInt(batch)).toBe(true);
      let sum = 0n;
      for (let i = 0; i < batch; i++) sum += partLimit(1, batch);
      expect(sum).toBe(whole);
    }
    expect(partLimit(7, 7)).toBe(ones); // 2^63 - 1 is 7 times a number
    for (const sign of [1n, -1n]) {
      const options = { ...CASES.gpt.options, batch: 7 };
      const batch = randomTokens(GPT, 7, 0);
      const trainer = Trainer.create(options);
      const sum = new PartSum(trainer, batch);
      const total = sums(sum);
      for (const [first, count] of [
        [3, 4],
        [0, 1],
        [1, 2],
      ]) {
        const part = computePart(trainer, batch, { step: 0, first, count });
        part.gradients.fill(sign * partLimit(count, 7));
        sum.add(part);
      }
      expect(new Set(total)).toEqual(new Set([sign * ones]));
    }
  });

  test('is exact where words carry, of either sign, by BigInts', () => {
    const trainer = trainerOf();
    const size = layoutOf(trainer).size;
    const random = randomOf(3);
    const edges = [0n, 1n, 2n ** 31n, 2n ** 32n - 1n, 2n ** 32n, 2n ** 40n, 2n ** 59n];
    const any = (): bigint => {
      const edge =
        edges[Math.floor(random() * edges.length)] + BigInt(Math.floor(random() * 3)) - 1n;
      return random() < 0.5 ? edge : -edge;
    };
    const sum = new PartSum(trainer, BATCH_0);
    const expected = new BigInt64Array(size);
    for (let first = 0; first < BATCH; first++) {
      const gradients = new BigInt64Array(size).map(any);
      gradients.forEach((gradient, i) => {
        expected[i] += gradient;
      });
      sum.add({ ...partOf(trainer, first, 1), gradients });
    }
    expect(sums(sum)).toEqual(expected);
  });

  test('adds up counts too, and those of the update', async () => {
    const { trainer, sum } = begun();
    sum.add({ ...partOf(trainer, 2, 2), saturated: 7, checkedStates: 11, correct: 1 });
    sum.add({ ...partOf(trainer, 4, 2), saturated: 2 });
    const before = Trainer.create(CASES.gpt.options);
    const alone = before.step(BATCH_0);
    const { saturated, checkedStates } = sum.update();
    expect(saturated - alone.saturated).toBe(9);
    const per = alone.checkedStates / BATCH;
    expect(checkedStates).toBe(4 * per + 11);
    expect(trainer.totals.saturated - before.totals.saturated).toBe(9);
    expect(trainer.totals.checkedStates).toBe(4 * per + 11);
  });

  test('makes no step before it is whole, nor when the trainer went on', () => {
    const { trainer, sum } = begun();
    expect(() => sum.update()).toThrow('parts of the step are missing');
    sum.add(partOf(trainer, 2, BATCH - 2));
    trainer.step(BATCH_0);
    expect(() => sum.update()).toThrow('the trainer is at step 1, expected 0');
  });

  test('is of a trainer', () => {
    expect(() => new PartSum({} as never, BATCH_0)).toThrow(UsageError);
  });

  test('refuses 2,000 damaged parts by a DistributedError, or reads what was written', async () => {
    const trainer = trainerOf();
    const seed = Number(process.env.TEST_SEED ?? Date.now() % 2 ** 31);
    const random = randomOf(seed);
    const part = partOf(trainer, 0, 2);
    const good = await encodePart(trainer, part);
    let refused = 0;
    for (let i = 0; i < 2000; i++) {
      const found = await decodePart(trainer, spoil(good, random)).catch((error) => error);
      if (found instanceof DistributedError) refused++;
      else expect(found, `seed ${seed}, case ${i}`).toEqual(part);
    }
    expect(refused).toBeGreaterThan(1800);
  });
});

/** Bytes with two changed, half of the time near their beginning, or cut. */
function spoil(good: Uint8Array<ArrayBuffer>, random: () => number): Uint8Array<ArrayBuffer> {
  const out = good.slice(0, random() < 0.1 ? random() * good.length : good.length);
  const until = random() < 0.5 ? 200 : out.length;
  for (let n = 0; n < 2; n++) out[Math.floor(random() * until)] = random() * 256;
  return out;
}

const sums = (sum: PartSum): BigInt64Array => (sum as unknown as { sum: BigInt64Array }).sum;
function set(part: GradientPart, value: bigint): GradientPart {
  part.gradients[5] = value;
  return part;
}
