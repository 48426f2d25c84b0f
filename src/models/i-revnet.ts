// i-RevNet (Jacobsen, Smeulders, Oyallon, "i-RevNet: Deep Invertible Networks", ICLR 2018): a
// classifier that loses nothing before its last layer. Images are padded with channels of zeros
// and go through squeezes and additive couplings of half of the channels; a norm, a mean over all
// pixels and a linear layer tell the class. From the last state the images come back, every byte.
// Rounding makes the couplings bijections of whole numbers; there is no batch norm, as nothing may
// depend on another sample.

import { fields, whole } from '../core/check.ts';
import { conv2d } from '../layers/conv2d.ts';
import { layerNorm } from '../layers/layer-norm.ts';
import { linear } from '../layers/linear.ts';
import { pixelValues } from '../layers/pixel-values.ts';
import { avgPool2d } from '../layers/pool2d.ts';
import { relu } from '../layers/relu.ts';
import { crossEntropy } from '../loss/cross-entropy.ts';
import { additiveCoupling } from '../reversible/additive-coupling.ts';
import type { Flow } from '../reversible/flow.ts';
import type { NetMaker } from '../reversible/flow-net.ts';
import { type FlowLayer, flowStack } from '../reversible/flow-stack.ts';
import { shuffleChannels, squeeze } from '../reversible/reorder.ts';
import { definition } from './define.ts';
import type { ImageBatch } from './vit.ts';

/** Fraction bits of a state: 16 steps for each of a byte's, on whose grid shifts are rounded. */
export const I_REVNET_FRACTION = 11;

/** An i-RevNet: what it looks at and how large it is. */
export interface IRevNetConfig {
  /** Pixels of a side of the square images, a multiple of 2^levels. */
  size: number;
  /** Values of a pixel, 1..4. */
  colours: number;
  /** 2..65536. */
  classes: number;
  /** Squeezes (2). */
  levels?: number | undefined;
  /** Couplings of a level (3). */
  blocks?: number | undefined;
  /** Channels of an image before the first squeeze, zeros beyond its colours (4). */
  channels?: number | undefined;
  /** Channels of the networks (32). */
  width?: number | undefined;
  /** Whether activations are kept or rebuilt ('nothing'). */
  keeps?: 'nothing' | 'activations' | undefined;
}

/** A norm of each pixel, two convolutions. The last begins small: shifts are of the order of the
 *  state. */
const network =
  (width: number): NetMaker =>
  (out, _, across) => [
    layerNorm(),
    conv2d(width, { name: 'first', width: across, bias: true }),
    relu(),
    conv2d(out, { name: 'second', width: across, bias: true, deviation: 0.02 }),
  ];

function checked(config: IRevNetConfig) {
  const size = { size: undefined, colours: undefined, classes: undefined };
  const depth = { levels: 2, blocks: 3, channels: 4, width: 32, keeps: 'nothing' } as const;
  const full = fields<IRevNetConfig>('model', config, { ...size, ...depth });
  whole('size', full.size, 2, 1024);
  whole('colours', full.colours, 1, 4);
  whole('classes', full.classes, 2, 65536);
  whole('levels', full.levels, 1, 8);
  whole('blocks', full.blocks, 1, 1024);
  whole('channels', full.channels, full.colours, 1024);
  whole('width', full.width, 1, 4096);
  return full;
}

/** The flows of such a model, for what rebuilds images with it. Throws UsageError as iRevNet does.
 *  @example
 *  const { last } = iRevNetFlows({ size: 28, colours: 1, classes: 10 });
 *  console.log(last.width, last.channels); // 7 64
 */
export function iRevNetFlows(config: IRevNetConfig): FlowLayer {
  const { size, levels, blocks, channels, width, keeps } = checked(config);
  const flows: Flow[] = [];
  for (let level = 0; level < levels; level++) {
    flows.push(squeeze());
    for (let k = 0; k < blocks; k++) {
      flows.push(shuffleChannels(1 + level * blocks + k));
      const name = `level.${level}.${k}`;
      flows.push(additiveCoupling({ name, net: network(width), share: 0.5 }));
    }
  }
  const shape = { height: size, width: size, channels, fraction: I_REVNET_FRACTION };
  return flowStack({ shape, flows, keeps });
}

/** A classifier whose images come back from its last state. Its batch is an ImageBatch. Throws
 *  UsageError for the first value that is wrong.
 *  @example
 *  const model = iRevNet({ size: 4, colours: 1, classes: 2, levels: 1, blocks: 2, width: 4 });
 *  const trainer = Trainer.create({ model, batch: 2, steps: 30, learningRate: 0.02 });
 *  const images = Uint8Array.from({ length: 32 }, (_, i) => (i < 16 ? 20 : 220)); // dark, light
 *  const batch = { images, labels: Int32Array.of(0, 1) };
 *  while (trainer.steps < 30) trainer.step(batch);
 *  console.log(trainer.evaluate(batch).accuracy); // 1
 */
export const iRevNet = /* @__PURE__ */ definition('i-revnet', (config: IRevNetConfig) => {
  const full = checked(config);
  const { size, colours, classes, channels } = full;
  const input = { width: size, height: size, colours, channels, fraction: I_REVNET_FRACTION };
  return {
    config: full,
    input: pixelValues<ImageBatch>(input),
    layers: [
      iRevNetFlows(full),
      layerNorm(),
      relu(),
      avgPool2d({ kernel: 0 }),
      linear(classes, { name: 'head', deviation: 0.1 }),
    ],
    loss: crossEntropy<ImageBatch>({
      targets: ({ labels }) => labels,
      name: 'labels',
      counts: true,
    }),
  };
});
