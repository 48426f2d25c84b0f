// An encoder-decoder transformer, both stacks reversible (Vaswani et al. 2017): source -> encoder ->
// layer norm; target so far -> decoder, which looks at that -> the next token. Sentences have their own
// numbers of rows, so there is no padding, and nothing is masked but the future.

import type { TranslatorConfig } from '../../models/translator-config.ts';
import { embedding } from '../layers/embedding.ts';
import { layerNorm } from '../layers/layer-norm.ts';
import { linear } from '../layers/linear.ts';
import { tokens } from '../layers/tokens.ts';
import { crossEntropy } from '../loss/cross-entropy.ts';
import type { UpdateRule } from '../reversible/rule.ts';
import type { Model } from './model.ts';
import { reversible } from './stream.ts';
import { transformerBlock } from './transformer.ts';

/** Pairs as tokens, in rows of T: what is beyond a row's length is not looked at. */
export interface PairsBatch {
  source: Int32Array;
  sourceLengths: Int32Array;
  input: Int32Array;
  target: Int32Array;
  targetLengths: Int32Array;
}

const WEIGHT = 'token.weight';

export function translator(
  config: Required<TranslatorConfig>,
  rule: UpdateRule,
): Model<PairsBatch> {
  const { vocabulary, context, channels, layers, bias } = config;
  const common = { vocabulary, channels };
  const encoder = transformerBlock({ ...config, causal: false, branches: 2 * layers });
  const decoder = { ...config, causal: true, branches: 3 * layers, hasCross: true };
  const lengths = ({ targetLengths }: PairsBatch): Int32Array => targetLengths;
  return {
    streams: [
      {
        input: tokens({
          vocabulary,
          context,
          tokens: ({ source }) => source,
          lengths: ({ sourceLengths }) => sourceLengths,
          name: 'source',
        }),
        layers: [
          embedding({ ...common, positions: 'source.position' }),
          reversible({ depth: layers, rule, block: encoder, name: 'encoder' }),
          layerNorm({ name: 'encoder.norm', bias }),
        ],
      },
      {
        input: tokens({
          vocabulary,
          context,
          tokens: ({ input }) => input,
          lengths,
          name: 'input',
        }),
        layers: [
          embedding({ ...common, positions: 'target.position', shares: WEIGHT }),
          reversible({ depth: layers, rule, block: transformerBlock(decoder), name: 'decoder' }),
          layerNorm({ bias }),
          linear(vocabulary, { shares: WEIGHT }),
        ],
      },
    ],
    loss: crossEntropy({ targets: ({ target }) => target, lengths, name: 'target' }),
  };
}
