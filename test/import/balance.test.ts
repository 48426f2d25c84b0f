// Which power of two a channel of the queries gives to that of the keys.

import { expect, test } from 'vitest';
import { balanceOf } from '../../src/import/decide.ts';
import { ACTIVATION, HEADROOM } from '../../src/import/ranges.ts';

const larger = (query: number, key: number, b: number): number =>
  Math.max(query * 2 ** b, key * 2 ** -b);

test('of all powers the one that leaves the least largest value, where one is needed', () => {
  const sizes = Array.from({ length: 60 }, (_, i) => 0.05 * 1.17 ** i);
  let balanced = 0;
  for (const query of sizes)
    for (const key of sizes) {
      const b = balanceOf(query, key);
      if (larger(query, key, 0) * HEADROOM <= ACTIVATION) {
        expect(b).toBe(0);
        continue;
      }
      const least = Array.from({ length: 33 }, (_, i) => larger(query, key, i - 16));
      expect(larger(query, key, b)).toBe(Math.min(...least));
      if (b !== 0) balanced++;
    }
  expect(balanced).toBeGreaterThan(1000);
  expect(balanceOf(7.95, 8.05)).toBe(0); // the power between their whole logarithms is 1
  expect(balanceOf(0, 100)).toBe(0);
});
