// What a training run is: every number that decides a bit of the weights, checked once, here.

import { UsageError } from '../errors.ts';
import { type GptConfig, checkGptConfig } from '../models/gpt-config.ts';
import { whole } from '../models/table.ts';
import { DEFAULT_STATE_FRACTION, MAX_FLUSHES, MAX_GAMMA_SHIFT, MAX_STATE_FRACTION, MIN_STATE_FRACTION, OPERAND_PRODUCTS } from '../tensor/formats.ts';

/** How blocks can join the residual stream, and whether that can be undone exactly. */
const RULES = { bdia: true, none: false, coupling: true, momentum: true, leapfrog: true, checkpointing: false };
/** The rules that a run can choose. */
export type RuleName = keyof typeof RULES;
export const isReversible = (rule: RuleName): boolean => RULES[rule];

/** Options of a training run; what has a default says it in parentheses. Every one of them but those said to give the same bits decides bits
 *  of the weights. */
export interface TrainOptions<Config = GptConfig> {
  /** The architecture. */
  model: Config;
  /** Sequences (images, pairs) a step (B), 1..65536. */
  batch: number;
  /** Steps of the whole run, 1..2^31 - 1: the schedule depends on it. */
  steps: number;
  /** Seed of weights, batches and gamma: 0 .. 2^53 - 1. */
  seed?: number;
  /** Peak learning rate, 2^-30 to 1 - 2^-20 (0.001). */
  learningRate?: number;
  /** Steps of linear warm-up (100, at most steps). */
  warmup?: number;
  /** After warm-up: a half cosine down to a tenth, or constant ('cosine'). */
  decay?: 'cosine' | 'constant';
  /** AdamW's decay of matrices and embeddings, 0 to 0.4 (0.1). */
  weightDecay?: number;
  /** Largest norm of the gradient of the mean loss, 2^-20 to 2^20 (1). */
  clip?: number;
  /** How blocks join the residual stream (docs/reversibility.md). 'bdia', 'leapfrog', 'momentum', 'coupling': exactly reversible, states
   *  rebuilt backward. 'none': plain residual, activations stored; 'checkpointing': the same, rebuilt from sqrt(L) stored states. ('bdia') */
  reversible?: RuleName;
  /** gamma = +-2^-m, m = 1..3 (1). */
  gammaShift?: number;
  /** beta of 'momentum': an eighth to seven eighths (0.875). */
  momentum?: number;
  /** 'momentum' with +-beta drawn anew per step, sample and block, and 0 at inference (false). */
  randomMomentum?: boolean;
  /** Probability that an element of a sublayer's output is dropped in training, 0 to 0.8 (0). */
  dropout?: number;
  /** Probability that the last block is left out for a sample, 0 to 0.8; earlier ones in proportion to their depth (0). */
  stochasticDepth?: number;
  /** l: fraction bits of the residual state, 6..14 (9). */
  fractionBits?: number;
  /** Sequences held at a time, a divisor of batch (batch). Any value gives the same bits. */
  microBatch?: number;
  /** Keep every block's activations instead of rebuilding them: the same bits in more memory, to check reversible rules against (false). */
  storeActivations?: boolean;
  /** Hash every state on the way forward and check it on the way back (true for reversible rules). Any value gives the same bits. */
  verify?: boolean;
  /** Threads, 1..64 (1). Where the runtime has no shared memory or workers, one works. Any value gives the same bits. */
  threads?: number;
  /** Most bytes the run may use (3.75 GiB: WebAssembly's 4 GiB less room for the rest). */
  memoryLimit?: number;
}

/** TrainOptions with every default filled in, the model's too. What `checkTrainOptions` returns and a checkpoint holds. */
export type CheckedOptions<Config = Required<GptConfig>> = Required<Omit<TrainOptions, 'model'>> & { model: Config };

const real = (name: string, value: number, low: number, high: number): void => {
  if (!(value >= low && value <= high)) throw new UsageError(`${name} is ${value}, expected a number from ${low} to ${high}`);
};

/** Fills in the defaults; throws UsageError for the first value out of range.
 *  @example
 *  const model = { vocabulary: 96, layers: 2, channels: 64, heads: 4, context: 32 };
 *  const { seed, learningRate, reversible, fractionBits, microBatch } = checkTrainOptions({ model, batch: 8, steps: 500 });
 *  console.log(seed, learningRate, reversible, fractionBits, microBatch); // 1 0.001 bdia 9 8
 */
