// What a training run is: every number that decides a bit of the weights, checked once, here.

import { UsageError } from '../errors.ts';
import { type GptConfig, checkGptConfig } from '../models/gpt-config.ts';
import { DEFAULT_STATE_FRACTION, MAX_FLUSHES, MAX_GAMMA_SHIFT, MAX_STATE_FRACTION, MIN_STATE_FRACTION, OPERAND_PRODUCTS } from '../tensor/formats.ts';

/** Options of a training run; what has a default says it in parentheses. Every one of them but those said to give the same bits decides bits
 *  of the weights. */
export interface TrainOptions {
  /** The architecture. */
  model: GptConfig;
  /** Sequences a step (B), 1..65536. */
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
  /** 'bdia': exactly reversible blocks, states rebuilt backward. 'none': plain residual, activations stored. ('bdia') */
  reversible?: 'bdia' | 'none';
  /** gamma = +-2^-m, m = 1..3 (1). */
  gammaShift?: number;
  /** l: fraction bits of the residual state, 6..14 (9). */
  fractionBits?: number;
  /** Sequences held at a time, a divisor of batch (batch). Any value gives the same bits. */
  microBatch?: number;
  /** Keep every block's activations instead of rebuilding them: the same bits in more memory, to check 'bdia' against (false). */
  storeActivations?: boolean;
  /** Hash every state on the way forward and check it on the way back (true for 'bdia'). Any value gives the same bits. */
  verify?: boolean;
  /** Threads, 1..64 (1). Where the runtime has no shared memory or workers, one works. Any value gives the same bits. */
  threads?: number;
  /** Most bytes the run may use (3.75 GiB: WebAssembly's 4 GiB less room for the rest). */
  memoryLimit?: number;
}

/** TrainOptions with every default filled in, the model's too. What `checkTrainOptions` returns and a checkpoint holds. */
export type CheckedOptions = Required<Omit<TrainOptions, 'model'>> & { model: Required<GptConfig> };

const whole = (name: string, value: number, low: number, high: number, hint?: string): void => {
  if (!Number.isInteger(value) || value < low || value > high)
    throw new UsageError(`${name} is ${value}, expected a whole number from ${low} to ${high}`, hint);
};

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
  const reversible = options.reversible ?? 'bdia';
  const full: CheckedOptions = {
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
    fractionBits: options.fractionBits ?? DEFAULT_STATE_FRACTION,
    microBatch: options.microBatch ?? options.batch,
    storeActivations: options.storeActivations ?? false,
    verify: options.verify ?? reversible === 'bdia',
    threads: options.threads ?? 1,
    memoryLimit: options.memoryLimit ?? 3.75 * 2 ** 30,
    model,
  };
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
  if (full.decay !== 'cosine' && full.decay !== 'constant') throw new UsageError(`decay is ${String(full.decay)}, expected cosine or constant`);
  if (reversible !== 'bdia' && reversible !== 'none') throw new UsageError(`reversible is ${String(reversible)}, expected bdia or none`);
  const flushes = full.batch * Math.ceil(model.context / OPERAND_PRODUCTS);
  if (flushes > MAX_FLUSHES)
    throw new UsageError(`batch ${full.batch} of context ${model.context} needs ${flushes} flushes of a weight gradient, at most ${MAX_FLUSHES} are exact`,
      `use a batch of at most ${Math.floor(MAX_FLUSHES / Math.ceil(model.context / OPERAND_PRODUCTS))}`);
  return full;
}
