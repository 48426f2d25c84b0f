// ReLU at its corner: gradients of a hidden layer whose outputs are 0, below and above.

import { expect, test } from 'vitest';
import { crossEntropy, defineModel, features, linear, relu, Trainer } from '../../src/index.ts';

const model = defineModel('relu', (_: object) => ({
  input: features({ count: 3 }),
  layers: [
    linear(4, { name: 'hidden', bias: true }),
    relu(),
    linear(2, { name: 'out', deviation: 0.1 }),
  ],
  loss: crossEntropy(),
}));
const batch = { values: Float64Array.of(0.5, -1, 0.25), targets: Int32Array.of(1) };

/** Gradients of the first layer's bias when its weights are 0 and its biases `value`. */
function gradientsAt(value: number): bigint[] {
  const trainer = Trainer.create({ model: model({}), batch: 1, steps: 1 });
  const [, bias] = trainer.tensors();
  const given = trainer.tensors().map(({ data, ...tensor }) => ({ ...tensor, data: data.slice() }));
  given[0].data.fill(0);
  given[1].data.fill(value);
  trainer.restore(given, 0);
  trainer.computeGradients(batch);
  expect(bias.name).toBe('hidden.bias');
  return [...trainer.gradient(bias.name)];
}

test('the slope is 0 at 0 and below, 1 above', () => {
  expect(gradientsAt(0)).toEqual([0n, 0n, 0n, 0n]);
  expect(gradientsAt(-(2 ** 20))).toEqual([0n, 0n, 0n, 0n]);
  expect(gradientsAt(2 ** 20)).not.toContain(0n);
});
