// The training runs that verify repeats: together they reach every kernel in the order that training uses them.

import { sha256 } from '../core/digest.ts';
import { GptTrainer, type TrainOptions } from '../index.ts';
import { PURPOSE, randomU32 } from '../random.ts';

type Small = Partial<Omit<TrainOptions, 'model'>> & { model?: Partial<TrainOptions['model']> };

/** Options of a model that trains in milliseconds. */
export const smallOptions = (given: Small = {}): TrainOptions => ({
  batch: 3, steps: 50, seed: 1, warmup: 5, ...given,
  model: { vocabulary: 29, layers: 3, channels: 32, heads: 2, context: 24, ...given.model },
});

/** Skewed random token ids, a function of seed and step: floor(u^2 V) with u = random word / 2^32. */
export function randomTokens(options: TrainOptions, step: number, seed = 7): { inputs: Int32Array; targets: Int32Array } {
  const { context, vocabulary } = options.model, n = options.batch * context;
  const draw = (i: number): number => {
    const u = randomU32(seed, PURPOSE.batch, step, 0, i) / 2 ** 32;
    return Math.floor(u * u * vocabulary);
  };
  const tokens = Int32Array.from({ length: n + 1 }, (_, i) => draw(i));
  return { inputs: tokens.slice(0, n), targets: tokens.slice(1) };
}

/** Options and steps by name. Between them they reach every kernel: both rules, m = 1 and 2, l = 9 and 12, with and without biases,
 *  tied and untied heads, a context beyond one exact sum of 128 products and one that no tile divides. */
export const RUNS: Readonly<Record<string, { options: TrainOptions; steps: number }>> = {
  'bdia': { options: smallOptions(), steps: 8 },
  'none': { options: smallOptions({ reversible: 'none' }), steps: 8 },
  'bdia, m = 2, l = 12, biases, untied head': {
    options: smallOptions({ gammaShift: 2, fractionBits: 12, seed: 2 ** 40 + 1, model: { bias: true, tied: false } }), steps: 8,
  },
  'bdia, context 139, 5 channels a head': {
    options: smallOptions({ batch: 1, steps: 8, model: { vocabulary: 67, layers: 2, channels: 15, heads: 3, context: 139 } }), steps: 4,
  },
};

/** Digests of one run by stage: loss and logits of the initial weights, the first batch's gradients (which reversal has to get right), the
 *  weights and moments after one step of AdamW, and after the last step. */
export function runStages(name: string): Record<'forward' | 'gradients' | 'AdamW' | 'training', Uint8Array> {
  const { options, steps } = RUNS[name], trainer = GptTrainer.create({ ...options, threads: 1 });
  const step = (): void => {
    const { inputs, targets } = randomTokens(options, trainer.steps);
    trainer.trainStep(inputs, targets);
  };
  const state = (): Uint8Array => digestOf(trainer.tensors().map(({ data }) => data));
  const { inputs, targets } = randomTokens(options, 0), unseen = randomTokens({ ...options, batch: options.batch + 1 }, 10_000).inputs;
  const forward = digestOf([Float64Array.of(trainer.evaluate(unseen), ...trainer.logits(inputs.slice(0, options.model.context)))]);
  trainer.computeGradients(inputs, targets);
  const gradients = digestOf(trainer.tensors().filter((t) => !t.name.startsWith('optimizer.')).map(({ name: tensor }) => trainer.gradient(tensor)));
  step();
  const adamW = state();
  while (trainer.steps < steps) step();
  return { forward, gradients, 'AdamW': adamW, training: state() };
}

/** SHA-256 of the elements' bytes; hosts of the other byte order are refused before. */
function digestOf(parts: readonly (Int32Array | BigInt64Array | Float64Array)[]): Uint8Array {
  return sha256(parts.map(({ buffer, byteOffset, byteLength }) => new Uint8Array(buffer, byteOffset, byteLength)));
}
