// Discretised logistics and mixtures: frequencies are whole, at least 1, and sum to 2^24; they are
// those of float64; gradients are those of float64's lengths.

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { flowStack, mixturePrior, PriorElement, squeeze, UsageError } from '../../src/index.ts';
import { EXP2_Q30 } from '../../src/kernels/reference/tables.ts';
import { discretisedLogistic } from '../../src/loss/discretised-logistic.ts';
import {
  BINS,
  bitsOf,
  distance,
  exp2,
  inverseScale,
  logisticCdf,
  MAX_LOG_SCALE,
  MIN_LOG_SCALE,
  SCALE_START,
  TOTAL,
} from '../../src/ops/logistic.ts';
import { Source } from '../helpers/data.ts';
import { cosineOf } from '../helpers/float64.ts';
import { SEED } from '../helpers/suite.ts';

const FRACTION = 7;
const STEP = 2 ** -FRACTION;
const START = SCALE_START / 2 ** 16;

/** The formulas of the page in BigInt: E(t) of t with 22 fraction bits, in Q28. */
function bigExp2(t: bigint): bigint {
  const [whole, f] = [t >> 22n, t & (2n ** 22n - 1n)];
  let y = BigInt(EXP2_Q30[5]);
  for (let i = 4; i >= 0; i--) y = BigInt(EXP2_Q30[i]) - ((y * f) >> 22n);
  const kept = y >> 2n > 2n ** 27n ? y >> 2n : 2n ** 27n;
  return t >= 40n << 22n ? 0n : kept >> whole;
}
const bigCdf = (d: number, inverse: number): bigint => {
  const size = BigInt(Math.min(Math.abs(d), 2 ** 25));
  const t = (size * BigInt(inverse)) >> 10n;
  const e = bigExp2(t < 40n << 22n ? t : 40n << 22n);
  const a = (e << 24n) / (2n ** 28n + e);
  return d < 0 ? a : 2n ** 24n - a;
};

/** One element's numbers: logits, means, logarithms of scales, in 16 fraction bits. */
interface Numbers {
  logits: number[];
  means: number[];
  scales: number[];
}
const flat = ({ logits, means, scales }: Numbers): Int32Array =>
  Int32Array.from([...(means.length > 1 ? logits : []), ...means, ...scales]);
function elementOf(numbers: Numbers): { element: PriorElement; memory: Int32Array } {
  const prior = { first: 0, rows: 1, columns: 1, components: numbers.means.length };
  const element = new PriorElement(prior, FRACTION);
  const memory = flat(numbers);
  element.move(memory, 0, 0);
  return { element, memory };
}

const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x));
/** Bits of a raw value in float64, of real numbers. */
function bits(raw: number, numbers: number[], count: number): number {
  const part = (i: number): number[] => numbers.slice(i * count, (i + 1) * count);
  const [logits, means, scales] = count > 1 ? [part(0), part(1), part(2)] : [[0], part(0), part(1)];
  const sum = logits.reduce((total, logit) => total + Math.exp(logit), 0);
  const probability = logits.reduce((total, logit, k) => {
    const s = Math.exp(scales[k] + START);
    const [a, b] = [-0.5, 0.5].map((half) => ((raw + half) * STEP - means[k]) / s);
    // the difference of two tails on one side keeps its digits
    const p = a > 0 ? sigmoid(-a) - sigmoid(-b) : sigmoid(b) - sigmoid(a);
    return total + (Math.exp(logit) / sum) * p;
  }, 0);
  return -Math.log2(probability);
}

const number = (low: number, high: number) =>
  fc.integer({ min: Math.round(low * 2 ** 16), max: Math.round(high * 2 ** 16) });
const numbersOf = (count: number, scale = 3) =>
  fc.record({
    logits: fc.array(number(-4, 4), { minLength: count, maxLength: count }),
    means: fc.array(number(-1, 1), { minLength: count, maxLength: count }),
    scales: fc.array(number(-scale, 2), { minLength: count, maxLength: count }),
  });

