// Choices are those of the exact probabilities: against a plain float64 reference, by chi-square,
// and at the borders of every option.

import { describe, expect, test } from 'vitest';
import { weightOf } from '../../src/generate/exponential.ts';
import { Sampler, type SamplingOptions } from '../../src/generate/sampling.ts';

const FRACTION = 20;
const raw = (logits: readonly number[]): Int32Array =>
  Int32Array.from(logits, (logit) => Math.round(logit * 2 ** FRACTION));
const NONE: readonly number[] = [];

/** Probabilities in float64, as transformers orders the steps. */
function reference(logits: readonly number[], options: SamplingOptions, seen = NONE): number[] {
  const { temperature = 1, topK = 0, topP = 1, minP = 0, repetitionPenalty: r = 1 } = options;
  const penalised = logits.map((logit, id) => {
    if (!seen.includes(id)) return logit;
    return logit > 0 ? logit / r : logit * r;
  });
  const order = penalised.map((_, id) => id).sort((a, b) => penalised[b] - penalised[a] || a - b);
  const largest = penalised[order[0]];
  const weight = (id: number): number => Math.exp((penalised[id] - largest) / temperature);
  let kept = topK > 0 ? order.slice(0, topK) : order;
  const total = kept.reduce((sum, id) => sum + weight(id), 0);
  let sum = 0;
  kept = kept.filter((id, i) => {
    const isIn = i === 0 || sum < topP * total;
    sum += weight(id);
    return isIn;
  });
  kept = kept.filter((id) => weight(id) >= minP);
  const all = kept.reduce((of, id) => of + weight(id), 0);
  return logits.map((_, id) => (kept.includes(id) ? weight(id) / all : 0));
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
    const expected = reference(LOGITS, options, SEEN);
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

  test('a choice is one that a float64 reference keeps, of 2,000 random rows of 50 logits', () => {
    let differ = 0;
    let at = 12345;
    const next = (): number => {
      at = (Math.imul(at, 1664525) + 1013904223) >>> 0;
      return at / 2 ** 32;
    };
    for (let i = 0; i < 2000; i++) {
      const logits = Array.from(
        { length: 50 },
        () => Math.round((next() * 12 - 6) * 2 ** 20) / 2 ** 20,
      );
      const options = {
        temperature: 0.5 + next(),
        topK: 1 + Math.floor(next() * 50),
        topP: next(),
      };
      const expected = reference(logits, options);
      const token = new Sampler({ ...options, seed: i }).choose(raw(logits), FRACTION, NONE, i);
      if (expected[token] === 0) differ++;
    }
    expect(differ).toBe(0);
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
