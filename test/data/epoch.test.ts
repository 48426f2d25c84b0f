import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { UsageError } from '../../src/core/errors.ts';
import { PURPOSE, randomU32 } from '../../src/core/random.ts';
import { EpochOrder, shuffled } from '../../src/data/epoch.ts';

const orderOf = (seed: number, count: number, epochs: number): number[] => {
  const order = new EpochOrder(seed, count);
  return Array.from({ length: count * epochs }, (_, place) => order.at(place));
};

describe('shuffled', () => {
  test('is a permutation for any seed, epoch and count', () => {
    fc.assert(
      fc.property(
        fc.maxSafeNat(),
        fc.nat({ max: 2 ** 32 - 1 }),
        fc.integer({ min: 1, max: 300 }),
        (seed, epoch, count) => {
          expect(shuffled(seed, epoch, count).sort()).toEqual(
            Int32Array.from({ length: count }, (_, i) => i),
          );
        },
      ),
      { seed: 11, numRuns: 200 },
    );
    const seen = new Uint8Array(2 ** 18);
    for (const item of shuffled(5, 3, 2 ** 18)) seen[item]++;
    expect(seen.every((times) => times === 1)).toBe(true);
  });

  test('equals Fisher and Yates in big integers', () => {
    fc.assert(
      fc.property(
        fc.maxSafeNat(),
        fc.nat(),
        fc.integer({ min: 1, max: 60 }),
        (seed, epoch, count) => {
          const left = Array.from({ length: count }, (_, i) => i);
          const tail: number[] = [];
          while (left.length > 0) {
            // the item drawn changes places with the last one left
            const last = left.length - 1;
            const j =
              last === 0
                ? 0
                : Number(
                    (BigInt(randomU32(seed, PURPOSE.shuffle, epoch, 0, last)) * BigInt(last + 1)) >>
                      32n,
                  );
            tail.unshift(left[j]);
            left[j] = left[last];
            left.pop();
          }
          expect(Array.from(shuffled(seed, epoch, count))).toEqual(tail);
        },
      ),
      { seed: 12, numRuns: 200 },
    );
  });

  test('all 24 orders of 4 come about as often as each other', () => {
    const counts = new Map<string, number>();
    for (let epoch = 0; epoch < 4800; epoch++)
      counts.set(shuffled(1, epoch, 4).join(), (counts.get(shuffled(1, epoch, 4).join()) ?? 0) + 1);
    expect(counts.size).toBe(24);
    // 5 standard deviations of a binomial
    for (const times of counts.values()) expect(Math.abs(times - 200)).toBeLessThan(75);
  });
});

describe('EpochOrder', () => {
  test('these are the first two epochs of seed 42', () => {
    expect(orderOf(42, 10, 2).join(' ')).toBe('1 2 8 3 6 9 5 4 0 7 0 6 7 5 9 8 4 3 2 1');
  });

  test('every epoch has every item once; seeds and epochs have orders of their own', () => {
    const all = orderOf(7, 50, 4);
    const epochs = [0, 1, 2, 3].map((epoch) => all.slice(50 * epoch, 50 * epoch + 50));
    for (const epoch of epochs) expect(new Set(epoch).size).toBe(50);
    expect(new Set([...epochs, orderOf(8, 50, 1)].map(String)).size).toBe(5);
  });

  test(
    'the item depends on the place only: in any order of questions, also back and forth ' +
      'between epochs',
    () => {
      const all = orderOf(3, 17, 6);
      const order = new EpochOrder(3, 17);
      fc.assert(
        fc.property(fc.nat({ max: all.length - 1 }), (place) => {
          expect(order.at(place)).toBe(all[place]);
        }),
        { seed: 13, numRuns: 500 },
      );
    },
  );

  test('one item, and places near the last', () => {
    expect(orderOf(1, 1, 3)).toEqual([0, 0, 0]);
    expect(new EpochOrder(2 ** 53 - 1, 3).at(3 * 2 ** 32 - 1)).toBe(
      shuffled(2 ** 53 - 1, 2 ** 32 - 1, 3)[2],
    );
  });

  test('counts, seeds and places out of range are refused', () => {
    for (const count of [0, -1, 1.5, NaN, 2 ** 24 + 1])
      expect(() => new EpochOrder(1, count)).toThrow(
        /^count is .*, expected a whole number from 1 to 16777216$/,
      );
    for (const seed of [-1, 0.5, NaN, 2 ** 53])
      expect(() => new EpochOrder(seed, 2)).toThrow(/^seed is .*, expected a whole number/);
    for (const place of [-1, 0.5, NaN, Infinity, 2 ** 53, 3 * 2 ** 32])
      expect(() => new EpochOrder(1, 3).at(place)).toThrow(UsageError);
  });
});
