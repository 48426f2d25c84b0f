// A small run with its receipt.

import {
  bdia,
  cosine,
  type GptConfig,
  gpt,
  type NamedTensor,
  type TextBatch,
  Trainer,
  type TrainOptions,
} from '../../src/index.ts';
import { Recorder, type RecordOptions } from '../../src/receipt/index.ts';
import { randomTokens } from '../../src/verify/runs.ts';

export const SHAPE: GptConfig = { vocabulary: 13, layers: 2, channels: 8, heads: 2, context: 6 };
export const DATA = 'd'.repeat(64);

export const optionsOf = (
  more: Partial<TrainOptions<TextBatch>> = {},
): TrainOptions<TextBatch> => ({
  model: gpt({ ...SHAPE, rule: bdia() }),
  batch: 4,
  steps: 8,
  seed: 5,
  learningRate: cosine(0.01, { warmup: 2 }),
  ...more,
});

/** The batch of the step that a trainer does next. */
export const batchOf = ({ steps, options }: Trainer<TextBatch>): TextBatch =>
  randomTokens(SHAPE, options.batch, steps);

/** Trains on to `until` and returns the lines. */
export async function recordTo(
  trainer: Trainer<TextBatch>,
  recorder: Recorder<TextBatch>,
  until: number,
  change: (trainer: Trainer<TextBatch>) => void = () => undefined,
): Promise<string> {
  const lines: Promise<string>[] = [];
  while (trainer.steps < until) {
    const report = trainer.step(batchOf(trainer));
    change(trainer);
    lines.push(recorder.record(report));
  }
  return (await Promise.all(lines)).join('');
}

/** A whole run's receipt; `change` may spoil the trainer after a step. */
export async function receiptOf(
  options: TrainOptions<TextBatch> = optionsOf(),
  about: Partial<RecordOptions> = {},
  change?: (trainer: Trainer<TextBatch>) => void,
): Promise<string> {
  const trainer = Trainer.create(options);
  await trainer.ready();
  const recorder = await Recorder.begin(trainer, { dataSha256: DATA, every: 4, ...about });
  const lines = await recordTo(trainer, recorder, options.steps, change);
  trainer.close();
  return recorder.header + lines;
}

export const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);

/** Copies of a trainer's tensors. */
export const kept = (trainer: Trainer<TextBatch>): NamedTensor[] =>
  trainer.tensors().map((tensor) => ({ ...tensor, data: tensor.data.slice() }));
