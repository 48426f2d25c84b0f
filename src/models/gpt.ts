// GPT-2: token and position embeddings, a stack of causal blocks, a layer norm and a head that
// shares the token embedding (Radford et al. 2019).

import { fields, flag, whole } from '../core/check.ts';
import { embedding } from '../layers/embedding.ts';
import { layerNorm } from '../layers/layer-norm.ts';
import { linear } from '../layers/linear.ts';
import { tokens } from '../layers/tokens.ts';
import { crossEntropy } from '../loss/cross-entropy.ts';
import { definition } from './define.ts';
import { reversible } from './stream.ts';
import {
  checkTransformer,
  type TransformerConfig,
  transformerBlock,
  transformerDefaults,
} from './transformer.ts';

/** A GPT: what it reads and how large it is. */
export interface GptConfig extends TransformerConfig {
  /** V: number of tokens, 2..65536. */
  vocabulary: number;
  /** T: longest sequence, 1..4096. */
  context: number;
  /** The head shares the token embedding (true). */
  tied?: boolean | undefined;
}

/** Windows of T tokens, and the same windows one token later: int32 [B, T] each. */
export interface TextBatch {
  /** int32 [B, T], 0..V - 1. */
  inputs: Int32Array;
  /** int32 [B, T]: the token after each. */
  targets: Int32Array;
}

function checked(config: GptConfig): Required<GptConfig> {
  const defaults = { vocabulary: undefined, context: undefined, tied: true };
  const full = fields('model', config, { ...transformerDefaults(), ...defaults });
  whole('vocabulary', full.vocabulary, 2, 65536);
  whole('context', full.context, 1, 4096);
  flag('tied', full.tied);
  checkTransformer(full);
  return full;
}

/** GPT-2. Its batch is a TextBatch. Throws UsageError for the first value that is wrong.
 *  @example
 *  const model = gpt({ vocabulary: 4, layers: 2, channels: 8, heads: 2, context: 4 });
 *  console.log(model.config.mlpRatio, plan({ model, batch: 1, steps: 1 }).parameters); // 4 1640
 */
export const gpt = /* @__PURE__ */ definition('gpt', (config: GptConfig) => {
  const full = checked(config);
  const { vocabulary, context, channels, layers, bias, tied, rule } = full;
  const block = transformerBlock(full, { causal: true, branches: 2 * layers });
  const head = tied ? { shares: 'token.weight' } : { name: 'head' };
  return {
    config: full,
    input: tokens<TextBatch>({ vocabulary, context }),
    layers: [
      embedding({ vocabulary, channels }),
      reversible({ depth: layers, rule, block }),
      layerNorm({ bias }),
      linear(vocabulary, head),
    ],
    loss: crossEntropy<TextBatch>({}),
  };
});
