// A generator of a model with an adapter gives the logits of its trainer.

import { expect, test } from 'vitest';
import { Generator } from '../../src/generate/index.ts';
import { gpt, isWeight, lora, loraOf, Trainer } from '../../src/index.ts';

test('logits of a prompt are those of the trainer, bit for bit', async () => {
  const adapter = lora({ rank: 3, on: ['qkv', 'projection', 'up', 'down'] });
  const shape = { vocabulary: 31, layers: 3, channels: 16, heads: 2, context: 12, bias: true };
  const model = gpt({ ...shape, adapter });
  const trainer = Trainer.create({ model, batch: 1, steps: 9 });
  const tensors = trainer.tensors().map((tensor) => {
    const isB = isWeight(tensor) && loraOf(tensor.name) !== undefined;
    const data = isB ? tensor.data.map((_, i) => ((i * i) % 97) * 2 ** 15) : tensor.data.slice();
    return { ...tensor, data };
  });
  trainer.restore(tensors, 0);
  const prompt = Int32Array.of(3, 1, 4, 1, 5, 9, 2, 6);
  const rows = await Generator.create(trainer).logits(prompt);
  rows.forEach((row, i) => {
    expect(row).toEqual(trainer.predict(prompt.subarray(0, i + 1)));
  });
  expect(rows).toHaveLength(8);
});
