// The memory of a run, by purpose, before anything runs: the layout of the model in an arena that is never backed.

import { UsageError } from '../errors.ts';
import type { Pointer } from '../kernels/kernels.ts';
import { jobBytes } from '../kernels/jobs.ts';
import { controlBytes } from '../kernels/team.ts';
import { Gpt } from '../models/gpt.ts';
import type { MakeModel, Model } from '../models/model.ts';
import { Arena, type Purpose } from '../tensor/arena.ts';
import { Optimizer } from './optimizer.ts';
import { type CheckedOptions, type TrainOptions, checkTrainOptions } from './options.ts';
import { type AnyOptions, RULES, type Rules, stackOptions } from './rules.ts';

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

/** How to make a kind of model, and the rules it can be run with. */
export interface Kit<M extends Model = Model, Config = never> {
  readonly make: MakeModel<M, Config>;
  readonly rules: Rules;
}

/** The model, its optimizer and what threads meet at, laid out in an arena. */
export interface Layout<M extends Model = Model> {
  model: M;
  optimizer: Optimizer;
  /** Control block of the team (kernels/team.ts) and job block of the pool (kernels/jobs.ts). */
  control: Pointer;
  job: Pointer;
}

export const GPT: Kit<Gpt, CheckedOptions['model']> = { make: (arena, config, run) => new Gpt(arena, config, run), rules: RULES };

export function layout<M extends Model, Config>(arena: Arena, options: AnyOptions<Config>, { make, rules }: Kit<M, Config>): Layout<M> {
  const { microBatch: sequences, fractionBits: fraction, threads } = options;
  const control = arena.allocate('workspace', controlBytes(sequences)), job = arena.allocate('workspace', jobBytes(threads));
  const model = make(arena, options.model, { ...stackOptions(options, rules), sequences, fraction, threads });
  return { model, optimizer: new Optimizer(arena, options, model.store.all.length), control, job };
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
export const planGpt = (options: TrainOptions): MemoryPlan => plan(checkTrainOptions(options), GPT);

/** The same for any model. */
export function plan<Config>(checked: AnyOptions<Config>, kit: Kit<Model, Config>): MemoryPlan {
  const arena = new Arena(0), stored = new Arena(0), { model } = layout(arena, checked, kit);
  layout(stored, { ...checked, reversible: 'none' }, kit);
  const found = { bytes: arena.bytes, total: arena.total, storedStatesWouldBe: stored.bytes.states, parameters: model.store.count };
  if (found.total > checked.memoryLimit)
    throw new UsageError(`the run needs ${found.total} bytes, ${checked.memoryLimit} are allowed`,
      checked.microBatch > 1 ? 'use a smaller micro-batch (same bits), model or context' : 'use a smaller model or context');
  return found;
}
