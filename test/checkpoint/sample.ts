// A small checkpoint to damage: a model of 1 layer and 4 channels with tensors of every sign.

import { type Checkpoint, encodeCheckpoint } from '../../src/checkpoint/checkpoint.ts';
import { gpt, type TrainOptions } from '../../src/index.ts';
import { checkTrainOptions } from '../../src/train/options.ts';
import { optionsToData } from '../../src/train/options-data.ts';
import { tableOf } from '../../src/train/plan.ts';

const model = { vocabulary: 4, layers: 1, channels: 4, heads: 2, context: 3 };

export function sampleCheckpoint(change: Partial<Checkpoint> = {}): Checkpoint {
  const given: TrainOptions = { model: gpt(model), batch: 2, steps: 30, seed: 7 };
  const options = checkTrainOptions(given);
  const { parameters } = tableOf(options);
  let counter = 1;
  const next = (): number => {
    counter = Math.imul(counter, 1664525) + 1013904223;
    return counter;
  };
  /** Numbers that a run can have, of every sign that they can have. */
  const numbers: Record<string, () => number> = {
    '': () => next() >> 4,
    'optimizer.m.': () => next() >> 2,
    'optimizer.r.': () => next() >>> 2,
  };
  const tensors = Object.entries(numbers).flatMap(([prefix, number]) =>
    parameters.map(({ path, shape }) => ({
      name: prefix + path,
      shape,
      fraction: prefix === '' ? 24 : 30,
      data: Int32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, number),
    })),
  );
  return {
    tensors,
    options,
    step: 12,
    vocabulary: { kind: 'characters', symbols: 'aé"😀' },
    dataSha256: 'ab'.repeat(32),
    libraryVersion: '0.1.0',
    ...change,
  };
}

export const sampleFile = (change?: Partial<Checkpoint>): Promise<Uint8Array> =>
  encodeCheckpoint(sampleCheckpoint(change));

/** A checkpoint as data: two that are alike have options made of different functions. */
export const asData = ({ options, ...rest }: Checkpoint): object => ({
  ...rest,
  options: optionsToData(options),
});

/** A safetensors file with this header text and these data bytes. */
export function rawFile(header: string, data: Uint8Array = new Uint8Array(0)): Uint8Array {
  const text = new TextEncoder().encode(header);
  const file = new Uint8Array(8 + text.length + data.length);
  new DataView(file.buffer).setBigUint64(0, BigInt(text.length), true);
  file.set(text, 8);
  file.set(data, 8 + text.length);
  return file;
}
