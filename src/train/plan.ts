// The memory of a run, by purpose, before anything runs: the layout of the model in an arena that is never backed.

import { UsageError } from '../errors.ts';
import { Gpt } from '../models/gpt.ts';
import { bdiaRule } from '../reversible/bdia.ts';
import { storedRule } from '../reversible/stored.ts';
import type { UpdateRule } from '../reversible/rule.ts';
import { Arena, type Purpose } from '../tensor/arena.ts';
import { Optimizer } from './optimizer.ts';
import { type CheckedOptions, type TrainOptions, checkTrainOptions } from './options.ts';

export interface MemoryPlan {
  bytes: Record<Purpose, number>;
  /** All of it, padding included. */
  total: number;
  /** What `states` would be if every block's activations were stored instead of rebuilt. */
  storedStatesWouldBe: number;
  parameters: number;
}

export const ruleOf = (options: CheckedOptions): UpdateRule =>
  options.reversible === 'bdia' ? bdiaRule(options.seed, options.gammaShift, !options.storeActivations) : storedRule;

/** The model and its optimizer, laid out in the arena. */
export function layout(arena: Arena, options: CheckedOptions, rule = ruleOf(options)): { gpt: Gpt; optimizer: Optimizer } {
  const run = { sequences: options.microBatch, fraction: options.fractionBits, rule, verify: options.verify };
  return { gpt: new Gpt(arena, options.model, run), optimizer: new Optimizer(arena, options) };
}

/** Bytes by purpose of a training run. Throws UsageError for options that are wrong, or a model that does not fit. */
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
