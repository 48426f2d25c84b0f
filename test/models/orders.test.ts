// Orders of layers that cannot be are refused, with what is given and what is expected.

import { describe, expect, test } from 'vitest';
import {
  attention,
  classToken,
  coupling,
  crossAttention,
  crossEntropy,
  defineModel,
  features,
  gelu,
  gpt,
  type Input,
  type Layer,
  type Loss,
  layerNorm,
  linear,
  meanPool,
  meanSquaredError,
  plain,
  plan,
  positions,
  relu,
  reversible,
  row,
  type StackLayer,
  sublayer,
  tokens,
  UsageError,
} from '../../src/index.ts';
import { type Batch, block, C, embed, stack, T, V } from './parts.ts';

const planOf = (
  layers: readonly (Layer | StackLayer)[],
  {
    input = tokens<Batch>({ vocabulary: V, context: T }) as Input<never>,
    loss = crossEntropy<Batch>() as Loss<never>,
  } = {},
) => plan({ model: defineModel('wrong', () => ({ input, layers, loss }))(0), batch: 2, steps: 1 });

describe('orders that cannot be are refused, with what is given and what is expected', () => {
  const table = features<never>({ count: 5 });
  const patches = features<never>({ count: C });
  const cases: [string, () => unknown, RegExp][] = [
    ['linear on ids', () => planOf([linear(3)]), /^linear is given ids 6 x 1, expected operand$/],
    ['layer norm on ids', () => planOf([layerNorm()]), /^layer norm is given ids 6 x 1, expected/],
    ['gelu on ids', () => planOf([gelu()]), /^gelu is given ids 6 x 1, expected/],
    [
      'relu on a state',
      () => planOf([embed(), stack(), relu()]),
      /^relu is given state 6 x 8, expected/,
    ],
    [
      'attention on a state',
      () => planOf([embed(), stack(), attention({ heads: 2 })]),
      /^attention is given state 6 x 8, expected operand$/,
    ],
    [
      'embedding of numbers',
      () => planOf([embed()], { input: table }),
      /^embedding is given operand 1 x 5, expected ids$/,
    ],
    [
      'a stack on ids',
      () => planOf([stack(), layerNorm(), linear(V)]),
      /^a stack is given ids 6 x 1, expected state/,
    ],
    [
      'a stack on an operand',
      () => planOf([stack(), layerNorm(), linear(V)], { input: patches }),
      /^a stack is given operand 1 x 8, expected state/,
    ],
    [
      'class token on ids',
      () => planOf([classToken(), stack(), layerNorm(), linear(V)]),
      /is given ids 6 x 1, expected/,
    ],
    [
      'positions on ids',
      () => planOf([positions(), stack(), layerNorm(), linear(V)]),
      /is given ids 6 x 1, expected/,
    ],
    ['mean pool on ids', () => planOf([meanPool()]), /is given ids 6 x 1, expected/],
    ['row on ids', () => planOf([row(0)]), /is given ids 6 x 1, expected/],
    [
      'heads that do not divide',
      () =>
        planOf([
          embed(),
          reversible({
            depth: 1,
            rule: plain(),
            block: [sublayer(layerNorm(), attention({ heads: 3 }))],
          }),
          layerNorm(),
          linear(V),
        ]),
      /heads/,
    ],
    [
      'cross-attention without another stream',
      () =>
        planOf([
          embed(),
          reversible({
            depth: 1,
            rule: plain(),
            block: [sublayer(layerNorm(), crossAttention({ heads: 2 }))],
          }),
          layerNorm(),
          linear(V),
        ]),
      /stream/,
    ],
    [
      'a loss on an operand',
      () => planOf([embed(), stack(), layerNorm()]),
      /^a stream ends with operand, expected /,
    ],
    [
      'a loss on a state',
      () => planOf([embed(), stack()]),
      /^a stream ends with its stack\. HINT: let layers follow, a layer norm first$/,
    ],
    [
      'two stacks',
      () => planOf([embed(), stack(), stack(), layerNorm(), linear(V)]),
      /^a stream has 2 stacks, expected at most one$/,
    ],
    [
      'mean squared error of ids',
      () => planOf([embed()], { loss: meanSquaredError<never>() }),
      /^a stream ends with/,
    ],
    [
      'one name twice',
      () => planOf([embed(), stack(), layerNorm(), linear(16), gelu(), linear(V)]),
      /^parameter linear\.weight is planned twice\. HINT: name one of the two layers$/,
    ],
    [
      'one name twice in a block',
      () =>
        planOf([
          embed(),
          reversible({ depth: 2, rule: plain(), block: [block[0], block[0]] }),
          layerNorm(),
          linear(V),
        ]),
      /^parameter block\.0\.norm\.gain is planned twice/,
    ],
    [
      'a parameter that is not there',
      () => planOf([embed(), stack(), layerNorm(), linear(V, { shares: 'token' })]),
      /^parameter token is not planned yet/,
    ],
    [
      'coupling of blocks of one sublayer',
      () => {
        const one = reversible({ depth: 2, rule: coupling(), block: block.slice(0, 1) });
        return planOf([embed(), one, layerNorm(), linear(V)]);
      },
      /^sublayers of a block is 1, expected a whole number from 2 to/,
    ],
    ['depth 0', () => stack(plain(), 0), /^depth is 0, expected a whole number from 1 to 1024$/],
  ];
  test.each(cases)('%s', (_, make, message) => {
    expect(make).toThrow(UsageError);
    expect(make).toThrow(message);
  });

  test('no stream', () => {
    const model = defineModel('none', () => ({ streams: [], loss: crossEntropy() }))(0);
    expect(() => plan({ model, batch: 1, steps: 1 })).toThrow(
      /^a model has no streams, expected at least one$/,
    );
  });

  test('what is no model, and a definition that was not called', () => {
    for (const model of [undefined, null, 'gpt', {}, gpt, { streams: 1, loss: crossEntropy() }])
      expect(() => plan({ model: model as never, batch: 1, steps: 1 })).toThrow(UsageError);
  });
});
