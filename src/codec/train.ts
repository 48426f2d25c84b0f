// A model of messages, trained on samples of them. What the weights are is a function of the
// samples and the options alone, as of every training run.

import { callback, fields, list, real, whole } from '../core/check.ts';
import { copyOf } from '../core/copy.ts';
import { shuffled } from '../data/epoch.ts';
import { cosine, fillBatch, Trainer, UsageError } from '../index.ts';
import { packModel } from './model-file.ts';
import { checkShape, END, type ModelShape, modelOf } from './model-shape.ts';
import { pause, Watch } from './pause.ts';

/** How a model of messages is made. */
export interface TrainMessagesOptions extends Partial<ModelShape> {
  /** Steps of training, 1 .. 2^31 - 1 (1500). */
  steps?: number | undefined;
  /** Windows a step, 1..1024 (16). */
  batch?: number | undefined;
  /** Peak of the learning rate (0.003). */
  learningRate?: number | undefined;
  /** Bits of a weight in the file, 6..8 (8). */
  bits?: number | undefined;
  /** Seed of the weights and of the order of samples, 0 .. 2^53 - 1 (1). */
  seed?: number | undefined;
  /** Threads, 1..64; same bits (1). */
  threads?: number | undefined;
  /** Ends the training early: the promise is rejected with the signal's reason. */
  signal?: AbortSignal | undefined;
  /** Called after every step with its number and its mean loss in bits a byte. */
  onStep?: ((step: number, bits: number) => void) | undefined;
}

const OPTIONS = {
  layers: 2,
  channels: 128,
  heads: 4,
  context: 256,
  steps: 1500,
  batch: 16,
  learningRate: 0.003,
  bits: 8,
  seed: 1,
  threads: 1,
  signal: undefined,
  onStep: undefined,
};

/** Samples one after the other, each ended, in an order that (seed, epoch) decide. */
function streamOf(samples: readonly Uint8Array[], seed: number, epoch: number): Int32Array {
  const stream = new Int32Array(samples.reduce((sum, { length }) => sum + length + 1, 1));
  stream[0] = END;
  let at = 1;
  for (const i of shuffled(seed, epoch, samples.length)) {
    stream.set(samples[i], at);
    at += samples[i].length + 1;
    stream[at - 1] = END;
  }
  return stream;
}

/** Trains a model on samples of the messages that it is to code, and packs it into a file (.rgm)
 *  for `MessageModel.read`. The same samples and options give the same file on every machine. The
 *  file can reveal samples: treat it as they are treated. Throws UsageError for wrong options, and
 *  for fewer bytes than a window has; OverflowError if the learning rate is too high.
 *  @example
 *  const samples = Array.from({ length: 20 }, (_, i) => new Uint8Array(9).fill(i % 3));
 *  const small = { layers: 1, channels: 8, heads: 1, context: 16, steps: 3, batch: 2 };
 *  const file = await trainMessages(samples, small);
 *  console.log(MessageModel.read(file).parameters); // 2976
 */
export async function trainMessages(
  samples: readonly Uint8Array[],
  options: TrainMessagesOptions = {},
): Promise<Uint8Array<ArrayBuffer>> {
  const given = fields<TrainMessagesOptions>('options', options, OPTIONS as never);
  const { layers, channels, heads, context, signal, onStep } = given;
  const shape = checkShape({ layers, channels, heads, context });
  const seed = whole('seed', given.seed, 0, Number.MAX_SAFE_INTEGER);
  const bits = whole('bits', given.bits, 6, 8);
  const batch = whole('batch', given.batch, 1, 1024);
  const steps = whole('steps', given.steps, 1, 2 ** 31 - 1);
  const rate = real('learningRate', given.learningRate, 0, 1);
  if (onStep !== undefined) callback('onStep', onStep);
  const watch = new Watch(signal, undefined);
  const all = list('samples', samples as ArrayLike<unknown>, copyOf, 1);
  let stream = streamOf(all, seed, 0);
  if (stream.length <= context + 1)
    throw new UsageError(
      `the samples have ${stream.length} bytes and ends, expected more than ${context}`,
      'give more samples, or a smaller context',
    );
  const model = modelOf(shape);
  const learningRate = cosine(rate, { warmup: Math.min(100, Math.floor(steps / 10)) });
  const { threads } = given;
  const trainer = Trainer.create({ model, batch, steps, learningRate, seed, threads });
  try {
    await trainer.ready();
    const inputs = new Int32Array(batch * context);
    const targets = new Int32Array(batch * context);
    const perEpoch = Math.max(1, Math.floor(stream.length / inputs.length));
    for (let step = 0; step < steps; step++) {
      watch.check();
      if (step > 0 && step % perEpoch === 0) stream = streamOf(all, seed, step / perEpoch);
      fillBatch(stream, { seed, batch, context, step }, inputs, targets);
      const { loss } = trainer.step({ inputs, targets });
      onStep?.(step + 1, loss / Math.LN2);
      await pause();
    }
    const beginning = stream.slice(-1 - Math.floor(context / 4), -1);
    return packModel({ shape, bits, beginning, tensors: trainer.tensors() });
  } finally {
    trainer.close();
  }
}
