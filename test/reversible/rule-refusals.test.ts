// What is no rule, and what no rule can be, is a UsageError.

import { describe, expect, test } from 'vitest';
import { bdia, gpt, momentum, reversible, UsageError } from '../../src/index.ts';
import { createGpt, planGpt } from '../helpers/flat.ts';
import { smallOptions } from '../helpers/runs.ts';

describe('refusals', () => {
  const refuses = (make: () => unknown, text: string): void => {
    expect(make, text).toThrow(UsageError);
    expect(make).toThrow(text);
  };
  test('what is no rule is a UsageError', () => {
    for (const rule of ['bdia', '', null, 3, {}, { name: 'bdia', options: {} }, bdia, () => 1]) {
      const make = (): unknown => gpt({ ...smallOptions().model, rule: rule as never });
      refuses(
        make,
        'expected an update rule: bdia(), plain(), leapfrog(), momentum(), coupling() or your own',
      );
      const own = (): unknown => reversible({ depth: 1, rule: rule as never, block: [] });
      refuses(own, 'expected an update rule');
    }
  });

  test('wrong values are UsageErrors', () => {
    for (const gammaShift of [0, 4, 1.5, NaN, '1'])
      refuses(
        () => bdia({ gammaShift: gammaShift as number }),
        `gammaShift is ${JSON.stringify(gammaShift).replace('null', 'NaN')}, expected a ` +
          'whole number from 1 to 3',
      );
    for (const beta of [0, 1, 0.9, -0.5, NaN, 0.0625])
      refuses(
        () => momentum({ beta }),
        `beta is ${beta}, expected one of 0.125, 0.25, 0.375, 0.5, 0.625, 0.75, 0.875`,
      );
    for (const beta of [0.375, 0.625, 0.875])
      refuses(
        () => momentum({ beta, isRandom: true }),
        `beta is ${beta}, expected 0.125, 0.25, 0.5 or 0.75 with isRandom`,
      );
    refuses(() => momentum({ isRandom: 1 as never }), 'isRandom is 1, expected true or false');
    for (const [name, value] of [
      ['dropout', 0.81],
      ['dropout', -0.1],
      ['stochasticDepth', 0.9],
      ['stochasticDepth', NaN],
    ] as const)
      for (const make of [createGpt, planGpt])
        refuses(
          () => make(smallOptions({ [name]: value })),
          `${name} is ${value}, expected a number from 0 to 0.8`,
        );
  });
});
