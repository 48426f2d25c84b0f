// What a training run is: everything that decides a bit of the weights, checked once, here.

import {
  choice,
  fields,
  flag,
  having,
  list,
  made,
  properties,
  real,
  text,
  whole,
} from '../core/check.ts';
import { UsageError } from '../core/errors.ts';
import {
  DEFAULT_STATE_FRACTION,
  MAX_FLUSHES,
  MAX_STATE_FRACTION,
  MIN_STATE_FRACTION,
  OPERAND_PRODUCTS,
} from '../memory/formats.ts';
import type { Matching } from '../memory/names.ts';
import type { Parameter } from '../memory/parameter.ts';
import type { ConfiguredModel } from '../models/define.ts';
import { asStream } from '../models/stream.ts';
import { adamw } from '../optim/adamw.ts';
import type { Optimizer } from '../optim/optimizer.ts';
import { cosine, type Schedule } from '../optim/schedule.ts';
import type { Keeps } from '../reversible/stack.ts';

/** What of the forward pass is kept for the way back: `rebuilt` nothing, `activations` everything,
 *  `states` those before every sqrt(L)th block. */
export type Keep = 'rebuilt' | 'activations' | 'states';

/** Options of a training run; what has a default says it in parentheses. Every one of them but
 *  those said to give the same bits decides bits of the weights. */
export interface TrainOptions<Batch = unknown> {
  /** The model: gpt({ ... }), vit({ ... }), translator({ ... }), or one of your own (defineModel).
   */
  model: ConfiguredModel<unknown, Batch>;
  /** Samples a step (B), 1..65536. */
  batch: number;
  /** Steps of the whole run, 1..2^31 - 1: the schedule depends on it. */
  steps: number;
  /** Seed of weights, batches and gamma: 0 .. 2^53 - 1 (1). */
  seed?: number | undefined;
  /** The learning rate of every step; a number is the peak of cosine() (cosine(0.001)). */
  learningRate?: number | Schedule | undefined;
  /** How weights change by their gradients: adamw(), sgd(), lion(), or your own (adamw()). */
  optimizer?: Optimizer | undefined;
  /** Largest norm of the gradient of the mean loss, 2^-20 to 2^20, beyond which it is scaled down;
   *  'none': it never is (1). Values that no gradient of a run exceeds give the same bits. */
  clip?: number | 'none' | undefined;
  /** Tensors that stay as they are, with no gradient and no memory for it: matching(['token.*'])
   *  (none). */
  freeze?: Matching | undefined;
  /** Probability that an element of a sublayer's output is dropped in training, 0 to 0.8 (0). */
  dropout?: number | undefined;
  /** Probability that the last block is left out for a sample, 0 to 0.8; earlier ones in proportion
   *  to their depth (0). */
  stochasticDepth?: number | undefined;
  /** l: fraction bits of the residual state, 6..14 (9). */
  fractionBits?: number | undefined;
  /** Samples held at a time, a divisor of batch (batch). Any value gives the same bits. */
  microBatch?: number | undefined;
  /** What is kept of the forward pass ('rebuilt' where the update rule can, else 'activations').
   *  Any value gives the same bits. */
  keep?: Keep | undefined;
  /** Hash every state on the way forward and check it on the way back, where states are rebuilt
   *  (true). Any value gives the same bits. */
  verify?: boolean | undefined;
  /** Threads, 1..64 (1). Where the runtime has no shared memory or workers, one works. Any value
   *  gives the same bits. */
  threads?: number | undefined;
  /** The module that serves the model (`serve` of retrograd/thread), or a function that starts a
   *  worker of it, which bundlers understand: `() => new Worker(new URL('./thread.js',
   *  import.meta.url), { type: 'module' })`. For models of your own; the built-in models need none
   *  unless the library is bundled. */
  worker?: URL | (() => unknown) | undefined;
  /** Most bytes the run may use (3.75 GiB: WebAssembly's 4 GiB less room for the rest). */
  memoryLimit?: number | undefined;
}

/** What has another type once it is checked. */
type Changed = 'learningRate' | 'keep' | 'worker' | 'freeze';

/** Fields that are there, also where a program tells those of undefined from those that are not. */
type Filled<T> = { readonly [K in keyof T]-?: Exclude<T[K], undefined> };

/** TrainOptions with every default filled in. */
export interface CheckedOptions<Batch = unknown>
  extends Filled<Omit<TrainOptions<Batch>, Changed>> {
  /** The learning rate of every step. */
  readonly learningRate: Schedule;
  /** What is kept; undefined: nothing where the update rule can run backward, else activations. */
  readonly keep: Keep | undefined;
  /** Tensors that stay as they are; undefined: none. */
  readonly freeze: Matching | undefined;
  /** The module that serves the model, or what starts a worker of it. */
  readonly worker: URL | (() => unknown) | undefined;
}

/** The methods of what chooses tensors. */
const CHECKS = ['fits', 'check'] as never[];