export function checkTrainOptions(options: TrainOptions): CheckedOptions {
  const model = checkGptConfig(options.model);
  return checkOptions(options, model, model.context);
}

/** The same for any architecture: `model` is checked already; `rows`: the most rows that a sample adds to a weight's gradient. */
export function checkOptions<Config extends { layers: number }>(options: TrainOptions<unknown>, model: Config, rows: number): CheckedOptions<Config> {
  const reversible = options.reversible ?? 'bdia';
  const full: CheckedOptions<Config> = {
    batch: options.batch,
    steps: options.steps,
    seed: options.seed ?? 1,
    learningRate: options.learningRate ?? 1e-3,
    warmup: options.warmup ?? Math.min(100, options.steps),
    decay: options.decay ?? 'cosine',
    weightDecay: options.weightDecay ?? 0.1,
    clip: options.clip ?? 1,
    reversible,
    gammaShift: options.gammaShift ?? 1,
    momentum: options.momentum ?? 0.875,
    randomMomentum: options.randomMomentum ?? false,
    dropout: options.dropout ?? 0,
    stochasticDepth: options.stochasticDepth ?? 0,
    fractionBits: options.fractionBits ?? DEFAULT_STATE_FRACTION,
    microBatch: options.microBatch ?? options.batch,
    storeActivations: options.storeActivations ?? false,
    verify: options.verify ?? isReversible(reversible),
    threads: options.threads ?? 1,
    memoryLimit: options.memoryLimit ?? 3.75 * 2 ** 30,
    model,
  };
  checkNumbers(full);
  const flushes = full.batch * Math.ceil(rows / OPERAND_PRODUCTS), most = Math.floor(MAX_FLUSHES / Math.ceil(rows / OPERAND_PRODUCTS));
  if (flushes > MAX_FLUSHES)
    throw new UsageError(`batch ${full.batch} of ${rows} rows a sample needs ${flushes} flushes of a weight gradient, at most ${MAX_FLUSHES} are exact`, `use a batch of at most ${most}`);
  return full;
}

function checkNumbers(full: CheckedOptions<unknown>): void {
  whole('batch', full.batch, 1, 65536);
  whole('steps', full.steps, 1, 2 ** 31 - 1);
  whole('seed', full.seed, 0, Number.MAX_SAFE_INTEGER);
  whole('warmup', full.warmup, 0, full.steps, 'warm-up cannot be longer than the run');
  whole('gammaShift', full.gammaShift, 1, MAX_GAMMA_SHIFT);
  whole('fractionBits', full.fractionBits, MIN_STATE_FRACTION, MAX_STATE_FRACTION);
  whole('microBatch', full.microBatch, 1, full.batch, 'a micro-batch is a part of the batch');
  if (full.batch % full.microBatch !== 0)
    throw new UsageError(`microBatch ${full.microBatch} does not divide batch ${full.batch}`);
  whole('threads', full.threads, 1, 64);
  real('learningRate', full.learningRate, 2 ** -30, 1 - 2 ** -20);
  real('weightDecay', full.weightDecay, 0, 0.4);
  real('clip', full.clip, 2 ** -20, 2 ** 20);
  real('dropout', full.dropout, 0, 0.8);
  real('stochasticDepth', full.stochasticDepth, 0, 0.8);
  if (!Object.hasOwn(RULES, full.reversible)) throw new UsageError(`reversible is ${String(full.reversible)}, expected one of ${Object.keys(RULES).join(', ')}`);
  if (![1, 2, 3, 4, 5, 6, 7].includes(full.momentum * 8)) throw new UsageError(`momentum is ${full.momentum}, expected an eighth to seven eighths: 0.125, 0.25, ... 0.875`);
  for (const name of ['randomMomentum', 'storeActivations', 'verify'] as const)
    if (typeof full[name] !== 'boolean') throw new UsageError(`${name} is ${String(full[name])}, expected true or false`);
  if (full.decay !== 'cosine' && full.decay !== 'constant') throw new UsageError(`decay is ${String(full.decay)}, expected cosine or constant`);
}
