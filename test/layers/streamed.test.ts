// A large frozen head: its working copy is never held as a whole, and no bit is another one.

import { expect, test } from 'vitest';
import {
  gpt,
  isWeight,
  loadWeights,
  lora,
  matching,
  plan,
  type TextBatch,
  Trainer,
} from '../../src/index.ts';
import { type RuleName, ruleOf } from '../helpers/flat.ts';

const shape = { vocabulary: 9001, layers: 1, channels: 20, heads: 2, context: 5 };
const batch = {
  inputs: Int32Array.of(1, 9000, 5000, 2047, 2048),
  targets: Int32Array.of(9000, 5, 4095, 4096, 0),
};
const make = (freeze?: string[]): Trainer<TextBatch> => {
  const model = gpt({ ...shape, adapter: lora({ rank: 2, on: ['qkv'] }) });
  return Trainer.create({ model, batch: 1, steps: 9, freeze: freeze && matching(freeze) });
};
const B = 'block.0.qkv.lora.weight';

test.each([1, 10])('gives the bits of one that is held, for embeddings of %d x 0.02', (scale) => {
  const [parts, whole] = [make(), make(['position.weight'])];
  const base = Trainer.create({ model: gpt(shape), batch: 1, steps: 9 });
  const tensors = base
    .tensors()
    .filter(isWeight)
    .map((tensor) => {
      const factor = tensor.name === 'token.weight' ? scale : 1;
      return { ...tensor, data: tensor.data.map((raw) => raw * factor) };
    });
  for (const trainer of [parts, whole, base]) loadWeights(trainer, tensors);
  expect(parts.predict(batch.inputs)).toEqual(base.predict(batch.inputs));
  for (const trainer of [parts, whole]) trainer.computeGradients(batch);
  expect(parts.gradient(B)).toEqual(whole.gradient(B));
  expect(parts.gradient(B).some((raw) => raw !== 0n)).toBe(true);
  expect(parts.plan.bytes.workspace).toBeLessThan(whole.plan.bytes.workspace);
});

test('GPT-2 small, rank 8 on four matrices, context 256: at most 750 MiB', () => {
  const adapter = lora({ rank: 8, on: ['qkv', 'projection', 'up', 'down'] });
  const small = { vocabulary: 50_257, layers: 12, channels: 768, heads: 12, context: 256 };
  const of = (rule?: RuleName): number =>
    plan({
      model: gpt({ ...small, bias: true, adapter, rule: rule && ruleOf({ reversible: rule }) }),
      batch: 1,
      steps: 1,
      keep: rule === 'checkpointing' ? 'states' : undefined,
    }).total;
  for (const rule of [undefined, 'checkpointing', 'none'] as const)
    expect(of(rule), rule).toBeLessThanOrEqual(750 * 2 ** 20);
});
