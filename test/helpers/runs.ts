// Small training runs for tests: options with defaults, random batches from a fixed seed, digests.

import { GptTrainer, type TrainOptions } from '../../src/index.ts';
import type { Backend } from '../../src/kernels/kernels.ts';
import { randomTokens, smallOptions } from '../../src/verify/runs.ts';

export { randomTokens, smallOptions };

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
