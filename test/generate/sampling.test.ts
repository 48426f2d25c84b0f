// Choices are those of the exact probabilities: against a plain float64 reference, by chi-square,
// and at the borders of every option.

import { describe, expect, test } from 'vitest';
import { PURPOSE, randomU32 } from '../../src/core/random.ts';
import { weightOf } from '../../src/generate/exponential.ts';
import { Sampler, type SamplingOptions, weightsOf } from '../../src/generate/sampling.ts';
import { plainChoice, RELATIVE, STEP } from '../helpers/plain-sampler.ts';

const FRACTION = 20;
const raw = (logits: readonly number[]): Int32Array =>
  Int32Array.from(logits, (logit) => Math.round(logit * 2 ** FRACTION));
const NONE: readonly number[] = [];

/** A generator of numbers in 0 .. 1, the same for every run. */
function uniform(): () => number {
  let at = 12345;
  return () => {
    at = (Math.imul(at, 1664525) + 1013904223) >>> 0;
    return at / 2 ** 32;
  };
}

/** Random options: each is there half of the time, as people write it, with two decimals. */
function randomOptions(next: () => number, tokens: number): SamplingOptions {
  const decimal = (low: number, high: number): number =>
    Math.round(100 * (low + next() * (high - low))) / 100;
  const all: SamplingOptions = {
    temperature: decimal(0.2, 2),
    topK: 1 + Math.floor(next() * tokens),
    topP: decimal(0, 1),
    minP: decimal(0, 0.3),
    repetitionPenalty: decimal(1, 2),
  };
  return Object.fromEntries(Object.entries(all).filter(() => next() < 0.5));
}

/** Chooses from random rows of 2 to 64 logits, some of up to 1,000, by integers and in plain
 *  float64 with the options that `change` makes of theirs. */
function compare(rows: number, change: (given: SamplingOptions) => SamplingOptions = () => ({})) {
  const next = uniform();
  const counts = { compared: 0, skipped: 0, wrong: 0 };
  for (let seed = 0; seed < rows; seed++) {
    const tokens = 2 + Math.floor(next() * (seed % 20 === 0 ? 999 : 63));
    const options = randomOptions(next, tokens);
    const logits = Array.from(
      { length: tokens },
      () => Math.round((next() * 12 - 6) * 2 ** FRACTION) / 2 ** FRACTION,
    );
    const seen = logits.map((_, id) => id).filter(() => next() < 0.2);
    const index = Math.floor(next() * 1000);
    const random = randomU32(seed, PURPOSE.sample, 0, 0, index);
    const plain = plainChoice(
      { logits, seen, random },
      { ...options, ...change(options) },
      FRACTION,
    );
    const token = new Sampler({ ...options, seed }).choose(raw(logits), FRACTION, seen, index);
    if (plain.isNear) counts.skipped++;
    else counts.compared++;
    if (!plain.isNear && plain.token !== token) counts.wrong++;
  }
  return counts;
}

/** The 0.1 % point of chi-square with k degrees of freedom (Wilson, Hilferty 1931). */
const critical = (k: number): number =>
  k * (1 - 2 / (9 * k) + 3.0902 * Math.sqrt(2 / (9 * k))) ** 3;

const LOGITS = [1.5, -0.5, 2.25, 0.125, 1.75, -2, 0.75, 2, -1, 0.5, 1.25, -0.25];
const SEEN = [2, 5, 7];

describe('weights', () => {
  test('2^-t is within 2^-25 and a step of float64, for all fractions and every power', () => {
    let worst = 0;
    for (let t = 0; t < 31 * 2 ** 15; t += t < 2 ** 15 ? 1 : 97) {
      const exact = 2 ** (30 - t / 2 ** 15);
      worst = Math.max(worst, (Math.abs(weightOf(t) - exact) - 1) / exact);
    }
    expect(worst).toBeLessThan(2 ** -25);
    expect([
      weightOf(0),
      weightOf(2 ** 15),
      weightOf(30 * 2 ** 15),
      weightOf(31 * 2 ** 15),
    ]).toEqual([2 ** 30, 2 ** 29, 1, 0]);
  });
});

test('a weight is within 2^-14 of float64 and a step, at 200 temperatures', () => {
  const next = uniform();
  let worst = 0;
  for (let i = 0; i < 200; i++) {
    const temperature = 0.01 + next() ** 2 * 99;
    const weight = weightsOf(2 ** 24, FRACTION, temperature);
    for (let j = 0; j < 1000; j++) {
      const distance = Math.floor(next() * Math.min(31, 22 * temperature) * 2 ** FRACTION);
      const exact = Math.exp(-distance / 2 ** FRACTION / temperature);
      const error = Math.abs(weight(2 ** 24 - distance) / 2 ** 30 - exact);
      worst = Math.max(worst, (error - STEP) / exact);
    }
  }
  console.log(`weights: worst ${worst.toExponential(2)} of ${RELATIVE.toExponential(2)}`);
  expect(worst).toBeLessThan(RELATIVE);
});

