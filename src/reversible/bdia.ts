// BDIA (Zhang, Lewis, Kleijn, ICML 2025): gamma = +-2^-m drawn anew per step, sample and block; exactly invertible with m side
// bits an element. sigma is a function of (seed, step, sample, block), so nothing is saved to replay it.

import { PURPOSE, randomU32 } from '../random.ts';
import type { UpdateRule } from './rule.ts';

export function bdiaRule(seed: number, shift: number, rebuilds = true): UpdateRule {
  return {
    name: 'bdia',
    rebuilds,
    shift,
    sigma: (step, sample, block) => ((randomU32(seed, PURPOSE.gamma, step, sample, block) & 1) === 0 ? 1 : -1),
  };
}
