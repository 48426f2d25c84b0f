// The smallest run, and what a checkpoint of it holds.

import { gpt, type TextBatch, Trainer, type TrainOptions } from '../../src/index.ts';

/** The smallest model. */
export const model = { vocabulary: 4, layers: 1, channels: 8, heads: 2, context: 4 };
export const tokens = Int32Array.of(0, 1, 2, 3);
export type GptTrainer = Trainer<TextBatch>;
/** A trainer of the smallest model. */
export const make = (options: Partial<TrainOptions<TextBatch>> = {}): GptTrainer =>
  Trainer.create({ model: gpt(model), batch: 1, steps: 10, ...options });
/** What a checkpoint holds beside a run. */
export const rest = {
  vocabulary: { kind: 'bytes' },
  dataSha256: '0'.repeat(64),
  libraryVersion: '0.1.0',
};
/** A trainer as a checkpoint. */
export const contentOf = (trainer: Pick<Trainer, 'tensors' | 'options' | 'steps'>) => ({
  tensors: trainer.tensors(),
  options: trainer.options,
  step: trainer.steps,
  ...rest,
});
