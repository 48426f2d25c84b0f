// What GPT, vision transformer and translator have in common: their configuration, and blocks of
// attention, maybe cross-attention, and an MLP, each behind a layer norm.

import { flag, MAX_LENGTH, properties, whole } from '../core/check.ts';
import { attention, checkHeads } from '../layers/attention.ts';
import { crossAttention } from '../layers/cross-attention.ts';
import { gelu } from '../layers/gelu.ts';
import type { Operands } from '../layers/int8.ts';
import type { Layer } from '../layers/layer.ts';
import { layerNorm } from '../layers/layer-norm.ts';
import { DEVIATION, linear } from '../layers/linear.ts';
import { bdia } from '../reversible/bdia.ts';
import { named, type Sublayer, sublayer } from '../reversible/block.ts';
import type { UpdateRule } from '../reversible/rule.ts';
import type { Adapter } from './model.ts';

/** The shape of the blocks: C channels, H heads, D = C / H (at most 128), L layers. All whole
 *  numbers. */
export interface TransformerConfig {
  /** L, 1..1024 (translator: 1..512 each of encoder and decoder). */
  layers: number;
  /** C, 4..4096, a multiple of heads. */
  channels: number;
  /** H: attention heads, a divisor of channels. */
  heads: number;
  /** Width of the MLP in units of C, 1..8 (4). */
  mlpRatio?: number | undefined;
  /** Biases in linear layers and layer norms (false). */
  bias?: boolean | undefined;
  /** How blocks change the residual stream: bdia(), plain(), leapfrog(), momentum(), coupling(), or
   *  a rule of your own (bdia()). */
  rule?: UpdateRule | undefined;
  /** What is added to matrices of weights, which are then frozen: lora({ rank: 8, on: ['qkv'] })
   *  (nothing). */
  adapter?: Adapter | undefined;
  /** The format of the operands of products: int16(), int8({ ... }) (int16()). */
  operands?: Operands | undefined;
}

/** For `fields`: the names, and the defaults of those that have one. */
export const transformerDefaults = () => ({
  layers: undefined,
  channels: undefined,
  heads: undefined,
  mlpRatio: 4,
  bias: false,
  rule: bdia(),
  adapter: undefined,
  operands: undefined,
});

/** Throws UsageError for the first value out of range. */
export function checkTransformer(config: Required<TransformerConfig>, mostLayers = 1024): void {
  whole('layers', config.layers, 1, mostLayers);
  whole('channels', config.channels, 4, 4096);
  whole('heads', config.heads, 1, config.channels);
  whole('mlpRatio', config.mlpRatio, 1, 8);
  flag('bias', config.bias);
  checkHeads(config.channels, config.heads);
}

/** How the blocks of a model differ from another model's. */
export interface BlockOptions {
  readonly causal: boolean;
  /** Branches that the residual stream adds up: projections start smaller by its root (GPT-2). */
  readonly branches: number;
  /** Between attention and MLP, such as `crossSublayer`. */
  readonly cross?: Sublayer | undefined;
  /** Between the two linear layers of the MLP (gelu()). */
  readonly activation?: Layer | undefined;
}

const branchDeviation = (branches: number): number => DEVIATION / Math.sqrt(branches);

/** Cross-attention for blocks of so many branches; apart, so that only who uses it bundles it. */
export function crossSublayer(
  { heads, bias }: Required<TransformerConfig>,
  branches: number,
): Sublayer {
  const deviation = branchDeviation(branches);
  return named('cross', sublayer(layerNorm({ bias }), crossAttention({ heads, bias, deviation })));
}

/** The sublayers of a block: attention, with `hasCross` cross-attention, and an MLP, each behind a
 *  layer norm.
 *  @example
 *  const config = { layers: 2, channels: 8, heads: 2, mlpRatio: 4, bias: false, rule: bdia() };
 *  const block = transformerBlock(config, { causal: true, branches: 4 });
 *  console.log(block.length, block[1].layers.length); // 2 4
 */
export function transformerBlock(
  config: Required<Omit<TransformerConfig, 'adapter' | 'operands'>>,
  options: BlockOptions,
): Sublayer[] {
  const keys = ['channels', 'heads', 'mlpRatio', 'bias'] as const;
  const { channels: C, heads, mlpRatio, bias } = properties('config', config, keys);
  whole('channels', C, 1, 4096);
  whole('mlpRatio', mlpRatio, 1, 8);
  const names = ['causal', 'branches', 'cross', 'activation'] as const;
  const { causal, branches, cross, activation } = properties('options', options, names);
  whole('branches', branches, 1, MAX_LENGTH);
  const deviation = branchDeviation(branches);
  return [
    sublayer(layerNorm({ name: 'norm1', bias }), attention({ heads, causal, bias, deviation })),
    ...(cross === undefined ? [] : [cross]),
    sublayer(
      layerNorm({ name: 'norm2', bias }),
      linear(mlpRatio * C, { name: 'up', bias }),
      activation ?? gelu(),
      linear(C, { name: 'down', bias, deviation }),
    ),
  ];
}
