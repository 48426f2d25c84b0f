// What leaves can come back: the int32 master weights bit for bit, from model.safetensors alone.
// The same model gives the same bytes, and pieces are the file.

import { expect, test } from 'vitest';
import { decodeSafetensors } from '../../src/checkpoint/safetensors.ts';
import { type ExportedFile, exportHf, exportSafetensors } from '../../src/export/index.ts';
import {
  exportFloat32,
  gpt,
  isWeight,
  type NamedTensor,
  Trainer,
  Vocabulary,
} from '../../src/index.ts';
import { trainedGpt } from './train.ts';

/** The record of an export. */
interface RecordOf {
  version: number;
  model: string;
  config: { bias: boolean };
  weightsSha256: string;
  rounded: number;
  remainders?: Record<string, number[]>;
}

function floatsOf(file: ExportedFile): { floats: Map<string, Float32Array>; record: RecordOf } {
  const { tensors, metadata } = decodeSafetensors(file.bytes());
  const floats = tensors.map(({ name, bytes }): [string, Float32Array] => [
    name,
    new Float32Array(Uint8Array.from(bytes).buffer),
  ]);
  return { floats: new Map(floats), record: JSON.parse(metadata.retrograd ?? 'null') };
}

/** A weight's name and layout in the file. */
const PLACES: Record<string, [name: string, isTransposed: boolean]> = {
  'norm1.gain': ['ln_1.weight', false],
  'norm1.bias': ['ln_1.bias', false],
  'qkv.weight': ['attn.c_attn.weight', true],
  'qkv.bias': ['attn.c_attn.bias', false],
  'projection.weight': ['attn.c_proj.weight', true],
  'projection.bias': ['attn.c_proj.bias', false],
  'norm2.gain': ['ln_2.weight', false],
  'norm2.bias': ['ln_2.bias', false],
  'up.weight': ['mlp.c_fc.weight', true],
  'up.bias': ['mlp.c_fc.bias', false],
  'down.weight': ['mlp.c_proj.weight', true],
  'down.bias': ['mlp.c_proj.bias', false],
};
function placeOf(own: string): [name: string, isTransposed: boolean] {
  const top: Record<string, string> = {
    'token.weight': 'transformer.wte.weight',
    'position.weight': 'transformer.wpe.weight',
    'norm.gain': 'transformer.ln_f.weight',
    'norm.bias': 'transformer.ln_f.bias',
    'head.weight': 'lm_head.weight',
  };
  if (top[own] !== undefined) return [top[own], false];
  const [, k, part] = /^block\.(\d+)\.(.+)$/.exec(own)!;
  const [name, isTransposed] = PLACES[part];
  return [`transformer.h.${k}.${name}`, isTransposed];
}

/** The master weights that the file says. */
function mastersOf(file: ExportedFile, weights: readonly NamedTensor[]): Int32Array[] {
  const { floats, record } = floatsOf(file);
  return weights.map(({ name: own, shape }) => {
    const [name, isTransposed] = placeOf(own);
    const values = floats.get(name)!;
    const [rows, columns] = shape;
    const masters = Int32Array.from(values, (_, i) => {
      const at = isTransposed ? (i % columns) * rows + Math.floor(i / columns) : i;
      return values[at] * 2 ** 24;
    });
    const remainders = record.remainders?.[own] ?? [];
    for (let i = 0; i < remainders.length; i += 2) masters[remainders[i]] += remainders[i + 1];
    return masters;
  });
}

test.each([
  ['without biases', {}],
  ['with biases and a head of its own', { bias: true, tied: false }],
])('the master weights of a GPT %s come back bit for bit', async (_, more) => {
  const { trainer, vocabulary } = trainedGpt(more);
  const weights = trainer.tensors().filter(isWeight);
  // gains beyond 1, whose last bit no float32 has, and the largest weights that there can be
  weights.find(({ name }) => name === 'norm.gain')!.data.set([2 ** 24 + 1, -(2 ** 25) - 3]);
  weights.find(({ name }) => name === 'block.1.up.weight')!.data.set([2 ** 28 - 1, 1 - 2 ** 28]);
  const file = exportHf(trainer, { vocabulary })['model.safetensors'];
  const { record, floats } = floatsOf(file);
  expect(record).toMatchObject({ version: 1, model: 'gpt', config: { ...more, channels: 32 } });
  expect(record.rounded).toBeGreaterThanOrEqual(4);
  expect(record.weightsSha256).toBe(await trainer.weightsSha256());
  mastersOf(file, weights).forEach((masters, i) => {
    expect(masters, weights[i].name).toEqual(Int32Array.from(weights[i].data));
  });
  // what the model has not is zero
  const biases = [...floats].filter(([name]) => name.endsWith('.bias'));
  expect(biases).toHaveLength(2 * 6 + 1);
  const isZero = biases.every(([, values]) => values.every((value) => value === 0));
  expect(isZero).toBe(!('bias' in more));
});

test('a matrix of several pieces is transposed as a whole, and pieces are the file', () => {
  const model = gpt({
    vocabulary: 256,
    layers: 1,
    channels: 256,
    heads: 4,
    context: 4,
    mlpRatio: 8,
  });
  const trainer = Trainer.create({ model, batch: 1, steps: 1 });
  const weights = trainer.tensors().filter(isWeight);
  const file = exportHf(trainer, { vocabulary: Vocabulary.bytes() })['model.safetensors'];
  const pieces = [...file];
  expect(pieces.every(({ length }) => length <= 2 ** 20)).toBe(true);
  expect(pieces.length).toBeGreaterThan(weights.length);
  expect(Buffer.compare(Buffer.concat(pieces), file.bytes())).toBe(0);
  mastersOf(file, weights).forEach((masters, i) => {
    const { name, data } = weights[i];
    expect(
      Buffer.compare(Buffer.from(masters.buffer), Buffer.from(data.slice().buffer)),
      name,
    ).toBe(0);
  });
});

test('the same weights give the same bytes, and others other bytes', () => {
  const { trainer, vocabulary, train } = trainedGpt();
  const bytesOf = (): string[] =>
    Object.entries(exportHf(trainer, { vocabulary })).map(
      ([name, file]) => `${name} ${Buffer.from(file.bytes()).toString('latin1')}`,
    );
  const first = bytesOf();
  expect(bytesOf()).toEqual(first);
  const context = 24;
  trainer.step({
    inputs: train.slice(0, 8 * context),
    targets: train.slice(1, 8 * context + 1),
  });
  const second = bytesOf();
  expect(second.filter((text, i) => text !== first[i]).map((text) => text.split(' ')[0])).toEqual([
    'model.safetensors',
    'README.md',
  ]);
});

test('exportSafetensors is exportFloat32 in pieces, of any model', () => {
  const { trainer } = trainedGpt({}, { reversible: 'momentum' });
  const file = exportSafetensors(trainer, { libraryVersion: '1.2.3' });
  const same = exportFloat32(trainer.tensors(), '1.2.3');
  expect(Buffer.compare(file.bytes(), same)).toBe(0);
  expect(file.size).toBe(same.length);
});
