// An imported model with formats writes text: what the generator computes is what the trainer does.

import { expect, test } from 'vitest';
import { Generator } from '../../src/generate/index.ts';
import { importedGpt, plain, Trainer } from '../../src/index.ts';

test("the generator gives the trainer's logits, bit for bit, for a GPT with formats", async () => {
  const shape = { vocabulary: 9, layers: 3, channels: 16, heads: 2, context: 8, bias: true };
  const outliers = [[[5, 1, -1]], [], [[0, 0, 2]]] as const;
  const formats = { residual: 2, magnified: 2, logits: 12, outliers };
  const model = importedGpt({ ...shape, rule: plain(), formats });
  const trainer = Trainer.create({ model, batch: 1, steps: 9, learningRate: 0.01 });
  const inputs = Int32Array.of(1, 5, 2, 8, 3, 0, 7, 4);
  while (trainer.steps < 9) trainer.step({ inputs, targets: inputs });
  // zeros until now, which learn nothing
  const own = trainer
    .tensors()
    .filter(({ name }) => /^block\.\d+\.outlier\.\w+\.weight$/.test(name));
  expect(own.length).toBe(6);
  for (const { data } of own)
    for (let i = 0; i < data.length; i++) data[i] = (((i * 37) % 17) - 8) * 2 ** 18;
  const generator = Generator.create(trainer);
  for (const length of [1, 3, 8]) {
    const prompt = inputs.subarray(0, length);
    expect((await generator.logits(prompt)).at(-1)).toEqual(trainer.predict(prompt));
  }
});
