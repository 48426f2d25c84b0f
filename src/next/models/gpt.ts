// GPT-2: token and position embeddings, a stack of causal blocks, a layer norm and a head that shares
// the token embedding (Radford et al. 2019).

import type { GptConfig } from '../../models/gpt-config.ts';
import { embedding } from '../layers/embedding.ts';
import { layerNorm } from '../layers/layer-norm.ts';
import { linear } from '../layers/linear.ts';
import { tokens } from '../layers/tokens.ts';
import { crossEntropy } from '../loss/cross-entropy.ts';
import type { UpdateRule } from '../reversible/rule.ts';
import type { Model } from './model.ts';
import { reversible } from './stream.ts';
import { transformerBlock } from './transformer.ts';

/** Windows of T tokens, and the same windows one token later: int32 [B, T] each. */
export interface TextBatch {
  inputs: Int32Array;
  targets: Int32Array;
}

export function gpt(config: Required<GptConfig>, rule: UpdateRule): Model<TextBatch> {
  const { vocabulary, context, channels, layers, bias, tied } = config;
  const block = transformerBlock({ ...config, causal: true, branches: 2 * layers });
  const head = tied ? { shares: 'token.weight' } : { name: 'head' };
  return {
    streams: [
      {
        input: tokens({ vocabulary, context, tokens: ({ inputs }) => inputs }),
        layers: [
          embedding({ vocabulary, channels }),
          reversible({ depth: layers, rule, block }),
          layerNorm({ bias }),
          linear(vocabulary, head),
        ],
      },
    ],
    loss: crossEntropy({ targets: ({ targets }) => targets }),
  };
}
