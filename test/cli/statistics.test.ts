// Mean, deviation and median that the command line and experiments tell.

import { expect, test } from 'vitest';
import { deviation, mean, median } from '../../src/cli/statistics.ts';

test('statistics have their known answers', () => {
  expect(mean([2, 4, 4, 4, 5, 5, 7, 9])).toBe(5);
  expect(deviation([2, 4, 4, 4, 5, 5, 7, 9])).toBeCloseTo(Math.sqrt(32 / 7), 14);
  expect(deviation([1, 3])).toBeCloseTo(Math.SQRT2, 14);
  expect(deviation([1])).toBeUndefined();
  expect([median([3, 1, 2]), median([4, 1, 3, 2])]).toEqual([2, 2.5]);
});

test('mean and deviation have their known answers', () => {
  expect(mean([0.98, 0.99, 1])).toBeCloseTo(0.99, 14);
  expect(deviation([0.98, 0.99, 1])).toBeCloseTo(0.01, 14);
  expect(deviation([1])).toBeUndefined();
});
