// A vision transformer whose weights came from another program: the same layers with formats that
// such weights need (imported-formats.ts), and a head with a bias. Without either it is vit()
// itself.

import { flag, reading } from '../core/check.ts';
import { bias } from '../layers/bias.ts';
import type { Layer } from '../layers/layer.ts';
import { linear } from '../layers/linear.ts';
import { row } from '../layers/pool.ts';
import { multiplied } from '../layers/rescaled.ts';
import { definition } from './define.ts';
import {
  besides,
  blockWith,
  checkedFormats,
  type ImportedFormats,
  normWith,
} from './imported-formats.ts';
import type { StackLayer, Stream } from './stream.ts';
import { reversible } from './stream.ts';
import { type ImageBatch, type VitConfig, vit } from './vit.ts';

/** A vision transformer with what weights of other programs need. */
export interface ImportedVitConfig extends VitConfig {
  /** Formats of imported weights (none). */
  formats?: ImportedFormats | undefined;
  /** Whether logits have a bias, head.bias (false). */
  headBias?: boolean | undefined;
}

/** The layers of a vision transformer, from its stack on with formats. */
function withFormats(
  layers: Stream<ImageBatch>['layers'],
  full: Required<VitConfig>,
  formats: Required<ImportedFormats>,
): (Layer | StackLayer)[] {
  const { layers: depth, rule, classes, bias: isBiased } = full;
  const stack = layers.findIndex((layer) => 'stack' in layer);
  return [
    ...layers.slice(0, stack),
    reversible({ depth, rule, block: blockWith(full, formats, false) }),
    row(0),
    normWith(formats, { name: 'norm', bias: isBiased }),
    multiplied(formats.logits, linear(classes, { name: 'head' })),
  ];
}

/** A vision transformer, with formats and a bias of its head if its configuration has them: a model
 *  of the name vit either way. Throws UsageError for the first value that is wrong.
 *  @example
 *  const image = { width: 4, height: 4, colours: 1, patch: 2, classes: 3 };
 *  const shape = { ...image, layers: 1, channels: 8, heads: 2 };
 *  const parameters = (model) => plan({ model, batch: 1, steps: 1 }).parameters;
 *  const biased = importedVit({ ...shape, headBias: true });
 *  console.log(biased.name, parameters(biased) - parameters(vit(shape))); // vit 3
 */
export const importedVit = /* @__PURE__ */ definition('vit', (config: ImportedVitConfig) => {
  if (Object(config) !== config) return vit(config);
  const { formats: given, headBias = false, ...rest } = reading('model', () => ({ ...config }));
  const plain = vit(rest);
  flag('headBias', headBias);
  if (given === undefined && !headBias) return plain;
  const full = plain.config as Required<VitConfig>;
  const [{ input, layers }] = plain.streams;
  const neurons = full.channels * full.mlpRatio;
  const formats = given === undefined ? undefined : checkedFormats(given, neurons);
  const adapter = formats === undefined ? full.adapter : besides(formats, full.adapter);
  return {
    config: { ...full, adapter, headBias, ...(formats && { formats }) },
    input,
    layers: [
      ...(formats === undefined ? layers : withFormats(layers, full, formats)),
      ...(headBias ? [bias({ name: 'head' })] : []),
    ],
    loss: plain.loss,
  };
});
