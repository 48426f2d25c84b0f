// The training runs that verify repeats: together they reach every kernel in the order that
// training uses them.

import { sha256 } from '../core/digest.ts';
import { PURPOSE, randomU32 } from '../core/random.ts';
import {
  bdia,
  chooseInt8,
  cosine,
  type GptConfig,
  gpt,
  int8,
  isWeight,
  plain,
  type TextBatch,
  Trainer,
  type TrainOptions,
  textWindows,
  type UpdateRule,
} from '../index.ts';

/** A run, as far as it differs from the small one. */
interface RunShape {
  readonly model?: Partial<GptConfig>;
  readonly rule?: UpdateRule;
  readonly batch?: number;
  readonly steps?: number;
  readonly seed?: number;
  readonly fractionBits?: number;
  /** Operands of 8 bits, by these kernels: 'relaxed' where the runtime has them. */
  readonly int8?: 'relaxed' | 'baseline';
}

/** A run of a model that trains in milliseconds. */
interface SmallRun {
  readonly config: GptConfig;
  readonly options: TrainOptions<TextBatch>;
}

/** The format of the operands, if it is another than the usual one. */
function operandsOf(build: RunShape['int8']): Pick<GptConfig, 'operands'> {
  if (build === undefined) return {};
  const { hasRelaxed } = chooseInt8();
  return { operands: int8({ build: hasRelaxed ? build : 'baseline' }) };
}

export function smallRun({ model, rule = bdia(), int8: build, ...given }: RunShape = {}): SmallRun {
  const small = { vocabulary: 29, layers: 3, channels: 32, heads: 2, context: 24 };
  const config = { ...small, ...model, ...operandsOf(build), rule };
  const learningRate = cosine(0.001, { warmup: 5 });
  const options = { batch: 3, steps: 50, seed: 1, learningRate, ...given, model: gpt(config) };
  return { config, options };
}

/** Skewed random token ids, a function of seed and step: floor(u^2 V) with u = random word / 2^32.
 */
export function randomTokens(
  { context, vocabulary }: { readonly context: number; readonly vocabulary: number },
  batch: number,
  step: number,
  seed = 7,
): TextBatch {
  const n = batch * context;
  const draw = (i: number): number => {
    const u = randomU32(seed, PURPOSE.batch, step, 0, i) / 2 ** 32;
    return Math.floor(u * u * vocabulary);
  };
  const tokens = Int32Array.from({ length: n + 1 }, (_, i) => draw(i));
  return { inputs: tokens.slice(0, n), targets: tokens.slice(1) };
}

const WIDE = { vocabulary: 67, layers: 2, channels: 15, heads: 3, context: 139 };

/** Runs and their steps by name. Between them they reach every kernel: both rules, m = 1 and 2, l =
 *  9 and 12, with and without biases, tied and untied heads, a context beyond one exact sum of 128
 *  products and one that no tile divides, operands of 8 bits by both kinds of kernels. */
export const RUNS: Readonly<Record<string, { run: RunShape; steps: number }>> = {
  bdia: { run: {}, steps: 8 },
  none: { run: { rule: plain() }, steps: 8 },
  'bdia, m = 2, l = 12, biases, untied head': {
    run: {
      rule: bdia({ gammaShift: 2 }),
      fractionBits: 12,
      seed: 2 ** 40 + 1,
      model: { bias: true, tied: false },
    },
    steps: 8,
  },
  'bdia, context 139, 5 channels a head': {
    run: { batch: 1, steps: 8, model: WIDE },
    steps: 4,
  },
  'bdia, int8': { run: { int8: 'relaxed' }, steps: 8 },
  'none, int8, context 139, baseline kernels': {
    run: { rule: plain(), batch: 1, steps: 8, model: WIDE, int8: 'baseline' },
    steps: 4,
  },
  'none, int8, context 139': {
    run: { rule: plain(), batch: 1, steps: 8, model: WIDE, int8: 'relaxed' },
    steps: 4,
  },
};

/** Digests of one run by stage: loss and logits of the initial weights, the first batch's gradients
 *  (which reversal has to get right), the weights and moments after one step of AdamW, and after
 *  the last step. */
export function runStages(
  name: string,
): Record<'forward' | 'gradients' | 'AdamW' | 'training', Uint8Array> {
  const { run, steps } = RUNS[name];
  const { config, options } = smallRun(run);
  const { batch } = options;
  const trainer = Trainer.create(options);
  const step = (): void => {
    trainer.step(randomTokens(config, batch, trainer.steps));
  };
  const state = (): Uint8Array => digestOf(trainer.tensors().map(({ data }) => data));
  const first = randomTokens(config, batch, 0);
  const unseen = randomTokens(config, batch + 1, 10_000).inputs;
  const { loss } = trainer.evaluate(textWindows(unseen, config.context));
  const logits = trainer.predict(first.inputs.slice(0, config.context));
  const forward = digestOf([Float64Array.of(loss, ...logits)]);
  trainer.computeGradients(first);
  const weights = trainer.tensors().filter(isWeight);
  const gradients = digestOf(weights.map((tensor) => trainer.gradient(tensor.name)));
  step();
  const adamW = state();
  while (trainer.steps < steps) step();
  return { forward, gradients, AdamW: adamW, training: state() };
}

/** SHA-256 of the elements' bytes; hosts of the other byte order are refused before. */
function digestOf(parts: readonly (Int32Array | BigInt64Array | Float64Array)[]): Uint8Array {
  return sha256(
    parts.map(
      ({ buffer, byteOffset, byteLength }) => new Uint8Array(buffer, byteOffset, byteLength),
    ),
  );
}
