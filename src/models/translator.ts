// An encoder-decoder transformer, both stacks reversible (Vaswani et al. 2017): source -> encoder
// -> layer norm; target so far -> decoder, which looks at that -> the next token. Sentences have
// their own numbers of rows, so there is no padding, and nothing is masked but the future.

import { fields, whole } from '../core/check.ts';
import { embedding } from '../layers/embedding.ts';
import { layerNorm } from '../layers/layer-norm.ts';
import { linear } from '../layers/linear.ts';
import { tokens } from '../layers/tokens.ts';
import { crossEntropy } from '../loss/cross-entropy.ts';
import { definition } from './define.ts';
import { reversible } from './stream.ts';
import {
  checkTransformer,
  crossSublayer,
  type TransformerConfig,
  transformerBlock,
  transformerDefaults,
} from './transformer.ts';

/** An encoder-decoder: what it reads and how large it is. */
export interface TranslatorConfig extends TransformerConfig {
  /** V, of both languages, 4..65536. */
  vocabulary: number;
  /** T: longest sentence in tokens, its end included, 2..4096. */
  context: number;
}

/** Pairs as tokens, in rows of T: what is beyond a row's length is not looked at. */
export interface TranslatorBatch {
  /** Source tokens with their end, int32 [B, T]. */
  source: Int32Array;
  /** Tokens of each row of them, 1..T: int32 [B]. */
  sourceLengths: Int32Array;
  /** What the decoder reads, begin and the target tokens: int32 [B, T]. */
  input: Int32Array;
  /** What it should say, the target tokens and the end: int32 [B, T]. */
  target: Int32Array;
  /** Tokens of each row of both, 1..T: int32 [B]. */
  targetLengths: Int32Array;
}

const SHARED = 'token.weight';

/** An encoder-decoder translator. Its batch is a TranslatorBatch. Throws UsageError for the first
 *  value that is wrong.
 *  @example
 *  const model = translator({ vocabulary: 6, layers: 1, channels: 8, heads: 2, context: 3 });
 *  const trainer = Trainer.create({ model, batch: 1, steps: 10 });
 *  const lengths = { sourceLengths: Int32Array.of(2), targetLengths: Int32Array.of(2) };
 *  const source = Int32Array.of(4, 2, 0); // a word, the end, nothing
 *  const pair = { source, input: Int32Array.of(1, 5, 0), target: Int32Array.of(5, 2, 0) };
 *  console.log(trainer.step({ ...lengths, ...pair }).loss.toFixed(6)); // 1.769112
 */
export const translator = /* @__PURE__ */ definition('translator', (config: TranslatorConfig) => {
  const defaults = { ...transformerDefaults(), vocabulary: undefined, context: undefined };
  const full = fields('model', config, defaults);
  const { vocabulary, context, channels, layers: depth, bias, rule } = full;
  whole('vocabulary', vocabulary, 4, 65536);
  whole('context', context, 2, 4096);
  checkTransformer(full, 512);
  const common = { vocabulary, channels };
  const encoder = transformerBlock(full, { causal: false, branches: 2 * depth });
  const branches = 3 * depth;
  const cross = crossSublayer(full, branches);
  const decoder = transformerBlock(full, { causal: true, branches, cross });
  const ofTarget = {
    lengths: (batch: TranslatorBatch) => batch.targetLengths,
    lengthsName: 'targetLengths',
  };
  const source = {
    input: tokens<TranslatorBatch>({
      vocabulary,
      context,
      name: 'source',
      tokens: (batch) => batch.source,
      lengths: (batch) => batch.sourceLengths,
      lengthsName: 'sourceLengths',
    }),
    layers: [
      embedding({ ...common, positions: 'source.position' }),
      reversible({ depth, rule, block: encoder, name: 'encoder' }),
      layerNorm({ name: 'encoder.norm', bias }),
    ],
  };
  const target = {
    input: tokens<TranslatorBatch>({
      vocabulary,
      context,
      ...ofTarget,
      name: 'input',
      tokens: (batch) => batch.input,
    }),
    layers: [
      embedding({ ...common, positions: 'target.position', shares: SHARED }),
      reversible({ depth, rule, block: decoder, name: 'decoder' }),
      layerNorm({ bias }),
      linear(vocabulary, { shares: SHARED }),
    ],
  };
  const loss = crossEntropy<TranslatorBatch>({
    ...ofTarget,
    targets: (batch) => batch.target,
    name: 'target',
  });
  return { config: full, streams: [source, target], loss };
});
