// Small training runs for tests: options with defaults, random batches from a fixed seed, digests.

import { type GptConfig, type TextBatch, type Trainer, textWindows } from '../../src/index.ts';
import type { Backend } from '../../src/kernels/kernels.ts';
import { randomTokens as tokensOf } from '../../src/verify/runs.ts';
import { createGpt, type FlatChoices, type FlatOptions } from './flat.ts';

export type Small = FlatChoices & {
  batch?: number;
  steps?: number;
  model?: Partial<GptConfig>;
};

/** Options of a model that trains in milliseconds. */
export const smallOptions = (given: Small = {}): FlatOptions => ({
  batch: 3,
  steps: 50,
  seed: 1,
  warmup: 5,
  ...given,
  model: { vocabulary: 29, layers: 3, channels: 32, heads: 2, context: 24, ...given.model },
});

/** Skewed random token ids, a function of seed and step. */
export const randomTokens = (
  { model, batch }: Pick<FlatOptions, 'model' | 'batch'>,
  step: number,
): TextBatch => tokensOf(model, batch, step);

/** The configuration of a trainer's GPT, with its defaults. */
export const configOf = ({ options }: Trainer<TextBatch>): Required<GptConfig> =>
  options.model.config as Required<GptConfig>;

/** The random batch of a trainer's step. */
export const batchOf = (trainer: Trainer<TextBatch>, step = trainer.steps): TextBatch =>
  tokensOf(configOf(trainer), trainer.options.batch, step);

/** Mean loss over a text's tokens. */
export const lossOf = (trainer: Trainer<TextBatch>, tokens: Int32Array, gamma = 0): number =>
  trainer.evaluate(textWindows(tokens, configOf(trainer).context), { gamma }).loss;

export function train(
  flat: FlatOptions,
  steps: number,
  makeBackend?: (bytes: number) => Backend,
): Trainer<TextBatch> {
  const trainer = createGpt(flat, makeBackend);
  continueTraining(trainer, steps);
  return trainer;
}

export function continueTraining(trainer: Trainer<TextBatch>, steps: number): void {
  for (let i = 0; i < steps; i++) trainer.step(batchOf(trainer));
}
