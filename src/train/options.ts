// What a training run is: every number that decides a bit of the weights, checked once, here.

import { type Filled, choice, fields, real, whole } from '../core/check.ts';
import { UsageError } from '../errors.ts';
import { type GptConfig, checkGptConfig } from '../models/gpt-config.ts';
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
  seed?: number | undefined;
  /** Peak learning rate, 2^-20 (16 steps of a weight's 2^-24) to 1 - 2^-20 (0.001). */
  learningRate?: number | undefined;
  /** Steps of linear warm-up (100, at most steps). */
  warmup?: number | undefined;
  /** After warm-up: a half cosine down to a tenth, or constant ('cosine'). */
  decay?: 'cosine' | 'constant' | undefined;
  /** AdamW's decay of matrices and embeddings, 0 to 0.4 (0.1). */
  weightDecay?: number | undefined;
  /** Largest norm of the gradient of the mean loss, 2^-20 to 2^20, beyond which it is scaled down; 'none': it never is (1). Values that no
   *  gradient of a run exceeds give the same bits. */
  clip?: number | 'none' | undefined;
  /** How blocks join the residual stream (docs/reversibility.md). 'bdia', 'leapfrog', 'momentum', 'coupling': exactly reversible, states
   *  rebuilt backward. 'none': plain residual, activations stored; 'checkpointing': the same, rebuilt from sqrt(L) stored states. ('bdia') */
  reversible?: RuleName | undefined;
  /** gamma = +-2^-m, m = 1..3 (1). */
  gammaShift?: number | undefined;
  /** beta of 'momentum': an eighth to seven eighths (0.875). */
  momentum?: number | undefined;
  /** 'momentum' with +-beta drawn anew per step, sample and block, and 0 at inference (false). */
  randomMomentum?: boolean | undefined;
  /** Probability that an element of a sublayer's output is dropped in training, 0 to 0.8 (0). */
  dropout?: number | undefined;
  /** Probability that the last block is left out for a sample, 0 to 0.8; earlier ones in proportion to their depth (0). */
  stochasticDepth?: number | undefined;
  /** l: fraction bits of the residual state, 6..14 (9). */
  fractionBits?: number | undefined;
  /** Sequences held at a time, a divisor of batch (batch). Any value gives the same bits. */
  microBatch?: number | undefined;
  /** Keep every block's activations instead of rebuilding them: the same bits in more memory, to check reversible rules against (false). */
  storeActivations?: boolean | undefined;
  /** Hash every state on the way forward and check it on the way back (true for reversible rules). Any value gives the same bits. */
  verify?: boolean | undefined;
  /** Threads, 1..64 (1). Where the runtime has no shared memory or workers, one works. Any value gives the same bits. */
  threads?: number | undefined;
  /** Most bytes the run may use (3.75 GiB: WebAssembly's 4 GiB less room for the rest). */
  memoryLimit?: number | undefined;
}

/** TrainOptions with every default filled in, the model's too. What `checkTrainOptions` returns and a checkpoint holds. */
export type CheckedOptions<Config = Filled<GptConfig>> = Filled<Omit<TrainOptions, 'model'>> & { model: Config };

/** Fills in the defaults; throws UsageError for the first value out of range.
 *  @example
 *  const model = { vocabulary: 96, layers: 2, channels: 64, heads: 4, context: 32 };
 *  const { seed, learningRate, reversible, fractionBits, microBatch } = checkTrainOptions({ model, batch: 8, steps: 500 });
 *  console.log(seed, learningRate, reversible, fractionBits, microBatch); // 1 0.001 bdia 9 8
 */
export function checkTrainOptions(options: TrainOptions): CheckedOptions {
  return checkOptions(options, checkGptConfig, ({ context }) => context);
}

/** The same for any architecture: `checkModel` checks it; `rowsOf`: the most rows that a sample adds to a
 *  weight's gradient. */
export function checkOptions<Given, Config extends { layers: number }>(
  options: TrainOptions<Given>, checkModel: (model: Given) => Config,
  rowsOf: (model: Config) => number,
): CheckedOptions<Config> {
  const required = undefined, derived = undefined, given = fields('options', options, {
    batch: required, steps: required, seed: 1, learningRate: 1e-3, warmup: derived, decay: 'cosine',
    weightDecay: 0.1, clip: 1, reversible: 'bdia', gammaShift: 1, momentum: 0.875,
    randomMomentum: false, dropout: 0, stochasticDepth: 0, fractionBits: DEFAULT_STATE_FRACTION,
    microBatch: derived, storeActivations: false, verify: derived, threads: 1,
    memoryLimit: 3.75 * 2 ** 30, model: required,
  });
  const full: CheckedOptions<Config> = { ...given, model: checkModel(given.model) };
  checkNumbers(full);
  const { batch } = full, rows = rowsOf(full.model), each = Math.ceil(rows / OPERAND_PRODUCTS);
  if (batch * each > MAX_FLUSHES) {
    throw new UsageError(`batch ${batch} of ${rows} rows a sample needs ${batch * each} flushes of a weight gradient, at most ${MAX_FLUSHES} are exact`,
      `use a batch of at most ${Math.floor(MAX_FLUSHES / each)}`);
  }
  return full;
}

/** Fills in the defaults that depend on other options, too. */
function checkNumbers(full: CheckedOptions<unknown>): void {
  const { batch, steps } = full;
  whole('batch', batch, 1, 65536);
  whole('steps', steps, 1, 2 ** 31 - 1);
  whole('seed', full.seed, 0, Number.MAX_SAFE_INTEGER);
  full.warmup ??= Math.min(100, steps);
  whole('warmup', full.warmup, 0, steps, 'warm-up cannot be longer than the run');
  whole('gammaShift', full.gammaShift, 1, MAX_GAMMA_SHIFT);
  whole('fractionBits', full.fractionBits, MIN_STATE_FRACTION, MAX_STATE_FRACTION);
  full.microBatch ??= batch;
  whole('microBatch', full.microBatch, 1, batch, 'a micro-batch is a part of the batch');
  if (batch % full.microBatch !== 0)
    throw new UsageError(`microBatch ${full.microBatch} does not divide batch ${batch}`);
  whole('threads', full.threads, 1, 64);
  real('learningRate', full.learningRate, 2 ** -20, 1 - 2 ** -20);
  real('weightDecay', full.weightDecay, 0, 0.4);
  if (full.clip !== 'none') real('clip', full.clip, 2 ** -20, 2 ** 20);
  real('dropout', full.dropout, 0, 0.8);
  real('stochasticDepth', full.stochasticDepth, 0, 0.8);
  real('memoryLimit', full.memoryLimit, 1, Number.MAX_SAFE_INTEGER);
  choice('reversible', full.reversible, Object.keys(RULES));
  choice('momentum', full.momentum, [1, 2, 3, 4, 5, 6, 7].map((eighths) => eighths / 8));
  choice('decay', full.decay, ['cosine', 'constant']);
  full.verify ??= isReversible(full.reversible);
  for (const name of ['randomMomentum', 'storeActivations', 'verify'] as const)
    choice(name, full[name], [true, false]);
}
