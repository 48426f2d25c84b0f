// What encodeCheckpoint writes can be read; what could not be read is not written.

import { describe, expect, test } from 'vitest';
import { MAX_HEADER_BYTES } from '../../src/checkpoint/safetensors.ts';
import { RetrogradError } from '../../src/core/errors.ts';
import {
  decodeCheckpoint,
  encodeCheckpoint,
  type GptConfig,
  gpt,
  isWeight,
  Trainer,
  translator,
  vit as vitModel,
} from '../../src/index.ts';
import { contentOf, make, model, rest, tokens } from './small-run.ts';

describe('what is written can be read', () => {
  const vit = {
    width: 4,
    height: 4,
    colours: 1,
    classes: 2,
    patch: 2,
    layers: 1,
    channels: 8,
    heads: 2,
  };
  const circle: unknown[] = [];
  circle.push(circle);
  const cases: [string, () => { value: object }][] = [
    [
      'step 11 of 10',
      () => {
        const trainer = make();
        for (let i = 0; i < 11; i++) trainer.step({ inputs: tokens, targets: tokens });
        return { value: contentOf(trainer) };
      },
    ],
    [
      'steps of no run',
      () => {
        const trainer = make({ steps: 2 ** 31 - 1 });
        trainer.restore(trainer.tensors(), 2 ** 31 - 1);
        trainer.step({ inputs: tokens, targets: tokens });
        return { value: contentOf(trainer) };
      },
    ],
    ...[{ bias: 1 }, { tied: 'yes' }, { 1: 2, b: 3 }, { kind: 'gpt2' }].map(
      (more) =>
        [
          `a model with ${JSON.stringify(more)}`,
          () => ({ value: contentOf(make({ model: gpt({ ...model, ...more } as GptConfig) })) }),
        ] as [string, () => { value: object }],
    ),
    ...[
      { memoryLimit: Infinity },
      { memoryLimit: NaN },
      { clip: 2n },
      { clip: '2' },
      { dropout: false },
    ].map(
      (more) =>
        [
          `options with ${Object.keys(more)} ${String(Object.values(more)[0])}`,
          () => ({ value: contentOf(make(more as object)) }),
        ] as [string, () => { value: object }],
    ),
    [
      'a vit by another name',
      () => ({
        value: contentOf(
          Trainer.create({ model: { ...vitModel(vit), name: 'gpt' }, batch: 1, steps: 10 }),
        ),
      }),
    ],
    [
      'a vit',
      () => ({ value: contentOf(Trainer.create({ model: vitModel(vit), batch: 1, steps: 10 })) }),
    ],
    [
      'a translator',
      () => ({
        value: contentOf(Trainer.create({ model: translator(model), batch: 1, steps: 10 })),
      }),
    ],
    ...[
      { vocabulary: undefined },
      { vocabulary: () => 1 },
      { vocabulary: 1n },
      { vocabulary: circle },
      { vocabulary: '\ud800' },
      {
        vocabulary: {
          toJSON: () => {
            throw new Error('no');
          },
        },
      },
      { vocabulary: -0 },
      { vocabulary: 'x'.repeat(2 ** 24) },
      { vocabulary: JSON.parse(`${'['.repeat(100)}${']'.repeat(100)}`) as unknown },
      { vocabulary: Array(2 ** 21).fill(1) as unknown },
      { dataSha256: 'A'.repeat(64) },
      { dataSha256: undefined },
      { initSha256: 'ab' },
      { initSha256: 7 },
      { libraryVersion: undefined },
      { libraryVersion: 7 },
      { libraryVersion: '\ud800' },
      { step: 1.5 },
      { step: -1 },
      { step: '1' },
      { options: undefined },
      { options: {} },
      { tensors: undefined },
      { tensors: [] },
      { tensors: [null] },
      { tensors: make().tensors().filter(isWeight) },
      {
        tensors: make()
          .tensors()
          .map((tensor) => ({ ...tensor, data: new Float32Array(tensor.data) })),
      },
      { tensors: make().tensors().reverse() },
    ].map(
      (more, i) =>
        [
          `${i}: another ${Object.keys(more)}`,
          () => ({ value: { ...contentOf(make()), ...more } }),
        ] as [string, () => { value: object }],
    ),
  ];
  test.each(cases)('%s: refused with a reason, or read back', async (_, build) => {
    let file: Uint8Array;
    try {
      file = await encodeCheckpoint(build().value as never);
    } catch (error) {
      expect(error).toBeInstanceOf(RetrogradError);
      return;
    }
    const { tensors, step, options } = await decodeCheckpoint(file);
    Trainer.create(options).restore(tensors, step);
  });

  test('step 11 of 10 is read back and goes on as the run does that was not saved', async () => {
    const whole = make();
    const first = make();
    for (let i = 0; i < 13; i++) whole.step({ inputs: tokens, targets: tokens });
    for (let i = 0; i < 11; i++) first.step({ inputs: tokens, targets: tokens });
    const { tensors, options, step } = await decodeCheckpoint(
      await encodeCheckpoint(contentOf(first)),
    );
    const second = Trainer.create(options);
    second.restore(tensors, step);
    for (let i = 0; i < 2; i++) second.step({ inputs: tokens, targets: tokens });
    expect(step).toBe(11);
    expect(await second.weightsSha256()).toBe(await whole.weightsSha256());
  });

  test('the largest table of parameters fits the header', async () => {
    const config = { vocabulary: 4, layers: 512, channels: 4, heads: 1, context: 2, bias: true };
    const trainer = Trainer.create({ model: translator(config), batch: 1, steps: 1 });
    const { options } = trainer;
    const file = await encodeCheckpoint({ tensors: trainer.tensors(), options, step: 0, ...rest });
    expect(new DataView(file.buffer).getUint32(0, true)).toBeLessThan(MAX_HEADER_BYTES / 2);
    const back = await decodeCheckpoint(file);
    expect(back.tensors.length).toBe(3 * 16391);
  });
});
