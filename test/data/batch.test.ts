import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { fillBatch, scaleU32, windowStart } from '../../src/data/batch.ts';

describe('scaleU32', () => {
  test(
    'equals floor(random * count / 2^32) computed in big integers, for random and extreme ' +
      'values',
    () => {
      const word = fc.oneof(
        fc.integer({ min: 0, max: 2 ** 32 - 1 }),
        fc.constantFrom(0, 1, 65535, 65536, 2 ** 31, 2 ** 32 - 1),
      );
      fc.assert(
        fc.property(word, word, (random, count) => {
          expect(scaleU32(random, count)).toBe(Number((BigInt(random) * BigInt(count)) >> 32n));
        }),
        { seed: 4, numRuns: 20_000 },
      );
      expect(scaleU32(2 ** 32 - 1, 2 ** 32)).toBe(2 ** 32 - 1);
    },
  );
});

describe('fillBatch', () => {
  const tokens = Int32Array.from({ length: 500 }, (_, i) => i);
  const fill = (options: {
    seed: number;
    batch: number;
    context: number;
    step: number;
  }): { inputs: Int32Array; targets: Int32Array } => {
    const inputs = new Int32Array(options.batch * options.context);
    const targets = new Int32Array(options.batch * options.context);
    fillBatch(tokens, options, inputs, targets);
    return { inputs, targets };
  };

  test('targets are the inputs one token later, in the text, from where windowStart says', () => {
    fc.assert(
      fc.property(
        fc.nat(),
        fc.integer({ min: 1, max: 12 }),
        fc.integer({ min: 1, max: 499 }),
        fc.nat(),
        (seed, batch, context, step) => {
          const { inputs, targets } = fill({ seed, batch, context, step });
          for (let b = 0; b < batch; b++) {
            const start = windowStart(seed, step, b, tokens.length, context);
            expect(start).toBeGreaterThanOrEqual(0);
            expect(start + context).toBeLessThan(tokens.length);
            for (let t = 0; t < context; t++)
              if (
                inputs[b * context + t] !== start + t ||
                targets[b * context + t] !== start + t + 1
              )
                expect.fail(`sample ${b} token ${t}`);
          }
        },
      ),
      { seed: 5, numRuns: 300 },
    );
  });

  test('a sample does not depend on the batch size: batch 12 begins with batch 4', () => {
    const small = fill({ seed: 9, batch: 4, context: 16, step: 3 });
    const large = fill({ seed: 9, batch: 12, context: 16, step: 3 });
    expect(large.inputs.subarray(0, 64)).toEqual(small.inputs);
  });

  test('every window is drawn, the first and the last too, about as often as the others', () => {
    const counts = new Array<number>(20).fill(0);
    for (let step = 0; step < 4000; step++) counts[windowStart(1, step, 0, 30, 10)]++;
    expect(counts.length).toBe(20);
    // 5 standard deviations of a binomial
    for (const count of counts) expect(Math.abs(count - 200)).toBeLessThan(75);
  });

  test('seed, step and sample each change the start; the values are these', () => {
    expect(
      [
        [1, 0, 0],
        [2, 0, 0],
        [1, 1, 0],
        [1, 0, 1],
      ].map(([seed, step, sample]) => windowStart(seed, step, sample, 1_000_000, 64)),
    ).toEqual([187062, 24105, 383712, 846989]);
  });

  test(
    'a text of exactly context + 1 tokens has one window; shorter ones and wrong lengths are ' +
      'refused',
    () => {
      expect(windowStart(7, 7, 7, 65, 64)).toBe(0);
      expect(() => fill({ seed: 1, batch: 1, context: 500, step: 0 })).toThrow(
        /^tokens has 500 elements, expected at least 501$/,
      );
      expect(() =>
        fillBatch(
          tokens,
          { seed: 1, batch: 2, context: 4, step: 0 },
          new Int32Array(8),
          new Int32Array(7),
        ),
      ).toThrow(/^targets has 7 elements, expected 8$/);
    },
  );
});
