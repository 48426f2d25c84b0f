// Clipping and the unit of the optimizer's moments: what is never clipped does not depend on the
// clipping norm, whatever the norms are.

import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { DIGEST_OFFSET } from '../../src/checkpoint/checkpoint.ts';
import { decodeSafetensors, encodeSafetensors } from '../../src/checkpoint/safetensors.ts';
import {
  decodeCheckpoint,
  encodeCheckpoint,
  gpt,
  type TextBatch,
  Trainer,
  type TrainOptions,
  UsageError,
} from '../../src/index.ts';
import { WEIGHT_GRADIENT_FRACTION } from '../../src/memory/formats.ts';
import { MAX_SCALE, MIN_SCALE, nextScale } from '../../src/optim/updater.ts';
import { checkTrainOptions } from '../../src/train/options.ts';
import { createGpt, type FlatOptions, optionsOf as trainOptionsOf } from '../helpers/flat.ts';
import { batchOf, smallOptions } from '../helpers/runs.ts';
import { SEED } from '../helpers/suite.ts';

type GptTrainer = Trainer<TextBatch>;
type Clip = TrainOptions['clip'];
const optionsOf = (clip: Clip): FlatOptions =>
  smallOptions({ clip, steps: 60, warmup: 4, learningRate: 0.003, model: { layers: 2 } });

/** Weights and the last gain times `factor`, which the gradients follow. */
function scaled(clip: Clip, factor: number): GptTrainer {
  const trainer = createGpt(optionsOf(clip));
  for (const { name, data } of trainer.tensors())
    if (!name.startsWith('optimizer') && !/\d\.gain/.test(name))
      data.forEach((v, i) => {
        data[i] = v * Math.min(factor, 15);
      });
  return trainer;
}

/** Steps; returns the largest norm. */
function steps(trainer: GptTrainer, count: number): number {
  let most = 0;
  for (let i = 0; i < count; i++)
    most = Math.max(most, trainer.step(batchOf(trainer)).gradientNorm);
  return most;
}

/** A checkpoint with other metadata and the digest that it must have then. */
async function reforged(file: Uint8Array, metadata: Record<string, string>): Promise<Uint8Array> {
  const { tensors, metadata: old } = decodeSafetensors(file);
  const forged = encodeSafetensors({
    tensors,
    metadata: { ...old, ...metadata, sha256: '0'.repeat(64) },
  });
  forged.set(
    new TextEncoder().encode(createHash('sha256').update(forged).digest('hex')),
    DIGEST_OFFSET,
  );
  return forged;
}

/** The options of optionsOf(clip) as versions 1 and 2 kept them. */
const oldOptions = (clip: Clip): object => ({
  ...optionsOf(clip),
  decay: 'cosine',
  weightDecay: 0.1,
  reversible: 'bdia',
  gammaShift: 1,
  momentum: 0.875,
  randomMomentum: false,
  storeActivations: false,
});

const state = (trainer: GptTrainer): string =>
  JSON.stringify(trainer.tensors().map(({ name, data, fraction }) => [name, fraction, [...data]]));

describe('a run that is never clipped', () => {
  test.each([1, 4, 12])(
    'has one digest for every clipping norm above its gradients and for none, weights x %s',
    async (factor) => {
      const free = scaled('none', factor);
      const norm = steps(free, 12);
      const expected = await free.weightsSha256();
      console.log(`largest norm ${norm.toFixed(2)}`);
      for (const clip of [norm * 1.001, norm * 3, 2 ** 20] as const) {
        const run = scaled(clip, factor);
        steps(run, 12);
        expect(await run.weightsSha256(), `clip ${clip}`).toBe(expected);
        expect(state(run)).toBe(state(free));
      }
      const clipped = scaled(norm * 0.9, factor);
      steps(clipped, 12);
      expect(await clipped.weightsSha256()).not.toBe(expected);
    },
  );

  test('with norms up to 1 is the run of clip 1, with moments of 30 fraction bits', async () => {
    const digests = new Set<string>();
    for (const clip of [1, 2, 'none'] as const) {
      const run = scaled(clip, 0.02);
      expect(steps(run, 6)).toBeLessThan(1);
      digests.add(await run.weightsSha256());
      expect(new Set(run.tensors().map(({ fraction }) => fraction))).toEqual(new Set([24, 30]));
    }
    expect(digests.size).toBe(1);
  });
});

