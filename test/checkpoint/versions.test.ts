// Files that earlier versions of the library wrote (test/golden/checkpoints, one of each kind of
// model and version of the format) are read, and go on bit for bit as those versions went on.

import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { decodeSafetensors } from '../../src/checkpoint/safetensors.ts';
import { decodeCheckpoint, encodeCheckpoint, Trainer } from '../../src/index.ts';

interface Golden {
  readonly bytes: number;
  readonly step: number;
  readonly weightsSha256: string;
  readonly afterTwoSteps: string;
}

const at = (path: string): URL => new URL(`../golden/${path}`, import.meta.url);
const golden: Record<string, Golden> = JSON.parse(readFileSync(at('checkpoints.json'), 'utf8'));
const read = (name: string): Buffer => readFileSync(at(`checkpoints/${name}.safetensors`));

const tokens = (n: number, below: number, step: number): Int32Array =>
  Int32Array.from({ length: n }, (_, i) => (i * i + 3 * i + 5 * step) % below);

/** The batches that the files' runs had. */
const BATCHES: Record<string, (step: number) => object> = {
  gpt: (step) => ({ inputs: tokens(10, 7, step), targets: tokens(10, 7, step + 1) }),
  vit: (step) => ({
    images: Uint8Array.from({ length: 32 }, (_, i) => (i * 37 + 11 * step) % 256),
    labels: tokens(2, 3, step),
  }),
  translator: (step) => ({
    source: tokens(8, 6, step),
    sourceLengths: Int32Array.of(4, 2),
    input: tokens(8, 6, step + 1),
    target: tokens(8, 6, step + 2),
    targetLengths: Int32Array.of(3, 4),
  }),
};

/** What of the options the flat records of versions 1 and 2 said. */
const OPTIONS: Record<string, object> = {
  'gpt-1': {
    model: { config: { rule: { name: 'momentum', options: { beta: 0.5, isRandom: true } } } },
    learningRate: { name: 'constant', options: { peak: 0.01, warmup: 2 } },
    optimizer: { name: 'adamw', options: { weightDecay: 0.1 } },
    clip: 3,
    dropout: 0.1,
  },
  'gpt-2': {
    model: {
      config: { rule: { name: 'bdia', options: { gammaShift: 2 } }, bias: true, tied: false },
    },
    learningRate: { name: 'cosine', options: { peak: 0.001, warmup: 20 } },
    optimizer: { name: 'adamw', options: { weightDecay: 0.05 } },
    clip: 'none',
    seed: 2 ** 40 + 1,
  },
  'vit-1': { model: { config: { rule: { name: 'leapfrog' } } }, clip: 0.25, fractionBits: 12 },
  'vit-2': { model: { config: { rule: { name: 'plain' } } }, keep: 'states', microBatch: 1 },
  'translator-1': { model: { config: { rule: { name: 'coupling' } } }, keep: 'activations' },
  'translator-2': {
    model: { config: { rule: { name: 'plain' }, mlpRatio: 2 } },
    keep: undefined,
    verify: false,
  },
};

test('there is a file of every kind and version', () => {
  const names = ['gpt', 'vit', 'translator'].flatMap((kind) => [`${kind}-1`, `${kind}-2`]);
  expect(Object.keys(golden)).toEqual(names);
  for (const name of names)
    expect(decodeSafetensors(read(name)).metadata.version).toBe(name.split('-')[1]);
});

describe.each(Object.entries(golden))(
  '%s',
  (name, { bytes, step, weightsSha256, afterTwoSteps }) => {
    const file = read(name);
    const [kind] = name.split('-');

    /** The run goes on from a file. */
    async function continued(from: Uint8Array): Promise<[before: string, after: string]> {
      const { tensors, options, step: steps } = await decodeCheckpoint(from);
      const trainer = Trainer.create(options);
      trainer.restore(tensors, steps);
      const before = await trainer.weightsSha256();
      while (trainer.steps < steps + 2) trainer.step(BATCHES[kind](trainer.steps));
      return [before, await trainer.weightsSha256()];
    }

    test('is read with the options that it was written with', async () => {
      expect(file.length).toBe(bytes);
      const checkpoint = await decodeCheckpoint(file);
      expect(checkpoint).toMatchObject({
        step,
        vocabulary: { kind: 'bytes' },
        libraryVersion: '0.1.0',
      });
      expect(checkpoint.options).toMatchObject(OPTIONS[name]);
      expect(checkpoint.options.model.name).toBe(kind);
    });

    test('goes on as the library that read it before', async () => {
      expect(await continued(file)).toEqual([weightsSha256, afterTwoSteps]);
    });

    test('is the same run when it is written again', async () => {
      const again = await encodeCheckpoint(await decodeCheckpoint(file));
      expect(decodeSafetensors(again).metadata.version).toBe('3');
      expect(await continued(again)).toEqual([weightsSha256, afterTwoSteps]);
    });
  },
);
