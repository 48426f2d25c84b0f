// How often a run is judged on held-out data, and on how much of them. Judging changes no bit.

import type { RunValues } from './options.ts';
import type { Scope } from './tasks/task.ts';

/** Unless it is asked for otherwise, a run is judged about twenty times, every twenty steps at
 *  most, each time on so few samples that all of it costs about two steps in a hundred: a sample
 *  that is judged costs a third of one that is trained on. */
const TIMES = 20;
const LEAST_STEPS = 20;
const COST = 0.02;
const JUDGED_PER_TRAINED = 3;

export interface Validations {
  /** Every so many steps; 0: only at the end. The end is judged on all held-out data. */
  every: number;
  scope: Scope;
}

/** round: steps between which nothing can be judged. */
export function validationsOf(
  values: RunValues,
  { steps, batch }: { steps: number; batch: number },
  round = 1,
): Validations {
  const least = Math.max(LEAST_STEPS, Math.ceil(steps / TIMES));
  const every = Math.ceil(least / round) * round;
  if (values.validateEvery !== undefined) return { every: values.validateEvery, scope: 'all' };
  // samples would mistake noise for the best
  if (values.keepBest === true) return { every, scope: 'all' };
  return { every, scope: Math.max(1, Math.floor(COST * JUDGED_PER_TRAINED * every * batch)) };
}