test.each([
  ['none', 12, 25],
  [2, 12, 25],
  [0.1, 1, 25],
  [2 ** -20, 1, 25],
  [2 ** 20, 40, 40],
] as const)(
  'clip %s, weights x %s: %s steps stay within three thousandths of the distance travelled ' +
    'of float64 AdamW',
  (clip, factor, count) => {
    const trainer = scaled(clip, factor);
    const options = optionsOf(clip);
    const tokens = options.batch * options.model.context;
    const floats = trainer
      .tensors()
      .filter((t) => !t.name.startsWith('optimizer'))
      .map((t) => ({
        ...t,
        w: Float64Array.from(t.data, (v) => v / 2 ** 24),
        m: new Float64Array(t.data.length),
        v: new Float64Array(t.data.length),
      }));
    let worst = 0;
    let travelled = 0;
    for (let step = 0; step < count; step++) {
      const { gradientNorm: norm } = trainer.step(batchOf(trainer));
      const rate = Number(trainer.options.learningRate.rate(step, options.steps)) / 2 ** 32;
      const factorOf = clip === 'none' || norm <= clip ? 1 : clip / norm;
      travelled += rate;
      for (const p of floats) {
        const gradient = trainer.gradient(p.name);
        for (let j = 0; j < p.w.length; j++) {
          const g = (Number(gradient[j]) / 2 ** WEIGHT_GRADIENT_FRACTION / tokens) * factorOf;
          p.m[j] += (g - p.m[j]) / 8;
          p.v[j] += (g * g - p.v[j]) / 128;
          const root = Math.sqrt(p.v[j] / (1 - (127 / 128) ** (step + 1))) + 1e-8;
          p.w[j] -=
            rate *
            (p.m[j] / (1 - (7 / 8) ** (step + 1)) / root +
              (p.shape.length === 2 ? 0.1 * p.w[j] : 0));
          worst = Math.max(worst, Math.abs(p.w[j] - p.data[j] / 2 ** 24));
        }
      }
    }
    console.log(
      `clip ${clip}: worst difference ${worst.toExponential(2)} of ${travelled.toExponential(2)}`,
    );
    expect(worst).toBeLessThan(0.003 * travelled);
  },
);

