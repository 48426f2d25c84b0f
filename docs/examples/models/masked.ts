// A masked language model: full attention, and a loss only where a token was hidden.
//   node masked.ts input.txt

import {
  type TextBatch,
  Trainer,
  bdia,
  cosine,
  crossEntropy,
  defineModel,
  embedding,
  layerNorm,
  linear,
  reversible,
  tokens,
  transformerBlock,
} from 'retrograd';

export interface Config {
  vocabulary: number;
  channels: number;
  context: number;
  layers: number;
}

/** The last token of the vocabulary stands for a hidden one. */
export const masked = defineModel('masked', (config: Config) => {
  const { vocabulary, channels, context, layers } = config;
  const shape = { layers, channels, heads: 4, mlpRatio: 4, bias: false, rule: bdia() };
  return {
    input: tokens<TextBatch>({ vocabulary, context }),
    layers: [
      embedding({ vocabulary, channels }),
      reversible({
        depth: layers,
        rule: bdia(),
        block: transformerBlock(shape, { causal: false, branches: 2 * layers }),
      }),
      layerNorm(),
      linear(vocabulary, { shares: 'token.weight' }),
    ],
    loss: crossEntropy<TextBatch>({ ignores: true, counts: true }),
  };
});

/** Windows of a text in which about every seventh token, by its place, is hidden; the others are
 *  not predicted (-1). */
export function hide(windows: Int32Array, mask: number, step: number): TextBatch {
  const isHidden = (i: number): boolean =>
    (Math.imul(i + 1, 0x9e3779b1) ^ Math.imul(step, 0x85ebca6b)) >>> 0 < 2 ** 32 / 7;
  return {
    inputs: windows.map((token, i) => (isHidden(i) ? mask : token)),
    targets: windows.map((token, i) => (isHidden(i) ? token : -1)),
  };
}

export const create = (vocabulary: number): Trainer<TextBatch> => {
  const model = masked({ vocabulary: vocabulary + 1, channels: 32, context: 24, layers: 2 });
  return Trainer.create({
    model,
    batch: 8,
    steps: 400,
    learningRate: cosine(0.005, { warmup: 20 }),
  });
};
