// A masked language model: full attention, and a loss only where a token was hidden.

import {
  bdia,
  cosine,
  crossEntropy,
  defineModel,
  embedding,
  layerNorm,
  linear,
  reversible,
  type TextBatch,
  tokens,
  transformerBlock,
} from 'retrograd';

export interface Config {
  /** Tokens, of which the last one stands for a hidden one. */
  vocabulary: number;
  channels: number;
  context: number;
  layers: number;
}

export const masked = defineModel('masked', (config: Config) => {
  const { vocabulary, channels, context, layers } = config;
  const shape = { layers, channels, heads: 4, mlpRatio: 4, bias: false, rule: bdia() };
  const block = transformerBlock(shape, { causal: false, branches: 2 * layers });
  return {
    input: tokens<TextBatch>({ vocabulary, context }),
    layers: [
      embedding({ vocabulary, channels }),
      reversible({ depth: layers, rule: shape.rule, block }),
      layerNorm(),
      linear(vocabulary, { shares: 'token.weight' }),
    ],
    loss: crossEntropy<TextBatch>({ ignores: true, counts: true }),
  };
});

export const options = {
  model: masked({ vocabulary: 257, channels: 32, context: 24, layers: 2 }),
  batch: 16,
  steps: 2000,
  learningRate: cosine(0.005, { warmup: 20 }),
};

/** Windows of a text in which about every seventh token is hidden, at other places in every step;
 *  the others are not predicted (-1). */
export function hide(windows: Int32Array, mask: number, step: number): TextBatch {
  const isHidden = (i: number): boolean =>
    (Math.imul(i + 1, 0x9e3779b1) ^ Math.imul(step, 0x85ebca6b)) >>> 0 < 2 ** 32 / 7;
  return {
    inputs: windows.map((token, i) => (isHidden(i) ? mask : token)),
    targets: windows.map((token, i) => (isHidden(i) ? token : -1)),
  };
}
