// A GPT with an activation of one's own in its MLP: squared ReLU (So et al. 2021), y = max(0, x)^2.

import type { Layer, Planned, TextBatch } from 'retrograd';
import {
  bdia,
  crossEntropy,
  defineModel,
  embedding,
  layerNorm,
  linear,
  reversible,
  tokens,
  transformerBlock,
} from 'retrograd';

/** x and y have the same fraction bits f: raw y = raw x^2 / 2^f, rounded down, at most 4095. */
const squared: Planned = {
  needsInput: true,
  saved: () => undefined,
  prepare(_, x, y) {
    y.fraction = x.fraction;
    Object.assign(y.range, x.range);
  },
  forward({ int16 }, x, _, y) {
    y.rows = x.rows;
    for (let i = 0; i < x.size; i++)
      int16[y.at / 2 + i] = Math.min(4095, (Math.max(0, int16[x.at / 2 + i]) ** 2) >> x.fraction);
  },
  /** dx = 2 x dy: a product of 32 and 13 bits is cut by 13, which the exponent makes good. */
  backward({ int16, int32 }, dy, x, _, dx) {
    if (dx === undefined) return;
    for (let i = 0; i < x.size; i++) {
      const slope = Math.max(0, int16[x.at / 2 + i]);
      int32[dx.at / 4 + i] = Math.floor((int32[dy.at / 4 + i] * slope) / 2 ** 13);
    }
    dx.exponent = dy.exponent + 13 + 1 - x.fraction;
  },
};

export const squaredRelu = (): Layer => ({
  takes: ['operand'],
  output: (input) => input,
  plan: () => squared,
});

const shape = { layers: 2, channels: 32, heads: 4, mlpRatio: 4, bias: false, rule: bdia() };
const block = transformerBlock(shape, { causal: true, branches: 4, activation: squaredRelu() });
export const model = defineModel('own layer', ({ vocabulary }: { vocabulary: number }) => ({
  input: tokens<TextBatch>({ vocabulary, context: 16 }),
  layers: [
    embedding({ vocabulary, channels: 32 }),
    reversible({ depth: 2, rule: bdia(), block }),
    layerNorm(),
    linear(vocabulary, { shares: 'token.weight' }),
  ],
  loss: crossEntropy<TextBatch>(),
}));
