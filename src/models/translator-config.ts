// An encoder-decoder transformer (Vaswani et al., NeurIPS 2017; layer norm before each sublayer) as a configuration and a table of
// parameters. One vocabulary serves both languages, and one embedding source, target and head.

import { type Filled, choice, fields, whole } from '../core/check.ts';
import type { Parameter } from '../nn/parameters.ts';
import { ParameterTable, checkHeads } from './table.ts';

/** The shape of a translator. All whole numbers. */
export interface TranslatorConfig {
  /** Tells it from other models. */
  kind: 'translator';
  /** V: tokens of both languages together, 4..65536. */
  vocabulary: number;
  /** L: blocks of the encoder, and as many of the decoder, 1..512. */
  layers: number;
  /** C, 4..4096, a multiple of heads. */
  channels: number;
  /** H: attention heads, a divisor of channels. */
  heads: number;
  /** T: most tokens of a sentence, its end included, 2..4096. */
  context: number;
  /** Width of the MLP in units of C, 1..8 (4). */
  mlpRatio?: number | undefined;
  /** Biases in linear layers and layer norms (false). */
  bias?: boolean | undefined;
}

/** Checks a configuration. Throws UsageError with the first thing that is wrong; returns it with its defaults filled in.
 *  @example
 *  const { mlpRatio, bias } = checkTranslatorConfig({ kind: 'translator', vocabulary: 100, layers: 2, channels: 64, heads: 4, context: 16 });
 *  console.log(mlpRatio, bias); // 4 false
 */
export function checkTranslatorConfig(config: TranslatorConfig): Filled<TranslatorConfig> {
  const required = undefined, full = fields('model', config, {
    kind: required, vocabulary: required, layers: required, channels: required, heads: required,
    context: required, mlpRatio: 4, bias: false,
  });
  choice('kind', full.kind, ['translator']);
  whole('vocabulary', full.vocabulary, 4, 65536);
  whole('layers', full.layers, 1, 512);
  whole('channels', full.channels, 4, 4096);
  whole('heads', full.heads, 1, full.channels);
  whole('context', full.context, 2, 4096);
  whole('mlpRatio', full.mlpRatio, 1, 8);
  choice('bias', full.bias, [true, false]);
  checkHeads(full.channels, full.heads);
  return full;
}

/** The table of parameters, in the order of the forward pass. Throws UsageError for a wrong configuration.
 *  @example
 *  const table = translatorParameters({ kind: 'translator', vocabulary: 100, layers: 1, channels: 64, heads: 4, context: 16 });
 *  console.log(table.map(({ name }) => name).filter((name) => name.startsWith('decoder.0.cross')).length); // 4
 */
export function translatorParameters(config: TranslatorConfig): Parameter[] {
  const { vocabulary: V, layers, channels: C, context: T, mlpRatio, bias } = checkTranslatorConfig(config), table = new ParameterTable(bias);
  table.embedding('token', V, C);
  table.embedding('source.position', T, C);
  table.embedding('target.position', T, C);
  for (let k = 0; k < layers; k++) table.block(`encoder.${k}`, C, mlpRatio * C, 2 * layers);
  table.norm('encoder.norm', C);
  for (let k = 0; k < layers; k++) table.block(`decoder.${k}`, C, mlpRatio * C, 3 * layers, true);
  table.norm('norm', C);
  return table.rows;
}