describe('the scale of the moments', () => {
  /** The largest |gradient| / unit that bits and norm allow, as a power of two. */
  const most = (gradient: number, unit: number, top: number): number =>
    Math.min(top, gradient - unit + 1);

  test(
    'holds the gradient and the moments, comes back no further than they allow, and is in its ' +
      'range',
    () => {
      const scale = fc.integer({ min: MIN_SCALE, max: MAX_SCALE });
      const moments = fc.integer({ min: 0, max: 31 });
      const gradient = fc.integer({ min: 0, max: 64 });
      const unit = fc.integer({ min: 29, max: 80 });
      const top = fc.integer({ min: -60, max: 60 });
      const low = fc.integer({ min: MIN_SCALE, max: 0 });
      fc.assert(
        fc.property(
          scale,
          moments,
          gradient,
          unit,
          top,
          low,
          (...[from, bits, ofGradient, ofUnit, norm, least]) => {
            const next = nextScale(
              { scale: from, moments: bits, gradient: ofGradient },
              ofUnit,
              norm,
              least,
            );
            expect(next).toBeGreaterThanOrEqual(most(ofGradient, ofUnit, norm));
            expect(next).toBeLessThanOrEqual(MAX_SCALE);
            expect(next).toBeGreaterThanOrEqual(MIN_SCALE);
            // a shift to the left loses nothing
            if (next < from) expect(bits + from - next).toBeLessThanOrEqual(30);
            if (next < from) expect(next).toBeGreaterThanOrEqual(least);
            if (next > from) expect(next).toBe(most(ofGradient, ofUnit, norm));
          },
        ),
        { seed: SEED, numRuns: 2000 },
      );
    },
  );

  test(
    'at its corners: a norm of 1 keeps 0, the least beyond is 1; 64 bits of one token are the ' +
      'largest',
    () => {
      const found = { scale: 0, moments: 30, gradient: 29 };
      expect(nextScale(found, 29, 0, 0)).toBe(0);
      expect(nextScale(found, 29, 1, 0)).toBe(1);
      expect(nextScale({ ...found, gradient: 64 }, 29, 60, 0)).toBe(MAX_SCALE);
      expect(nextScale({ scale: 0, moments: 0, gradient: 0 }, 29, -20, -20)).toBe(MIN_SCALE);
      expect(nextScale({ scale: 3, moments: 30, gradient: 0 }, 29, 0, 0)).toBe(3);
      expect(nextScale({ scale: 3, moments: 29, gradient: 0 }, 29, 0, 0)).toBe(2);
      expect(nextScale({ scale: 3, moments: 20, gradient: 0 }, 29, 0, 0)).toBe(0);
    },
  );

  test(
    'grows with an outlier and comes back, and no step is lost by saving and resuming or by ' +
      'threads',
    async () => {
      const run = scaled('none', 12);
      const threaded = createGpt(
        { ...optionsOf('none'), threads: 2 },
        undefined,
        new URL('../../dist/thread.js', import.meta.url),
      );
      threaded.restore(run.tensors(), 0);
      for (let i = 0; i < 1000 && threaded.threads < 2; i++)
        await new Promise((resolve) => setTimeout(resolve, 10));
      expect(threaded.threads).toBe(2);
      const seen = new Set<number>();
      for (let i = 0; i < 12; i++) {
        steps(run, 1);
        steps(threaded, 1);
        for (const { fraction } of run.tensors()) seen.add(fraction);
        const file = await encodeCheckpoint({
          tensors: run.tensors(),
          options: run.options,
          step: run.steps,
          vocabulary: null,
          dataSha256: '0'.repeat(64),
          libraryVersion: '0',
        });
        const { tensors, options, step } = await decodeCheckpoint(file);
        const resumed = Trainer.create(options);
        resumed.restore(tensors, step);
        const ahead = Trainer.create(options);
        ahead.restore(run.tensors(), step);
        steps(resumed, 2);
        steps(ahead, 2);
        expect(state(resumed)).toBe(state(ahead));
      }
      expect(state(threaded)).toBe(state(run));
      threaded.close();
      expect(seen.size).toBeGreaterThan(3);
      expect(Math.min(...seen)).toBeLessThan(30);
    },
  );

  test('a checkpoint of version 1 had moments in units of its clipping norm', async () => {
    for (const [clip, fraction, factor] of [
      [4, 28, 1],
      [0.25, 32, 1],
      [3, 28, 0.75],
      [0.3, 31, 0.6],
    ] as const) {
      const trainer = createGpt(optionsOf(clip));
      for (const { name, data } of trainer.tensors())
        if (name.startsWith('optimizer')) data.fill(1_000_001);
      const parts = {
        options: trainer.options,
        step: 1,
        vocabulary: null,
        dataSha256: '0'.repeat(64),
        libraryVersion: '0',
      };
      const file = await encodeCheckpoint({ ...parts, tensors: trainer.tensors() });
      expect(decodeSafetensors(file).metadata.version).toBe('3');
      const { tensors } = await decodeCheckpoint(
        await reforged(file, { version: '1', options: JSON.stringify(oldOptions(clip)) }),
      );
      for (const t of tensors.filter(({ name }) => name.startsWith('optimizer')))
        expect([t.fraction, t.data[0]]).toEqual([fraction, Math.trunc(1_000_001 * factor)]);
      Trainer.create(parts.options).restore(tensors, 1);
    }
  });

  test('moments whose fraction bits cannot be, or differ, are refused', () => {
    const trainer = createGpt(optionsOf(1));
    const all = (fraction: number): ReturnType<GptTrainer['tensors']> =>
      trainer.tensors().map((t) => (t.name.startsWith('optimizer') ? { ...t, fraction } : t));
    for (const fraction of [-7, 51, 30.5, NaN])
      expect(() => trainer.restore(all(fraction), 0)).toThrow(/fraction bits/);
    for (const fraction of [-6, 24, 50]) trainer.restore(all(fraction), 0);
    const one = trainer
      .tensors()
      .map((t) => (t.name === 'optimizer.r.norm.gain' ? { ...t, fraction: 29 } : t));
    expect(() => trainer.restore(one, 0)).toThrow(
      'tensor optimizer.r.norm.gain has 29 fraction bits, expected 50',
    );
  });
});

test('the option: none and 2^-20 to 2^20, nothing else', () => {
  for (const clip of ['none', 2 ** -20, 1, 2 ** 20] as const)
    expect(checkTrainOptions(trainOptionsOf(optionsOf(clip), gpt)).clip).toBe(clip);
  for (const clip of ['off', 0, -1, NaN, Infinity, 2 ** -21, 2 ** 21, '1'])
    expect(
      () => checkTrainOptions(trainOptionsOf(optionsOf(clip as never), gpt)),
      String(clip),
    ).toThrow(UsageError);
});
