// Checkpoints of every kind of model, as the whole library reads them.

import { describe, expect, test } from 'vitest';
import { DIGEST_OFFSET } from '../../src/checkpoint/checkpoint.ts';
import { decodeSafetensors, encodeSafetensors } from '../../src/checkpoint/safetensors.ts';
import { sha256Hex } from '../../src/core/digest.ts';
import { CheckpointError } from '../../src/core/errors.ts';
import {
  decodeCheckpoint,
  defineModel,
  encodeCheckpoint,
  features,
  type ImageBatch,
  linear,
  meanSquaredError,
  Trainer,
  type TranslatorBatch,
  translator as translatorModel,
  vit as vitModel,
} from '../../src/index.ts';
import { optionsToData } from '../../src/train/options-data.ts';
import { pattern } from '../helpers/pattern.ts';
import { asData, sampleCheckpoint, sampleFile } from './sample.ts';

const vit = () =>
  Trainer.create({
    model: vitModel({
      width: 4,
      height: 4,
      colours: 1,
      classes: 3,
      patch: 2,
      layers: 1,
      channels: 8,
      heads: 2,
    }),
    batch: 2,
    steps: 10,
  });
const translator = () =>
  Trainer.create({
    model: translatorModel({ vocabulary: 9, layers: 1, channels: 8, heads: 2, context: 4 }),
    batch: 2,
    steps: 10,
  });
const KINDS = { vit, translator } as const;
const rest = {
  vocabulary: { kind: 'classes', names: ['a', 'b', 'c'] },
  dataSha256: 'cd'.repeat(32),
  libraryVersion: '0.1.0',
};

const fileOf = (trainer: Trainer<ImageBatch> | Trainer<TranslatorBatch>): Promise<Uint8Array> =>
  encodeCheckpoint({
    tensors: trainer.tensors(),
    options: trainer.options,
    step: trainer.steps,
    ...rest,
  });

async function refusal(file: Uint8Array): Promise<string> {
  const error: unknown = await decodeCheckpoint(file).then(
    () => new Error('accepted'),
    (thrown) => thrown,
  );
  if ((error as Error).message !== 'accepted') expect(error).toBeInstanceOf(CheckpointError);
  return (error as Error).message;
}

/** The file with changed options and a digest that fits: damage made on purpose. */
// biome-ignore lint/suspicious/noExplicitAny: options are forged
async function forged(file: Uint8Array, change: (options: any) => void): Promise<Uint8Array> {
  const { tensors, metadata } = decodeSafetensors(file);
  const options = JSON.parse(metadata.options);
  change(options);
  const out = encodeSafetensors({
    metadata: { ...metadata, options: JSON.stringify(options), sha256: '0'.repeat(64) },
    tensors,
  });
  out.set(new TextEncoder().encode(await sha256Hex(out)), DIGEST_OFFSET);
  return out;
}

describe.each(['vit', 'translator'] as const)('a checkpoint of a %s', (name) => {
  test('comes back as it was, and a trainer goes on from it', async () => {
    const trainer = KINDS[name]();
    const file = await fileOf(trainer);
    const { tensors, options, step, ...others } = await decodeCheckpoint(file);
    expect(optionsToData(options)).toEqual(optionsToData(trainer.options));
    expect(others).toEqual(rest);
    expect(await fileOf(trainer)).toEqual(file);
    const other = KINDS[name]();
    other.tensors()[0].data.fill(5);
    other.restore(tensors, step);
    expect(await other.weightsSha256()).toBe(await trainer.weightsSha256());
  });

  test('damaged or cut anywhere is refused', async () => {
    const file = await fileOf(KINDS[name]());
    for (let at = 0; at < file.length; at += Math.ceil(file.length / 150)) {
      file[at] ^= 4;
      expect(await refusal(file), `byte ${at}`).not.toBe('accepted');
      file[at] ^= 4;
      expect(await refusal(file.subarray(0, at))).toMatch(/^truncated at|^the file is empty/);
    }
    expect(await refusal(file)).toBe('accepted');
  });

  test('that says it is of another kind, size or flag is refused', async () => {
    const file = await fileOf(KINDS[name]());
    expect(
      await refusal(
        await forged(file, ({ model }) => {
          model.name = 'mixer';
        }),
      ),
    ).toMatch(
      pattern(
        /^its options cannot be used: the model "mixer" is not known here, expected one /,
        /of gpt, vit, translator\. HINT/,
      ),
    );
    expect(
      await refusal(
        await forged(file, ({ model }) => {
          model.name = '__proto__';
        }),
      ),
    ).toMatch(/^its options cannot be used: the model "__proto__" is not known here/);
    expect(
      await refusal(
        await forged(file, ({ model }) => {
          delete model.name;
        }),
      ),
    ).toMatch(/^its options cannot be used: the model undefined is not known here/);
    expect(
      await refusal(
        await forged(file, ({ model }) => {
          model.name = name === 'vit' ? 'translator' : 'vit';
        }),
      ),
    ).toMatch(/^its options cannot be used: /);
    expect(
      await refusal(
        await forged(file, ({ model }) => {
          model.config.channels = 4;
        }),
      ),
    ).toMatch(/^tensor .* has shape /);
    expect(
      await refusal(
        await forged(file, ({ model }) => {
          model.config.layers = 2;
        }),
      ),
    ).toMatch(/^tensor .* is missing/);
    expect(
      await refusal(
        await forged(file, ({ model }) => {
          model.config.bias = 'no';
        }),
      ),
    ).toMatch(/bias is "no", expected true or false/);
    expect(
      await refusal(
        await forged(file, ({ model }) => {
          model.config.rule = { choice: 'momentum', options: { isRandom: 1 } };
        }),
      ),
    ).toMatch(/isRandom is 1, expected true or false/);
    expect(
      await refusal(
        await forged(file, ({ model }) => {
          model.config.rule.choice = 'revnet';
        }),
      ),
    ).toMatch(/"revnet" is not known here, expected one of bdia, /);
    expect(
      await refusal(
        await forged(file, ({ model }) => {
          model.config.rule.choice = 'toString';
        }),
      ),
    ).toMatch(/"toString" is not known here/);
    expect(
      await refusal(
        await forged(file, ({ model }) => {
          model.config.rule.choice = 'adamw';
        }),
      ),
    ).toMatch(/^its options cannot be used: /);
    expect(
      await refusal(
        await forged(file, (options) => {
          options.optimizer.choice = 'bdia';
          options.optimizer.options = {};
        }),
      ),
    ).toMatch(/optimizer is of type object, expected an optimizer/);
  });
});

test('a GPT is read as before', async () => {
  expect(asData(await decodeCheckpoint(await sampleFile()))).toEqual(asData(sampleCheckpoint()));
});

test("a model of one's own goes before one of the library of the same name", async () => {
  const own = defineModel('vit', ({ count }: { count: number }) => ({
    input: features<object>({ count }),
    layers: [linear(1)],
    loss: meanSquaredError<object>(),
  }));
  const trainer = Trainer.create({ model: own({ count: 3 }), batch: 1, steps: 5 });
  const reader = { models: [own] };
  const { options, steps: step } = trainer;
  const file = await encodeCheckpoint(
    { tensors: trainer.tensors(), options, step, ...rest },
    reader,
  );
  const back = await decodeCheckpoint(file, reader);
  expect(back.options.model.config).toEqual({ count: 3 });
  expect(back.tensors.map(({ name }) => name)).toEqual(trainer.tensors().map(({ name }) => name));
  await expect(decodeCheckpoint(file)).rejects.toThrow(CheckpointError);
});
