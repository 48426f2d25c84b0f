// The memory of a run, by purpose, before anything runs: the layout of the model in an arena that
// is never backed.

import { UsageError } from '../core/errors.ts';
import type { Pointer } from '../kernels/kernels.ts';
import { Arena, type Purpose } from '../memory/arena.ts';
import { Planner } from '../memory/planner.ts';
import { type MatrixChoices, PlannedModel } from '../models/model.ts';
import { Updater } from '../optim/updater.ts';
import { Noise } from '../reversible/noise.ts';
import { jobBytes } from '../threads/jobs.ts';
import { controlBytes } from '../threads/team.ts';
import {
  type CheckedOptions,
  checkFlushes,
  checkTrainOptions,
  keeps,
  type TrainOptions,
} from './options.ts';
import type { TensorTable } from './tensors.ts';

/** The memory of a run, in bytes. */
export interface MemoryPlan {
  /** Of weights (int32), gradients (int64), optimizer (int32 tensors), states, sideBits and
   *  workspace, without padding. */
  bytes: Record<Purpose, number>;
  /** All of it, padding included. */
  total: number;
  /** What `states` would be if every block's activations were stored instead of rebuilt. */
  storedStatesWouldBe: number;
  /** Number of weights. */
  parameters: number;
}

/** The model, its optimizer and what threads meet at, laid out in an arena. */
export interface Layout<Batch> {
  readonly model: PlannedModel<Batch>;
  readonly updater: Updater;
  /** Control block of the team (threads/team.ts) and job block of the pool (threads/jobs.ts). */
  readonly control: Pointer;
  readonly job: Pointer;
}

/** Lays a run out, as thread `rank` sees it. */
export function layout<Batch>(
  arena: Arena,
  options: CheckedOptions<Batch>,
  rank: number,
): Layout<Batch> {
  const { microBatch: sequences, fractionBits: fraction, threads, optimizer, clip } = options;
  const control = arena.allocate('workspace', controlBytes(sequences));
  const job = arena.allocate('workspace', jobBytes(threads));
  const { adapter, operands } = Object(options.model.config) as MatrixChoices;
  const { freeze = adapter } = options;
  const shape = { rank, threads, sequences, fraction, freeze };
  const at = Planner.create(arena, { ...shape, adapter, operands });
  const slots = optimizer.slots.map(() => 4);
  const run = {
    keeps: (canInvert: boolean) => keeps(options.keep, canInvert),
    noise: new Noise(options),
    verify: options.verify,
  };
  const model = new PlannedModel(at, options.model, run, slots);
  freeze?.check(model.parameters);
  adapter?.check(model.parameters);
  operands?.check(model.parameters);
  checkFlushes(options.batch, model.trained);
  return { model, updater: new Updater(at, optimizer, model.trained, clip), control, job };
}

/** Bytes by purpose of a training run, before anything is allocated. Throws UsageError for options
 *  that are wrong, or a model that does not fit in `memoryLimit`.
 *  @example
 *  const shape = { vocabulary: 96, channels: 64, heads: 4, context: 32 };
 *  const of = (layers) => plan({ model: gpt({ ...shape, layers }), batch: 4, steps: 100 });
 *  console.log(of(2).bytes.states, of(2).storedStatesWouldBe); // 131072 722944
 *  console.log(of(8).bytes.states, of(8).storedStatesWouldBe); // 131072 2498560
 *  console.log(of(8).parameters, of(8).bytes.weights); // 402496 1609984
 */
export const plan = <Batch>(options: TrainOptions<Batch>): MemoryPlan =>
  planChecked(checkTrainOptions(options));

export function planChecked<Batch>(options: CheckedOptions<Batch>): MemoryPlan {
  const { memoryLimit, microBatch } = options;
  const arena = new Arena(0);
  const stored = new Arena(0);
  const { model } = layout(arena, options, 0);
  layout(stored, { ...options, keep: 'activations' }, 0);
  const found: MemoryPlan = {
    bytes: arena.bytes,
    total: arena.total,
    storedStatesWouldBe: stored.bytes.states,
    parameters: model.parameters.reduce((sum, { size }) => sum + size, 0),
  };
  if (found.total > memoryLimit)
    throw new UsageError(
      `the run needs ${found.total} bytes, ${memoryLimit} are allowed`,
      microBatch > 1
        ? 'use a smaller micro-batch (same bits), model or context'
        : 'use a smaller model or context',
    );
  return found;
}

/** What tensors a run with such options has: its model's parameters and its optimizer's slots. */
export function tableOf(options: CheckedOptions): TensorTable {
  const { model } = layout(new Arena(0), { ...options, threads: 1 }, 0);
  return { parameters: model.parameters, slots: options.optimizer.slots };
}
