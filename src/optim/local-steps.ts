// Local steps (DiLoCo: Douillard et al. 2023, arXiv 2311.08105): in a round each shard of the batch
// makes steps of its own from the same weights; the mean of what they changed is a gradient for an
// outer step, with Nesterov's momentum. This optimizer makes the local steps and keeps the outer
// momentum; rounds are made by what splits a run up (distributed/). Moments begin at zero in each
// round, but their corrections count the run's steps: those of a round's own learn less
// (docs/tried.md).

import { fields, list, made, properties, whole } from '../core/check.ts';
import { UsageError } from '../core/errors.ts';
import { MOMENT_LIMIT } from '../memory/formats.ts';
import { adamw } from './adamw.ts';
import type { Optimizer, Slot } from './optimizer.ts';

/** Most steps of a round: the losses of all shards still add up exactly. */
export const MAX_LOCAL_STEPS = 4096;
/** The slot of the outer momentum. */
export const VELOCITY = 'velocity';
const MAX_SHARDS = 65536;
const NAME = 'localSteps';
const EXPECTED = 'an optimizer: adamw(), sgd(), lion() or your own';

/** Of local steps. */
export interface LocalStepsOptions {
  /** Makes the local steps; what it keeps begins anew in each round (adamw()). */
  optimizer?: Optimizer | undefined;
  /** K: shards of the batch, of as many samples each: a divisor of it, 1..65536. */
  shards: number;
  /** H: steps of a round: a divisor of the run's steps, 1..4096. */
  steps: number;
}

/** For runs whose machines exchange weights only now and then. A round takes the place of `steps`
 *  steps: each shard makes them with its own samples of their batches, then the weights take a step
 *  by the mean of what the shards changed. Bits depend on `shards` and `steps`, not on who computes
 *  which shard. Rounds are made by `makeRound` or a `Coordinator` (retrograd/distributed);
 *  `Trainer.step` makes a local step alone. Throws UsageError for an option out of range.
 *  @example
 *  const { name, slots } = localSteps({ shards: 4, steps: 16 });
 *  console.log(name, slots.map((slot) => slot.name).join()); // localSteps m,r,velocity
 */
export function localSteps(given: LocalStepsOptions): Optimizer {
  const defaults = { optimizer: adamw(), shards: undefined, steps: undefined };
  const all = fields<LocalStepsOptions>('options', given, defaults);
  const optimizer = made<Optimizer>('optimizer', all.optimizer, ['update'], EXPECTED);
  if (optimizer.name === NAME) throw new UsageError('local steps of local steps, expected one');
  const slots = list('slots of the optimizer', optimizer.slots, (_, slot) => slot as Slot);
  const shards = whole('shards', all.shards, 1, MAX_SHARDS);
  const steps = whole('steps', all.steps, 1, MAX_LOCAL_STEPS);
  return {
    name: NAME,
    options: { optimizer, shards, steps },
    slots: [...slots, { name: VELOCITY, low: -MOMENT_LIMIT }],
    scratchBytes: optimizer.scratchBytes,
    update: (run, part, info) => optimizer.update(run, part, info),
    ...(optimizer.unit && { unit: (parameter) => optimizer.unit?.(parameter) as number }),
  };
}

/** The rounds of a run. */
export interface Rounds {
  /** K. */
  readonly shards: number;
  /** H. */
  readonly steps: number;
}

/** The rounds of a run with such options; undefined if it has none. Throws UsageError if they do
 *  not fit its batch or its steps.
 *  @example
 *  const optimizer = localSteps({ shards: 4, steps: 16 });
 *  console.log(roundsOf({ optimizer, batch: 32, steps: 400 })); // { shards: 4, steps: 16 }
 */
export function roundsOf(run: {
  readonly optimizer: Optimizer;
  readonly batch: number;
  readonly steps: number;
}): Rounds | undefined {
  const given = properties('run', run, ['optimizer', 'batch', 'steps']);
  const { name, options } = made('optimizer', given.optimizer, [], EXPECTED) as Optimizer;
  if (name !== NAME) return undefined;
  const rounds = properties('optimizer', options as unknown as Rounds, ['shards', 'steps']);
  const shards = whole('shards', rounds.shards, 1, MAX_SHARDS);
  const steps = whole('steps of a round', rounds.steps, 1, MAX_LOCAL_STEPS);
  const batch = whole('batch', given.batch, 1, 65536);
  const all = whole('steps', given.steps, 1, 2 ** 31 - 1);
  if (batch % shards !== 0)
    throw new UsageError(
      `batch is ${batch}, expected a multiple of the ${shards} shards`,
      `for instance ${Math.ceil(batch / shards) * shards}`,
    );
  if (all % steps !== 0)
    throw new UsageError(
      `steps is ${all}, expected a multiple of the ${steps} local steps of a round`,
      `for instance ${Math.ceil(all / steps) * steps}`,
    );
  return { shards, steps };
}
