// checkRule passes the rules of the library, and finds seeded faults.

import { describe, expect, test } from 'vitest';
import {
  bdia,
  coupling,
  type Lane,
  leapfrog,
  momentum,
  plain,
  type UpdateRule,
} from '../../src/index.ts';
import { checkRule } from '../../src/verify/check-rule.ts';

const RULES: Record<string, UpdateRule> = {
  bdia: bdia(),
  'bdia, m = 2': bdia({ gammaShift: 2 }),
  'bdia, m = 3': bdia({ gammaShift: 3 }),
  plain: plain(),
  leapfrog: leapfrog(),
  coupling: coupling(),
  momentum: momentum(),
  'random momentum': momentum({ beta: 0.5, isRandom: true }),
};

describe.each(Object.keys(RULES))('%s', (name) => {
  test.each([1, 2, 5, 9])('passes with %d blocks', (depth) => {
    for (let seed = 1; seed <= 5; seed++) {
      const { rebuilt, cosine } = checkRule(RULES[name], { depth, seed });
      expect(rebuilt).toBe(name === 'plain' ? 0 : 2 * depth - 1);
      expect(cosine).toBeGreaterThan(0.999999);
    }
  });
});

describe('checkRule finds', () => {
  test('an inverse that forgets a bit', () => {
    const rule = bdia();
    const broken: UpdateRule = {
      ...rule,
      inverse(site) {
        rule.inverse?.(site);
        if (site.k === 2) site.run.view(site.lane.previous, 1)[0] ^= 1;
      },
    };
    expect(() => checkRule(broken)).toThrow(
      /^the rule bdia is not inverse: the states before block 2 were not rebuilt exactly/,
    );
  });

  test('a gradient that forgets what came from the block after next', () => {
    const rule = leapfrog();
    const broken: UpdateRule = {
      ...rule,
      backward(site) {
        site.lane.bSign = 0;
        rule.backward(site);
      },
    };
    expect(() => checkRule(broken)).toThrow(/^the rule leapfrog: its gradient is not that of the/);
  });

  test('a rule that keeps something outside of the lane', () => {
    const rule = leapfrog();
    let last: Lane | undefined;
    const broken: UpdateRule = {
      ...rule,
      forward(site) {
        if (last !== undefined && last !== site.lane) site.run.view(site.lane.last, 1)[0] += 1;
        last = site.lane;
        return rule.forward(site);
      },
    };
    expect(() => checkRule(broken)).toThrow(/depends on another sample/);
  });
});
