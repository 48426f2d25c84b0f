// The update rules by the names that users give, and what else decides how a stack is run. The small library holds only what a plain
// and a BDIA run need; the other rules are in more-rules.ts.

import { UsageError } from '../errors.ts';
import { bdiaRule } from '../reversible/bdia.ts';
import { Noise } from '../reversible/noise.ts';
import { plainRule } from '../reversible/plain.ts';
import type { UpdateRule } from '../reversible/rule.ts';
import type { StackOptions } from '../reversible/stack.ts';
import { type CheckedOptions, type RuleName, isReversible } from './options.ts';

/** Options of a run of any model. */
export type AnyOptions<Config> = CheckedOptions<Config & { layers: number }>;

/** Makes a rule. Throws UsageError if it cannot be exact with these options. */
export type MakeRule = (options: AnyOptions<unknown>) => UpdateRule;
export type Rules = Partial<Record<RuleName, MakeRule>>;

export const RULES: Rules = {
  bdia: ({ seed, gammaShift }) => bdiaRule(seed, gammaShift),
  none: () => plainRule,
  checkpointing: () => plainRule,
};

/** The rule of a run, what it keeps of the forward pass, its noise. Throws UsageError for a rule that `rules` has not. */
export function stackOptions(options: AnyOptions<unknown>, rules: Rules): StackOptions {
  const { reversible, storeActivations, seed, dropout, stochasticDepth, verify } = options, make = rules[reversible];
  if (make === undefined) throw new UsageError(`reversible is ${reversible}, which this part of the library does not hold, expected ${Object.keys(rules).join(' or ')}`, "import it from 'retrograd/all'");
  const keeps = reversible === 'checkpointing' ? 'states' : isReversible(reversible) && !storeActivations ? 'nothing' : 'activations';
  return { rule: make(options), keeps, noise: new Noise({ seed, dropout, stochasticDepth }), verify };
}
