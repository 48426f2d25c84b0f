// Small training runs for tests: options with defaults, random batches from a fixed seed, digests.

import { GptTrainer, type TrainOptions } from '../../src/index.ts';
import type { Backend } from '../../src/kernels/kernels.ts';
import { PURPOSE, randomU32 } from '../../src/random.ts';

type Small = Partial<Omit<TrainOptions, 'model'>> & { model?: Partial<TrainOptions['model']> };

export const smallOptions = (given: Small = {}): TrainOptions => ({
  batch: 3, steps: 50, seed: 1, warmup: 5, ...given,
  model: { vocabulary: 29, layers: 3, channels: 32, heads: 2, context: 24, ...given.model },
});

/** Skewed random token ids, a function of seed and step. */
export function randomTokens(options: TrainOptions, step: number, seed = 7): { inputs: Int32Array; targets: Int32Array } {
  const { context, vocabulary } = options.model, n = options.batch * context;
  const draw = (i: number): number => {
    const u = randomU32(seed, PURPOSE.batch, step, 0, i) / 2 ** 32;
    return Math.floor(u * u * vocabulary);
  };
  const tokens = Int32Array.from({ length: n + 1 }, (_, i) => draw(i));
  return { inputs: tokens.slice(0, n), targets: tokens.slice(1) };
}

export function train(options: TrainOptions, steps: number, makeBackend?: (bytes: number) => Backend): GptTrainer {
  const trainer = GptTrainer.create(options, makeBackend);
  continueTraining(trainer, options, steps);
  return trainer;
}

export function continueTraining(trainer: GptTrainer, options: TrainOptions, steps: number): void {
  for (let i = 0; i < steps; i++) {
    const { inputs, targets } = randomTokens(options, trainer.steps);
    trainer.trainStep(inputs, targets);
  }
}
