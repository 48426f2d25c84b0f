// How a gradient's largest value decides the shift and the exponent of its int16 operand: against
// the definition, at both sides of every edge.

import { describe, expect, test } from 'vitest';
import { halfUp } from '../../src/kernels/reference/fixed.ts';
import { OPERAND_MAX } from '../../src/memory/formats.ts';
import {
  fitExponent,
  fitShift,
  GRADIENT_LIMIT_BITS,
  MIN_OPERAND_EXPONENT,
  shiftToFit,
} from '../../src/ops/gradient.ts';

/** Where halfUp(max, s) leaves a bound, and both neighbours. */
const edges = (bound: number): number[] =>
  Array.from({ length: 32 }, (_, s) => (2 * bound + 1) * 2 ** (s - 1))
    .flatMap((edge) => [Math.floor(edge) - 1, Math.floor(edge), Math.floor(edge) + 1])
    .filter((max) => max >= 0 && max <= 2 ** 31);

const bounds = Array.from({ length: 12 }, (_, i) => OPERAND_MAX >> i);

describe('gradients as operands', () => {
  test('the shift is the smallest whose rounded maximum fits, at every edge', () => {
    let tried = 0;
    for (const bound of bounds)
      for (const max of [0, 1, 2 ** 31, ...edges(bound)]) {
        const shift = shiftToFit(max, bound);
        expect(halfUp(max, shift)).toBeLessThanOrEqual(bound);
        if (shift > 1) expect(halfUp(max, shift - 1)).toBeGreaterThan(bound);
        tried++;
      }
    expect(tried).toBeGreaterThan(600);
  });

  test('the exponent is what the shift gives, within the range of operands', () => {
    const highest = GRADIENT_LIMIT_BITS - 12;
    expect(fitShift(0, -20, OPERAND_MAX)).toBe(1);
    expect(fitExponent(1, -20, OPERAND_MAX)).toBe(-19);
    const low = MIN_OPERAND_EXPONENT - 2;
    expect(fitExponent(1, low, OPERAND_MAX)).toBe(MIN_OPERAND_EXPONENT);
    expect(fitExponent(1, highest, OPERAND_MAX)).toBe(highest);
    const shift = fitShift(2 ** 20, -20, OPERAND_MAX);
    expect([shift, fitExponent(shift, -20, OPERAND_MAX)]).toEqual([9, -11]);
    const tiny = fitShift(1, MIN_OPERAND_EXPONENT - 40, OPERAND_MAX);
    expect(tiny).toBe(31);
    expect(fitExponent(tiny, MIN_OPERAND_EXPONENT - 40, OPERAND_MAX)).toBe(MIN_OPERAND_EXPONENT);
    expect(() => fitShift(2 ** 30, highest, OPERAND_MAX)).toThrow(
      /a gradient is larger than 2\^12/,
    );
  });
});