describe('choices', () => {
  test.each<[string, SamplingOptions]>([
    ['nothing', {}],
    ['temperature', { temperature: 0.7 }],
    ['a high temperature', { temperature: 3 }],
    ['top-k', { topK: 5 }],
    ['top-p', { topP: 0.8 }],
    ['min-p', { minP: 0.2 }],
    ['repetition penalty', { repetitionPenalty: 1.5 }],
    ['all together', { temperature: 1.3, topK: 9, topP: 0.92, minP: 0.05, repetitionPenalty: 1.2 }],
  ])('frequencies with %s are the probabilities: chi-square, 10 seeds, p > 0.001', (_, options) => {
    const draw = { logits: LOGITS, seen: SEEN, random: 0 };
    const { probabilities: expected } = plainChoice(draw, options, FRACTION);
    const draws = 4000;
    for (let seed = 1; seed <= 10; seed++) {
      const sampler = new Sampler({ ...options, seed });
      const counts = LOGITS.map(() => 0);
      for (let i = 0; i < draws; i++) counts[sampler.choose(raw(LOGITS), FRACTION, SEEN, i)]++;
      const cells = expected.map((p, id) => ({ p, count: counts[id] })).filter(({ p }) => p > 0);
      expect(counts.filter((count, id) => expected[id] === 0 && count > 0)).toEqual([]);
      const chi = cells.reduce(
        (sum, { p, count }) => sum + (count - draws * p) ** 2 / (draws * p),
        0,
      );
      expect(chi).toBeLessThan(critical(Math.max(1, cells.length - 1)));
    }
  });

  test('20,000 choices are a plain float64 sampler’s, but for 3 of 1,000 at a border', () => {
    const counts = compare(20_000);
    console.log(
      `sampling: ${counts.compared} choices compared, ${counts.skipped} skipped, ` +
        `${counts.wrong} other than float64's`,
    );
    expect(counts.wrong).toBe(0);
    expect(counts.compared + counts.skipped).toBe(20_000);
    expect(counts.skipped).toBeLessThan(60);
  });

  test.each<[string, (options: SamplingOptions) => SamplingOptions]>([
    ['temperature', ({ temperature = 1 }) => ({ temperature: temperature * 1.01 })],
    ['top-k', ({ topK = 0 }) => ({ topK: topK + 1 })],
    ['top-p', ({ topP = 1 }) => ({ topP: topP * 0.99 })],
    ['min-p', ({ minP = 0 }) => ({ minP: minP + 0.01 })],
    ['repetition penalty', ({ repetitionPenalty: r = 1 }) => ({ repetitionPenalty: r * 1.01 })],
  ])('and another %s is noticed', (_, change) => {
    expect(compare(4000, change).wrong).toBeGreaterThan(5);
  });

  test('top-k of 1 and temperature 0 are the first largest logit', () => {
    const choose = (options: SamplingOptions): number =>
      new Sampler(options).choose(raw([1, 3, 3, 2]), FRACTION, NONE, 5);
    for (const options of [{ topK: 1 }, { temperature: 0 }, { topP: 0 }])
      expect(choose(options)).toBe(1);
    expect([1, 2]).toContain(choose({ minP: 1 }));
  });

  test('a draw is a function of seed and place alone', () => {
    const one = new Sampler({ seed: 7 });
    const two = new Sampler({ seed: 7 });
    const all = Array.from({ length: 50 }, (_, i) => one.choose(raw(LOGITS), FRACTION, NONE, i));
    const backwards = Array.from({ length: 50 }, (_, i) =>
      two.choose(raw(LOGITS), FRACTION, NONE, 49 - i),
    );
    expect(backwards.reverse()).toEqual(all);
    const other = new Sampler({ seed: 8 });
    expect(all.some((token, i) => token !== other.choose(raw(LOGITS), FRACTION, NONE, i))).toBe(
      true,
    );
  });

  test('the penalty divides positive logits, multiplies negative ones, and stays in int32', () => {
    const sampler = new Sampler({ temperature: 0, repetitionPenalty: 2 });
    expect(sampler.choose(raw([3, 2, 1]), FRACTION, [0], 0)).toBe(1);
    expect(sampler.choose(raw([-1, -1.5, -3]), FRACTION, [0], 0)).toBe(1);
    const least = Int32Array.of(-(2 ** 31), -(2 ** 31) + 1, -(2 ** 31));
    expect(new Sampler({ topK: 1, repetitionPenalty: 16 }).choose(least, 0, [1], 0)).toBe(0);
  });

  test('65,536 tokens, the largest logits of int32, and one token', () => {
    const many = Int32Array.from({ length: 65536 }, (_, i) =>
      i % 2 === 0 ? 2 ** 31 - 1 : -(2 ** 31),
    );
    for (const options of [{}, { topK: 100 }, { topP: 0.5 }, { temperature: 100 }]) {
      const token = new Sampler(options).choose(many, 10, NONE, 3);
      expect(token % 2).toBe(0);
    }
    expect(new Sampler({ topK: 100 }).choose(many, 10, NONE, 3)).toBeLessThan(200);
    expect(new Sampler({}).choose(Int32Array.of(5), 10, NONE, 0)).toBe(0);
  });
});
