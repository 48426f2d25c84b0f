// All update rules.

import { UsageError } from '../errors.ts';
import { couplingRule } from '../reversible/coupling.ts';
import { leapfrogRule } from '../reversible/leapfrog.ts';
import { type Momentum, momentumBlocks, momentumRule } from '../reversible/momentum.ts';
import { type AnyOptions, RULES, type Rules } from './rules.ts';

/** beta as a fraction in lowest terms; its denominator is a power of two. */
function betaOf({ momentum, randomMomentum }: AnyOptions<unknown>): Momentum {
  let numerator = momentum * 8, denominator = 8;
  for (; numerator % 2 === 0 && denominator > 2; numerator /= 2) denominator /= 2;
  return { numerator, denominator, isRandom: randomMomentum };
}

function checkedBeta(options: AnyOptions<unknown>): Momentum {
  const beta = betaOf(options), { momentum, randomMomentum, model: { layers } } = options, most = momentumBlocks(beta);
  if (randomMomentum && beta.numerator + beta.denominator > 9) throw new UsageError(`momentum is ${momentum}, expected 0.125, 0.25, 0.5 or 0.75 with randomMomentum`);
  if (layers > most) throw new UsageError(`momentum ${momentum} over ${layers} layers needs more than 32 bits an element to be undone, enough for ${most}`, 'use fewer layers or a larger momentum');
  return beta;
}

export const ALL_RULES: Rules = {
  ...RULES,
  coupling: () => couplingRule,
  leapfrog: () => leapfrogRule,
  momentum: (options) => momentumRule(options.seed, checkedBeta(options)),
};
