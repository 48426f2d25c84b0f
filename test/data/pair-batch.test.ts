import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { BytePairs } from '../../src/data/bpe.ts';
import { EpochOrder } from '../../src/data/epoch.ts';
import {
  createPairBatch,
  fillPairBatch,
  type PairBatch,
  PairData,
} from '../../src/data/pair-batch.ts';
import { pattern } from '../helpers/pattern.ts';

/** 40 pairs; the source of pair i has 1 .. 7 tokens, its target 1 .. 5. */
const letter = (i: number): string => String.fromCharCode(97 + (i % 26));
const pairs = Array.from({ length: 40 }, (_, i) => ({
  source: letter(i).repeat((i % 7) + 1),
  target: letter(i)
    .toUpperCase()
    .repeat((i % 5) + 1),
}));
const sources = BytePairs.fromJson({
  kind: 'byte-pairs',
  symbols: ' abcdefghijklmnopqrstuvwxyz',
  merges: [],
})!;
const targets = BytePairs.fromJson({
  kind: 'byte-pairs',
  symbols: ' ABCDEFGHIJKLMNOPQRSTUVWXYZ',
  merges: [],
})!;
const encode = (context: number): PairData =>
  PairData.encode(pairs, { source: sources, target: targets, context });
/** With the space before the word and the end token. */
const fits = (context: number): typeof pairs =>
  pairs.filter(({ source, target }) => Math.max(source.length, target.length) + 2 <= context);

function fill(data: PairData, seed: number, batch: number, step: number): PairBatch {
  const out = createPairBatch(batch, data.context);
  for (const array of Object.values(out) as Int32Array[]) array.fill(-7);
  fillPairBatch(data, { seed, batch, step }, out);
  return out;
}

/** The rows of a batch as texts, every array checked against the others. */
function rows(out: PairBatch, context: number): string[] {
  return Array.from(out.sourceLengths, (sourceLength, row) => {
    const [source, input, target] = [out.source, out.input, out.target].map((array) =>
      Array.from(array.subarray(row * context, (row + 1) * context)),
    );
    const length = out.targetLengths[row];
    expect([source[sourceLength - 1], input[0], target[length - 1]]).toEqual([2, 1, 2]);
    expect(input.slice(1, length)).toEqual(target.slice(0, length - 1));
    for (const [array, used] of [
      [source, sourceLength],
      [input, length],
      [target, length],
    ] as const) {
      expect(array.slice(used).every((token) => token === 0)).toBe(true);
      expect(array.slice(0, used).every((token) => token > 0)).toBe(true);
    }
    return `${sources.decode(source)} ${targets.decode(target)}`;
  });
}

describe('PairData', () => {
  test('pairs longer than the context on one side, end included, are left out and counted', () => {
    for (const context of [3, 5, 6, 8, 9, 20]) {
      const data = encode(context);
      expect([data.count, data.omitted]).toEqual([
        fits(context).length,
        pairs.length - fits(context).length,
      ]);
    }
    expect(encode(9).omitted).toBe(0);
    expect(encode(8).omitted).toBe(5);
  });

  test('copy writes the pairs in their order and nothing else', () => {
    const data = encode(6);
    const out = createPairBatch(data.count, 6);
    for (let i = 0; i < data.count; i++) data.copy(i, i, out);
    expect(rows(out, 6)).toEqual(fits(6).map(({ source, target }) => `${source} ${target}`));
    const before = { source: out.source.slice(), input: out.input.slice() };
    data.copy(0, 0, out);
    expect({ source: out.source, input: out.input }).toEqual(before);
  });

  test('no pair that fits, no pairs and a bad context are refused', () => {
    expect(() => encode(2)).toThrow(
      pattern(
        /^none of the 40 pairs fits a context of 2 tokens, expected at least one\. HINT: /,
        /choose a context of at least 3$/,
      ),
    );
    expect(() => PairData.encode([], { source: sources, target: targets, context: 4 })).toThrow(
      /^there are no pairs, expected at least one$/,
    );
    for (const context of [0, -1, 2.5, NaN])
      expect(() => encode(context)).toThrow(
        /^context is .*, expected a whole number from 1 to 4096$/,
      );
  });
});

describe('fillPairBatch', () => {
  test('every pair comes once an epoch, whatever the batch size', () => {
    fc.assert(
      fc.property(
        fc.nat(),
        fc.integer({ min: 1, max: 50 }),
        fc.constantFrom(5, 7, 20),
        (seed, batch, context) => {
          const data = encode(context);
          const seen: string[] = [];
          for (let step = 0; step * batch < 3 * data.count; step++)
            seen.push(...rows(fill(data, seed, batch, step), context));
          const expected = fits(context)
            .map(({ source, target }) => `${source} ${target}`)
            .sort();
          for (let epoch = 0; epoch < 3; epoch++)
            expect(seen.slice(epoch * data.count, (epoch + 1) * data.count).sort()).toEqual(
              expected,
            );
        },
      ),
      { seed: 101, numRuns: 60 },
    );
  });

  test(
    'a batch is a function of seed and step: of no earlier call, and place n of the run is the ' +
      'same in batches of any size',
    () => {
      fc.assert(
        fc.property(fc.nat(), fc.nat(1000), fc.integer({ min: 1, max: 6 }), (seed, step, batch) => {
          const data = encode(20);
          const order = new EpochOrder(seed, data.count);
          const found = rows(fill(data, seed, batch, step), 20);
          fill(data, seed + 1, 3, 5);
          expect(rows(fill(data, seed, batch, step), 20)).toEqual(found);
          found.forEach((row, sample) => {
            const { source, target } = pairs[order.at(step * batch + sample)];
            expect(row).toBe(`${source} ${target}`);
            expect(rows(fill(encode(20), seed, 1, step * batch + sample), 20)).toEqual([row]);
          });
        }),
        { seed: 102, numRuns: 60 },
      );
    },
  );

  test('seeds and epochs have orders of their own', () => {
    const data = encode(20);
    const orders = [
      [1, 0],
      [1, 1],
      [2, 0],
    ].map(([seed, step]) => rows(fill(data, seed, 40, step), 20).join());
    expect(new Set(orders).size).toBe(3);
  });

  test('arrays of another size and bad numbers are refused', () => {
    const data = encode(8);
    const good = createPairBatch(2, 8);
    const run =
      (change: Partial<PairBatch>, options = {}) =>
      (): void => {
        fillPairBatch(data, { seed: 1, batch: 2, step: 0, ...options }, { ...good, ...change });
      };
    for (const name of ['source', 'input', 'target'])
      expect(run({ [name]: new Int32Array(15) })).toThrow(`${name} has 15 elements, expected 16`);
    for (const name of ['sourceLengths', 'targetLengths'])
      expect(run({ [name]: new Int32Array(3) })).toThrow(`${name} has 3 elements, expected 2`);
    for (const batch of [0, -1, 1.5])
      expect(run({}, { batch })).toThrow(/^batch is .*, expected a whole number from 1 to 65536$/);
    for (const step of [-1, 0.5, NaN])
      expect(run({}, { step })).toThrow(/^step is .*, expected a whole number from 0 to/);
    for (const seed of [-1, 0.5, 2 ** 53, undefined, null, NaN])
      expect(run({}, { seed })).toThrow(/^seed is /);
  });
});
