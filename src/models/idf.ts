// Integer discrete flows (Hoogeboom, Peters, van den Berg, Welling, "Integer Discrete Flows and
// Lossless Compression", NeurIPS 2019): levels of squeeze, couplings after fixed orders of
// channels, and a split; trained here in integers, too. The coupling network is a residual one of
// the size that a CPU can train, not the DenseNet of the paper.

import { fields, whole } from '../core/check.ts';
import { sequential } from '../layers/chain.ts';
import { conv2d } from '../layers/conv2d.ts';
import { sumOf } from '../layers/parallel.ts';
import { pixelValues } from '../layers/pixel-values.ts';
import { relu } from '../layers/relu.ts';
import { skip } from '../layers/skip.ts';
import { discretisedLogistic } from '../loss/discretised-logistic.ts';
import { additiveCoupling } from '../reversible/additive-coupling.ts';
import type { Flow } from '../reversible/flow.ts';
import type { NetMaker } from '../reversible/flow-net.ts';
import { type FlowLayer, flowStack } from '../reversible/flow-stack.ts';
import { mixturePrior } from '../reversible/mixture-prior.ts';
import { shuffleChannels, squeeze } from '../reversible/reorder.ts';
import { split } from '../reversible/split.ts';
import { definition } from './define.ts';

/** Fraction bits of a state: a byte's step is one. */
const FRACTION = 7;

/** An integer discrete flow: what it looks at and how large it is. */
export interface IdfConfig {
  /** Pixels from left to right, a multiple of 2^levels. */
  width: number;
  /** Pixels from top to bottom, likewise. */
  height: number;
  /** Values of a pixel, 1..4 (3). */
  colours?: number | undefined;
  /** Squeezes (3). */
  levels?: number | undefined;
  /** Couplings of a level (4). */
  flows?: number | undefined;
  /** Channels of the networks (64). */
  channels?: number | undefined;
  /** Logistics of an element of the last image (5). */
  components?: number | undefined;
  /** Of the orders of channels (1). */
  seed?: number | undefined;
  /** Whether activations are kept or rebuilt ('nothing'). */
  keeps?: 'nothing' | 'activations' | undefined;
}

/** Images, one after the other, row by row, channel last. */
export interface PixelBatch {
  /** uint8 [B, height, width, colours]. */
  images: Uint8Array;
}

/** h = relu(a x); h + relu(c relu(b h)); of that and of x the output, which begins at 0. */
export const residualNet =
  (channels: number): NetMaker =>
  (out, _, width) => {
    const hidden = (name: string, kernel: number) =>
      conv2d(channels, { name, kernel, width, bias: true });
    const last = { width, deviation: 0 };
    return [
      sumOf(
        sequential(
          hidden('first', 3),
          relu(),
          skip(hidden('second', 1), relu(), hidden('third', 3), relu()),
          conv2d(out, { ...last, name: 'out', bias: true }),
        ),
        conv2d(out, { ...last, name: 'direct' }),
      ),
    ];
  };

function checked(config: IdfConfig) {
  const size = { width: undefined, height: undefined, colours: 3, seed: 1 };
  const depth = { levels: 3, flows: 4, channels: 64, components: 5, keeps: 'nothing' } as const;
  const full = fields<IdfConfig>('model', config, { ...size, ...depth });
  whole('levels', full.levels, 1, 8);
  whole('flows', full.flows, 1, 64);
  whole('channels', full.channels, 1, 4096);
  whole('seed', full.seed, 0, 2 ** 32 - 1);
  return full;
}

/** The flows of such a model, for what codes with it. Throws UsageError as idf does.
 *  @example
 *  const { last, priors } = idfFlows({ width: 32, height: 32 });
 *  console.log(last.channels, priors.length); // 48 3
 */
export function idfFlows(config: IdfConfig): FlowLayer {
  const { width, height, colours, levels, flows, channels, components, seed, keeps } =
    checked(config);
  const net = residualNet(channels);
  const all: Flow[] = [];
  for (let level = 0; level < levels; level++) {
    all.push(squeeze());
    for (let k = 0; k < flows; k++) {
      all.push(shuffleChannels(seed + level * flows + k));
      all.push(additiveCoupling({ name: `level.${level}.${k}`, net }));
    }
    if (level < levels - 1) all.push(split({ name: `level.${level}.prior`, net }));
  }
  all.push(mixturePrior({ components }));
  const shape = { height, width, channels: colours, fraction: FRACTION };
  return flowStack({ shape, flows: all, keeps });
}

/** An integer discrete flow. Its batch is a PixelBatch, its loss bits a dimension: what a coder
 *  needs for a byte of the images. Throws UsageError for the first value that is wrong.
 *  @example
 *  const model = idf({ width: 4, height: 4, colours: 1, levels: 1, flows: 2, channels: 4 });
 *  const trainer = Trainer.create({ model, batch: 2, steps: 100, learningRate: 0.05 });
 *  const batch = { images: Uint8Array.from({ length: 32 }, (_, i) => 100 + (i % 4)) };
 *  while (trainer.steps < 100) trainer.step(batch);
 *  console.log(trainer.evaluate(batch).loss < 4); // true
 */
export const idf = /* @__PURE__ */ definition('idf', (config: IdfConfig) => {
  const full = checked(config);
  const { width, height, colours } = full;
  const flows = idfFlows(full);
  return {
    config: full,
    input: pixelValues<PixelBatch>({ width, height, colours }),
    layers: [flows],
    loss: discretisedLogistic({ flows }),
  };
});
