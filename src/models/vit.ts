// Vision transformer: patches through a linear layer, a class token, learned positions, a stack of
// blocks, and a head on the class token (Dosovitskiy et al., ICLR 2021).

import { fields, whole } from '../core/check.ts';
import { classToken, positions } from '../layers/class-token.ts';
import { layerNorm } from '../layers/layer-norm.ts';
import { linear } from '../layers/linear.ts';
import { countPatches } from '../layers/patch-pixels.ts';
import { type ImageShape, patches } from '../layers/patches.ts';
import { row } from '../layers/pool.ts';
import { crossEntropy } from '../loss/cross-entropy.ts';
import { definition } from './define.ts';
import { reversible } from './stream.ts';
import {
  checkTransformer,
  type TransformerConfig,
  transformerBlock,
  transformerDefaults,
} from './transformer.ts';

/** A vision transformer: what it looks at and how large it is. */
export interface VitConfig extends TransformerConfig, ImageShape {
  /** 2..65536. */
  classes: number;
}

/** Images, one after the other, row by row, channel last, and the class of each. */
export interface ImageBatch {
  /** uint8 [B, height, width, colours]. */
  images: Uint8Array;
  /** int32 [B], 0..classes - 1. */
  labels: Int32Array;
}

/** Standard deviation of initial positions and class token: of the size of what patches become, or
 *  attention would see patches long before places. One epoch of MNIST, patches of 7 x 7, 64
 *  channels, BDIA: accuracy 95.8 % with 0.5 (and patches as below), 94.0 % with GPT-2's 0.02 for
 *  both. */
const deviation = 0.5;

function checked(config: VitConfig): Required<VitConfig> {
  const shape = { width: undefined, height: undefined, colours: undefined, patch: undefined };
  const defaults = { ...transformerDefaults(), ...shape, classes: undefined };
  const full = fields('model', config, defaults);
  whole('colours', full.colours, 1, 3);
  whole('classes', full.classes, 2, 65536);
  const tokens = 1 + countPatches(full, full.patch);
  whole('patches and class token', tokens, 2, 4096, 'use a larger patch');
  checkTransformer(full);
  return full;
}

/** A vision transformer. Its batch is an ImageBatch. Throws UsageError for the first value that is
 *  wrong.
 *  @example
 *  const image = { width: 4, height: 4, colours: 1, patch: 2, classes: 2 };
 *  const model = vit({ ...image, layers: 1, channels: 8, heads: 2 });
 *  const trainer = Trainer.create({ model, batch: 2, steps: 30, learningRate: 0.02 });
 *  const images = Uint8Array.from({ length: 32 }, (_, i) => (i < 16 ? 20 : 220)); // dark, light
 *  const batch = { images, labels: Int32Array.of(0, 1) };
 *  while (trainer.steps < 30) trainer.step(batch);
 *  console.log(trainer.evaluate(batch).accuracy); // 1
 */
export const vit = /* @__PURE__ */ definition('vit', (config: VitConfig) => {
  const full = checked(config);
  const { width, height, colours, patch, classes, channels, layers, bias, rule } = full;
  const block = transformerBlock(full, { causal: false, branches: 2 * layers });
  const size = patch * patch * colours;
  const ofPatches = 1 / Math.sqrt(2 * size); // pixels of deviation about 1.2 become states of 0.85
  return {
    config: full,
    input: patches<ImageBatch>({ width, height, colours, patch }),
    layers: [
      linear(channels, { name: 'patch', bias, deviation: ofPatches }),
      classToken({ deviation }),
      positions({ deviation }),
      reversible({ depth: layers, rule, block }),
      row(0),
      layerNorm({ bias }),
      linear(classes, { name: 'head' }),
    ],
    loss: crossEntropy<ImageBatch>({
      targets: ({ labels }) => labels,
      name: 'labels',
      counts: true,
    }),
  };
});
