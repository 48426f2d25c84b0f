import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { chooseToken, exponentialU32 } from '../../src/data/sampling.ts';

describe('exponentialU32', () => {
  test('is within one step of floor(2^32 e^-x) for 200,000 values of x in 0..23', () => {
    let worst = 0;
    for (let i = 0; i <= 200_000; i++) {
      const x = (i * 23) / 200_000;
      worst = Math.max(worst, Math.abs(exponentialU32(x) - Math.floor(Math.exp(-x) * 2 ** 32)));
    }
    expect(worst).toBeLessThanOrEqual(1);
  });

  test('is 2^32 at 0, never grows, and is 0 from 32 ln 2 on', () => {
    expect(exponentialU32(0)).toBe(2 ** 32);
    expect(exponentialU32(22.1807)).toBe(1);
    for (const x of [22.181, 100, 1e300, Infinity]) expect(exponentialU32(x)).toBe(0);
    for (let x = 0, last = 2 ** 32; x < 25; x += 1e-3) {
      const next = exponentialU32(x);
      expect(next).toBeLessThanOrEqual(last);
      last = next;
    }
  });
});

describe('chooseToken', () => {
  const logits = [0, Math.log(2), Math.log(5), -1000];

  test(
    'draws in proportion to exp(logit / temperature): chi-square below 20 with 2 degrees of ' +
      'freedom',
    () => {
      for (const [temperature, weights] of [
        [1, [1, 2, 5]],
        [0.5, [1, 4, 25]],
      ] as const) {
        const draws = 20_000;
        const counts = [0, 0, 0, 0];
        for (let i = 0; i < draws; i++) counts[chooseToken(logits, temperature, 1, i)]++;
        const total = weights.reduce<number>((a, b) => a + b, 0);
        const chiSquare = weights.reduce(
          (sum, w, i) => sum + (counts[i] - (draws * w) / total) ** 2 / ((draws * w) / total),
          0,
        );
        expect(chiSquare).toBeLessThan(20);
        expect(counts[3]).toBe(0);
      }
    },
  );

  test('temperature 0 takes the first largest logit; a tiny one too', () => {
    expect(chooseToken([1, 3, 3, 2], 0, 1, 0)).toBe(1);
    for (let i = 0; i < 100; i++) expect(chooseToken([1, 3, 2], 1e-9, 1, i)).toBe(1);
  });

  test('the draw is a function of seed and index, and always a token', () => {
    fc.assert(
      fc.property(
        fc.array(fc.double({ min: -50, max: 50, noNaN: true }), { minLength: 1, maxLength: 40 }),
        fc.nat(),
        fc.nat(),
        (values, seed, index) => {
          const token = chooseToken(values, 1, seed, index);
          expect(token).toBe(chooseToken(values, 1, seed, index));
          expect(token).toBeGreaterThanOrEqual(0);
          expect(token).toBeLessThan(values.length);
        },
      ),
      { seed: 6, numRuns: 500 },
    );
  });

  test('a temperature that is negative, not a number or huge is refused', () => {
    for (const temperature of [-1, NaN, Infinity, 101])
      expect(() => chooseToken(logits, temperature, 1, 0)).toThrow(
        /temperature is .*, expected a number from 0 to 100/,
      );
  });
});