describe('whole frequencies', () => {
  test.each([1, 2, 5])(
    `of %i components sum to 2^24 and are at least 1 (seed ${SEED})`,
    (count) => {
      const property = fc.property(numbersOf(count, 12), (numbers) => {
        const { element } = elementOf(numbers);
        let sum = 0;
        let least = Infinity;
        for (let i = 0; i < BINS; i++) {
          const frequency = element.frequency(element.rawOf(i));
          least = Math.min(least, frequency);
          sum += frequency;
          expect(element.start(i + 1) - element.start(i)).toBe(frequency);
        }
        expect([element.start(0), element.start(BINS), sum]).toEqual([0, TOTAL, TOTAL]);
        expect(least).toBeGreaterThanOrEqual(1);
        for (const raw of [element.rawOf(-1), element.rawOf(BINS)])
          expect(element.frequency(raw)).toBe(1);
      });
      fc.assert(property, { numRuns: 12, seed: SEED });
    },
  );

  test('the logistic function is that of BigInt, monotone, at its corners too', () => {
    const scales = [MIN_LOG_SCALE, -(2 ** 17), 0, 2 ** 16, MAX_LOG_SCALE];
    for (const scale of scales) {
      const inverse = inverseScale(scale);
      expect(inverse / (Math.LOG2E * Math.exp(-scale / 2 ** 16) * 2 ** 16)).toBeCloseTo(1, 3);
      let before = -1;
      const source = new Source(1, scale);
      const some = Array.from({ length: 3000 }, () => source.between(-(2 ** 27), 2 ** 27));
      const near = Array.from({ length: 3000 }, (_, i) => (i - 1500) * 37);
      const all = [...some, ...near, -(2 ** 31), 2 ** 31, 0].sort((a, b) => a - b);
      for (const d of all) {
        const value = logisticCdf(d, inverse);
        expect(BigInt(value)).toBe(bigCdf(d, inverse));
        expect(value).toBeGreaterThanOrEqual(before);
        before = value;
      }
      expect(logisticCdf(0, inverse)).toBe(2 ** 23);
    }
    // products stay below 2^53 at the corners
    expect(distance(2 ** 40, inverseScale(MIN_LOG_SCALE))).toBe(40 * 2 ** 22);
    expect(2 ** 25 * inverseScale(MIN_LOG_SCALE)).toBeLessThan(2 ** 53);
    expect(2 ** 26 * inverseScale(MIN_LOG_SCALE)).toBeGreaterThan(2 ** 52);
  });

  test('2^-t falls with every one of the 2^22 fractions of t, and is 2^-t to 2^-22', () => {
    let before = 2 ** 28 + 1;
    let worst = 0;
    for (let t = 0; t <= 2 ** 22; t++) {
      const value = exp2(t);
      if (value > before) throw new Error(`it grows at ${t}`);
      before = value;
      if (t % 64 === 0) worst = Math.max(worst, Math.abs(value / 2 ** 28 - 2 ** -(t / 2 ** 22)));
    }
    expect(worst).toBeLessThan(2 ** -22);
    expect([exp2(0), exp2(2 ** 22), exp2(40 * 2 ** 22)]).toEqual([2 ** 28, 2 ** 27, 0]);
  });

  test('bits of frequencies are log2, to 2^-14', () => {
    const source = new Source(2, 2);
    const some = Array.from({ length: 2000 }, () => source.between(1, TOTAL));
    for (const frequency of [1, 2, 3, TOTAL - 1, TOTAL, ...some]) {
      const found = bitsOf(frequency) / 2 ** 16;
      expect(Math.abs(found - (24 - Math.log2(frequency)))).toBeLessThan(2 ** -14);
    }
  });

  test.each([1, 5])(`of %i components are those of float64 (seed ${SEED})`, (count) => {
    let worst = 0;
    const property = fc.property(
      numbersOf(count),
      fc.integer({ min: -60, max: 60 }),
      (given, off) => {
        const { element, memory } = elementOf(given);
        const raw = element.centre + off;
        const expected = bits(
          raw,
          Array.from(memory, (v) => v / 2 ** 16),
          count,
        );
        fc.pre(expected < 14);
        worst = Math.max(worst, Math.abs(bitsOf(element.frequency(raw)) / 2 ** 16 - expected));
      },
    );
    fc.assert(property, { numRuns: 1000, seed: SEED });
    // bins have at least 1 of 2^24, which rare ones gain and others lose
    expect(worst).toBeLessThan(0.01);
  });
});

describe('gradients', () => {
  test.each([1, 5])('of %i components are those of float64, of every kind', (count) => {
    const source = new Source(11, count);
    const kinds = count > 1 ? 3 : 2;
    const found: number[][] = Array.from({ length: kinds + 1 }, () => []);
    const expected: number[][] = Array.from({ length: kinds + 1 }, () => []);
    for (let n = 0; n < 400; n++) {
      const draw = (low: number, high: number): number[] =>
        Array.from({ length: count }, () => source.between(low * 2 ** 16, high * 2 ** 16));
      const numbers = { logits: draw(-2, 2), means: draw(-1, 1), scales: draw(-2, 1) };
      const { element, memory } = elementOf(numbers);
      const raw = source.between(-128, 127);
      const real = Array.from(memory, (v) => v / 2 ** 16);
      if (bits(raw, real, count) > 18) continue;
      const d = new Int32Array(memory.length);
      const value = element.gradient(raw, d, 0, 0);
      const h = 1e-4;
      const slope = (at: (x: number) => number): number => (at(h) - at(-h)) / (2 * h);
      found[kinds].push(value / 2 ** 20);
      expected[kinds].push(slope((x) => bits(raw + x / STEP, real, count)));
      memory.forEach((_, i) => {
        const change = (x: number): number[] => real.map((v, j) => (i === j ? v + x : v));
        found[Math.floor(i / count)].push(d[i] / 2 ** 20);
        expected[Math.floor(i / count)].push(slope((x) => bits(raw, change(x), count)));
      });
    }
    found.forEach((values, kind) => {
      expect(values.length).toBeGreaterThan(300);
      const cosine = cosineOf(Float64Array.from(values), Float64Array.from(expected[kind]));
      expect(cosine, `kind ${kind}`).toBeGreaterThan(0.9999);
    });
  });

  test('far out they are finite, and point to the value', () => {
    for (const raw of [-(2 ** 20), 2 ** 20]) {
      const { element } = elementOf({ logits: [0], means: [0], scales: [0] });
      const d = new Int32Array(2);
      const value = element.gradient(raw, d, 0, 0);
      expect(Math.sign(value)).toBe(Math.sign(raw));
      expect(Math.sign(d[0])).toBe(-Math.sign(raw));
      expect(d[1] / 2 ** 20).toBeCloseTo(-40 + Math.LOG2E, 1); // the largest distance
    }
  });
});

test('the priors say something of each element once', () => {
  const shape = { height: 2, width: 2, channels: 1, fraction: 7 };
  expect(() => discretisedLogistic({ flows: flowStack({ shape, flows: [squeeze()] }) })).toThrow(
    UsageError,
  );
  const twice = flowStack({ shape, flows: [mixturePrior(), mixturePrior({ name: 'b' })] });
  expect(() => discretisedLogistic({ flows: twice })).toThrow('of 8 elements, the image has 4');
});
