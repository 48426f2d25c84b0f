// The GPT-2 architecture as a configuration and a table of parameters (name, shape, kind). Everything that walks over the
// parameters (memory plan, optimizer, checkpoint, digest) walks over this table, in this order.

import { type Filled, choice, fields, whole } from '../core/check.ts';
import type { Parameter } from '../nn/parameters.ts';
import { ParameterTable, checkHeads } from './table.ts';

/** The shape of a GPT-2: B batch, T context, C channels, H heads, D = C / H (at most 128), V vocabulary, L layers. All whole numbers. */
export interface GptConfig {
  /** V: number of tokens, 2..65536. */
  vocabulary: number;
  /** L, 1..1024. */
  layers: number;
  /** C, 4..4096, a multiple of heads. */
  channels: number;
  /** H: attention heads, a divisor of channels. */
  heads: number;
  /** T: longest sequence, 1..4096. */
  context: number;
  /** Width of the MLP in units of C, 1..8 (4). */
  mlpRatio?: number | undefined;
  /** Biases in linear layers and layer norms (false). */
  bias?: boolean | undefined;
  /** The head shares the token embedding (true). */
  tied?: boolean | undefined;
}

/** Checks a configuration. Throws UsageError with the first thing that is wrong; returns the configuration with its defaults filled in.
 *  @example
 *  const { mlpRatio, bias, tied } = checkGptConfig({ vocabulary: 96, layers: 2, channels: 64, heads: 4, context: 32 });
 *  console.log(mlpRatio, bias, tied); // 4 false true
 */
export function checkGptConfig(config: GptConfig): Filled<GptConfig> {
  const required = undefined, full = fields('model', config, {
    vocabulary: required, layers: required, channels: required, heads: required, context: required,
    mlpRatio: 4, bias: false, tied: true,
  });
  whole('vocabulary', full.vocabulary, 2, 65536);
  whole('layers', full.layers, 1, 1024);
  whole('channels', full.channels, 4, 4096);
  whole('heads', full.heads, 1, full.channels);
  whole('context', full.context, 1, 4096);
  whole('mlpRatio', full.mlpRatio, 1, 8);
  choice('bias', full.bias, [true, false]);
  choice('tied', full.tied, [true, false]);
  checkHeads(full.channels, full.heads);
  return full;
}

/** The table of parameters, in the order of the forward pass: the order of `tensors()`, of checkpoints and of the weights' digest. Residual
 *  projections start smaller by sqrt(2 L) (GPT-2). Throws UsageError for a wrong configuration.
 *  @example
 *  const table = gptParameters({ vocabulary: 96, layers: 1, channels: 64, heads: 4, context: 32 });
 *  console.log(table.length, table[3].name, table[3].shape); // 9 block.0.qkv.weight [ 192, 64 ]
 */
export function gptParameters(config: GptConfig): Parameter[] {
  const { vocabulary: V, layers, channels: C, context: T, mlpRatio, bias, tied } = checkGptConfig(config);
  const table = new ParameterTable(bias);
  table.embedding('token', V, C);
  table.embedding('position', T, C);
  for (let k = 0; k < layers; k++) table.block(`block.${k}`, C, mlpRatio * C, 2 * layers);
  table.norm('norm', C);
  if (!tied) table.matrix('head', V, C);
  return table.rows;
}
