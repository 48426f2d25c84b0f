// A GPT whose weights came from another program: the same layers with formats that such weights
// need (imported-formats.ts). Without any it is gpt() itself.

import { reading } from '../core/check.ts';
import { embedding } from '../layers/embedding.ts';
import { linear } from '../layers/linear.ts';
import { multiplied } from '../layers/rescaled.ts';
import { definition } from './define.ts';
import { type GptConfig, gpt } from './gpt.ts';
import {
  besides,
  blockWith,
  checkedFormats,
  type ImportedFormats,
  normWith,
} from './imported-formats.ts';
import { reversible } from './stream.ts';

/** A GPT with formats. */
export interface ImportedGptConfig extends GptConfig {
  /** Formats of imported weights (none). */
  formats?: ImportedFormats | undefined;
}

/** A GPT, with formats if its configuration has them: a model of the name gpt either way. Throws
 *  UsageError for the first value that is wrong.
 *  @example
 *  const shape = { vocabulary: 4, layers: 2, channels: 8, heads: 2, context: 4 };
 *  const formats = { residual: 2, magnified: 2, logits: 2, outliers: [[], [[5, 0, 1]]] };
 *  const model = importedGpt({ ...shape, formats });
 *  console.log(model.name, plan({ model, batch: 1, steps: 1 }).parameters); // gpt 1672
 */
export const importedGpt = /* @__PURE__ */ definition('gpt', (config: ImportedGptConfig) => {
  if (Object(config) !== config) return gpt(config);
  const { formats: given, ...rest } = reading('model', () => ({ ...config }));
  const plain = gpt(rest);
  if (given === undefined) return plain;
  const full = plain.config as Required<GptConfig>;
  const { vocabulary, channels, layers: depth, bias, tied, rule } = full;
  const formats = checkedFormats(given, channels * full.mlpRatio);
  const head = linear(vocabulary, tied ? { shares: 'token.weight' } : { name: 'head' });
  const [{ input }] = plain.streams;
  return {
    config: { ...full, formats, adapter: besides(formats, full.adapter) },
    input,
    layers: [
      embedding({ vocabulary, channels }),
      reversible({ depth, rule, block: blockWith(full, formats, true) }),
      normWith(formats, { name: 'norm', bias }),
      multiplied(formats.logits, head),
    ],
    loss: plain.loss,
  };
});
