// The memory of a run, by purpose, before anything runs: the layout of the model in an arena that is never backed.

import { UsageError } from '../errors.ts';
import type { Pointer } from '../kernels/kernels.ts';
import { jobBytes } from '../kernels/pool.ts';
import { controlBytes } from '../kernels/team.ts';
import { Gpt } from '../models/gpt.ts';
import { LOCKS } from '../ops/locks.ts';
import { bdiaRule } from '../reversible/bdia.ts';
import { storedRule } from '../reversible/stored.ts';
import type { UpdateRule } from '../reversible/rule.ts';
import { Arena, type Purpose } from '../tensor/arena.ts';
import { Optimizer } from './optimizer.ts';
import { type CheckedOptions, type TrainOptions, checkTrainOptions } from './options.ts';

/** The memory of a run, in bytes. */
export interface MemoryPlan {
  /** Of weights (int32), gradients (int64), optimizer (two int32 a weight), states, sideBits and workspace, without padding. */
  bytes: Record<Purpose, number>;
  /** All of it, padding included. */
  total: number;
  /** What `states` would be if every block's activations were stored instead of rebuilt. */
  storedStatesWouldBe: number;
  /** Number of weights. */
  parameters: number;
}

export const ruleOf = (options: CheckedOptions): UpdateRule =>
  options.reversible === 'bdia' ? bdiaRule(options.seed, options.gammaShift, !options.storeActivations) : storedRule;

/** The model, its optimizer and what threads meet at, laid out in an arena. */
export interface Layout {
  gpt: Gpt;
  optimizer: Optimizer;
  /** Control block of the team (kernels/team.ts) and job block of the pool (kernels/pool.ts). */
  control: Pointer;
  job: Pointer;
}

export function layout(arena: Arena, options: CheckedOptions, rule = ruleOf(options)): Layout {
  const { microBatch: sequences, fractionBits: fraction, verify, threads } = options;
  const control = arena.allocate('workspace', controlBytes(LOCKS)), job = arena.allocate('workspace', jobBytes(threads));
  const gpt = new Gpt(arena, options.model, { sequences, fraction, rule, verify, threads });
  return { gpt, optimizer: new Optimizer(arena, options, gpt.store.all.length), control, job };
}

/** Bytes by purpose of a training run, before anything is allocated. Throws UsageError for options that are wrong, or a model that does not
 *  fit in `memoryLimit`.
 *  @example
 *  const model = { vocabulary: 96, channels: 64, heads: 4, context: 32 };
 *  const plan = (layers) => planGpt({ model: { ...model, layers }, batch: 4, steps: 100 });
 *  console.log(plan(2).bytes.states, plan(2).storedStatesWouldBe); // 131072 722944
 *  console.log(plan(8).bytes.states, plan(8).storedStatesWouldBe); // 131072 2498560
 *  console.log(plan(8).parameters, plan(8).bytes.weights); // 402496 1609984
 */
export function planGpt(options: TrainOptions): MemoryPlan {
  const checked = checkTrainOptions(options), arena = new Arena(0), stored = new Arena(0);
  const { gpt } = layout(arena, checked);
  layout(stored, checked, storedRule);
  const plan = { bytes: arena.bytes, total: arena.total, storedStatesWouldBe: stored.bytes.states, parameters: gpt.store.count };
  if (plan.total > checked.memoryLimit)
    throw new UsageError(`the run needs ${plan.total} bytes, ${checked.memoryLimit} are allowed`,
      checked.microBatch > 1 ? 'use a smaller micro-batch (same bits), model or context' : 'use a smaller model or context');
  return plan;
}