/** Fills in the defaults; throws UsageError for the first value that is wrong.
 *  @example
 *  const model = gpt({ vocabulary: 4, layers: 2, channels: 8, heads: 2, context: 4 });
 *  const { batch, seed, clip, optimizer } = checkTrainOptions({ model, batch: 2, steps: 10 });
 *  console.log(batch, seed, clip, optimizer.name); // 2 1 1 adamw
 */
export function checkTrainOptions<Batch>(options: TrainOptions<Batch>): CheckedOptions<Batch> {
  const given = fields('options', options as TrainOptions<never>, {
    model: undefined,
    batch: undefined,
    steps: undefined,
    seed: 1,
    learningRate: undefined,
    optimizer: undefined,
    clip: 1,
    freeze: undefined,
    dropout: 0,
    stochasticDepth: 0,
    fractionBits: DEFAULT_STATE_FRACTION,
    microBatch: undefined,
    keep: undefined,
    verify: true,
    threads: 1,
    worker: undefined,
    memoryLimit: 3.75 * 2 ** 30,
  }) as unknown as TrainOptions<Batch> & Omit<CheckedOptions<Batch>, 'learningRate'>;
  const model = checkedModel(given.model);
  const batch = whole('batch', given.batch, 1, 65536);
  const { adapter } = Object(model.config) as { adapter?: object };
  for (const [name, value] of Object.entries({ freeze: given.freeze, adapter }))
    if (value !== undefined) made(name, value, CHECKS, 'matching([...]) or lora({...})');
  const full = {
    ...given,
    model,
    learningRate: scheduleOf(given.learningRate),
    optimizer: optimizerOf(given.optimizer),
    microBatch: given.microBatch ?? batch,
  };
  checkValues(full);
  return full;
}

/** A copy of a model: nobody else can change what it is made of. */
function checkedModel<Batch>(given: ConfiguredModel<unknown, Batch>): typeof given {
  const keys = ['name', 'config', 'streams', 'loss', 'isOwn'] as const;
  const model = properties('model', Object(given) as typeof given, keys);
  if (model.streams === undefined || model.loss === undefined)
    throw new UsageError('options have no model, expected what gpt(...) or another one gives');
  having('the loss', model.loss, ['plan'], 'takes');
  const streams = list('streams', model.streams, asStream<Batch>);
  return { ...model, name: text('name of the model', model.name), streams };
}

function scheduleOf(given: number | Schedule = 0.001): Schedule {
  if (typeof given === 'number') return cosine(given);
  const expected = 'a number or a schedule: cosine(), constant() or your own';
  return made<Schedule>('learningRate', given, ['rate'], expected);
}

function optimizerOf(given: Optimizer = adamw()): Optimizer {
  const expected = 'an optimizer: adamw(), sgd(), lion() or your own';
  const optimizer = made<Optimizer>('optimizer', given, ['update'], expected);
  list('slots of the optimizer', optimizer.slots, (_, slot) => slot);
  return optimizer;
}

function checkValues(full: CheckedOptions): void {
  const { batch, microBatch } = full;
  whole('steps', full.steps, 1, 2 ** 31 - 1);
  whole('seed', full.seed, 0, Number.MAX_SAFE_INTEGER);
  if (full.clip !== 'none') real('clip', full.clip, 2 ** -20, 2 ** 20);
  real('dropout', full.dropout, 0, 0.8);
  real('stochasticDepth', full.stochasticDepth, 0, 0.8);
  whole('fractionBits', full.fractionBits, MIN_STATE_FRACTION, MAX_STATE_FRACTION);
  whole('microBatch', microBatch, 1, batch, 'a micro-batch is a part of the batch');
  if (batch % microBatch !== 0)
    throw new UsageError(`microBatch ${microBatch} does not divide batch ${batch}`);
  choice('keep', full.keep, [undefined, 'rebuilt', 'activations', 'states']);
  flag('verify', full.verify);
  whole('threads', full.threads, 1, 64);
  real('memoryLimit', full.memoryLimit, 1, Number.MAX_SAFE_INTEGER);
}

/** What a stack with such a rule keeps. */
export function keeps(keep: Keep | undefined, canInvert: boolean): Keeps {
  if (keep === undefined) return canInvert ? 'nothing' : 'activations';
  return keep === 'rebuilt' ? 'nothing' : keep;
}

/** Throws UsageError if a batch could add more to a weight's gradient than its sums hold exactly.
 */
export function checkFlushes(batch: number, parameters: readonly Parameter[]): void {
  for (const { rows, path } of parameters) {
    const each = Math.ceil(rows / OPERAND_PRODUCTS);
    const flushes = batch * each;
    if (flushes <= MAX_FLUSHES) continue;
    throw new UsageError(
      `batch ${batch} of ${rows} rows a sample needs ${flushes} flushes of the gradient of ` +
        `${path}, ` +
        `at most ${MAX_FLUSHES} are exact`,
      `use a batch of at most ${Math.floor(MAX_FLUSHES / each)}`,
    );
  }
}
