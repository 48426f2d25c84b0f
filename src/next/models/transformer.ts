// The blocks of GPT, vision transformer and translator: attention, maybe cross-attention, and an MLP,
// each behind a layer norm.

import { attention } from '../layers/attention.ts';
import { crossAttention } from '../layers/cross-attention.ts';
import { gelu } from '../layers/gelu.ts';
import { layerNorm } from '../layers/layer-norm.ts';
import { DEVIATION, linear } from '../layers/linear.ts';
import { type Sublayer, named, sublayer } from '../reversible/block.ts';

export interface BlockOptions {
  readonly channels: number;
  readonly heads: number;
  /** Width of the MLP in units of the channels. */
  readonly mlpRatio: number;
  readonly bias: boolean;
  readonly causal: boolean;
  /** Branches that the residual stream adds up: projections start smaller by its root (GPT-2). */
  readonly branches: number;
  /** With cross-attention between attention and MLP. */
  readonly hasCross?: boolean;
}

export function transformerBlock(options: BlockOptions): Sublayer[] {
  const { channels: C, heads, mlpRatio, bias, causal, branches, hasCross = false } = options;
  const deviation = DEVIATION / Math.sqrt(branches);
  const cross = sublayer(layerNorm({ bias }), crossAttention({ heads, bias, deviation }));
  return [
    sublayer(layerNorm({ name: 'norm1', bias }), attention({ heads, causal, bias, deviation })),
    ...(hasCross ? [named('cross', cross)] : []),
    sublayer(
      layerNorm({ name: 'norm2', bias }),
      linear(mlpRatio * C, { name: 'up', bias }),
      gelu(),
      linear(C, { name: 'down', bias, deviation }),
    ),
  ];
}
