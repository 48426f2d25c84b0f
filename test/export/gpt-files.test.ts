// What leaves as nanoGPT's and llm.c's file comes in again as the same int32 weights, by the reader
// of retrograd/import, which knows nothing of the writer.

import { expect, test } from 'vitest';
import { exportLlmC, exportNanoGpt } from '../../src/export/index.ts';
import { importGpt2, openLlmC, openSafetensors } from '../../src/import/index.ts';
import { gpt, isWeight, type NamedTensor, Trainer } from '../../src/index.ts';
import { trainedGpt } from './train.ts';

const byteSource = (bytes: Uint8Array) => ({
  size: bytes.length,
  read: (offset: number, length: number) => bytes.slice(offset, offset + length),
});

/** Ours and theirs, of which ours may lack biases: those are zeros. */
function expectSame(ours: readonly NamedTensor[], theirs: readonly NamedTensor[]): void {
  const own = new Map(ours.map((tensor) => [tensor.name, tensor]));
  for (const { name, data } of theirs)
    expect([...data], name).toEqual([...(own.get(name)?.data ?? new Int32Array(data.length))]);
  const names = new Set(theirs.map(({ name }) => name));
  expect(ours.filter(({ name }) => !names.has(name)).map(({ name }) => name)).toEqual([]);
}

test.each([
  ['without biases', {}],
  ['with biases and a head of its own', { bias: true, tied: false }],
])('nanoGPT, %s', async (_, more) => {
  const { trainer } = trainedGpt(more, { steps: 20 });
  const file = exportNanoGpt(trainer).bytes();
  const source = await openSafetensors(byteSource(file));
  const { tensors } = await importGpt2(source, { n_head: 4 });
  expectSame(trainer.tensors().filter(isWeight), await tensors());
  const matrix = source.tensors.find(({ name }) => name.endsWith('h.0.attn.c_attn.weight'));
  expect(matrix?.shape).toEqual([96, 32]); // [out, in]
});

test.each([
  ['without biases', {}],
  ['with biases', { bias: true }],
])('llm.c, %s', async (_, more) => {
  const { trainer, vocabulary } = trainedGpt(more, { steps: 20 });
  const weights = trainer.tensors().filter(isWeight);
  for (const { data } of weights) // what float32 holds
    data.forEach((raw, i) => {
      data[i] = Math.fround(raw);
    });
  const { source, config } = await openLlmC(byteSource(exportLlmC(trainer).bytes()));
  expect(config).toMatchObject({ vocab_size: vocabulary.size, n_layer: 2, n_head: 4, n_embd: 32 });
  const { tensors } = await importGpt2(source, config);
  expectSame(weights, await tensors());
});

test('what llm.c has not is refused', () => {
  const shape = { vocabulary: 4, layers: 1, channels: 8, heads: 2, context: 4 };
  const create = (more: object) =>
    Trainer.create({ model: gpt({ ...shape, ...more }), batch: 1, steps: 1 });
  expect(() => exportLlmC(create({ mlpRatio: 2 }))).toThrow(
    'the model has an MLP of 2 times its channels, which llm.c has not',
  );
  expect(() => exportLlmC(create({ tied: false }))).toThrow('the model has a head of its own');
});
