// What weights of other programs ask of a model: formats of their values, all by powers of two, and
// the blocks and the head that have them. They are part of a model's configuration, so checkpoints
// and threads have them too.

import { fields, list, refuse, whole } from '../core/check.ts';
import { attention } from '../layers/attention.ts';
import { sequential } from '../layers/chain.ts';
import { gelu } from '../layers/gelu.ts';
import type { Layer } from '../layers/layer.ts';
import { layerNorm } from '../layers/layer-norm.ts';
import { linear } from '../layers/linear.ts';
import { type NeuronScale, outliers } from '../layers/outliers.ts';
import { parallel } from '../layers/parallel.ts';
import { MOST_WIDE, magnified } from '../layers/rescaled.ts';
import { type Sublayer, sublayer } from '../reversible/block.ts';
import type { Adapter } from './model.ts';
import type { TransformerConfig } from './transformer.ts';

/** Formats of weights that came from another program, all by powers of two. */
export interface ImportedFormats {
  /** The residual stream holds 2^-residual of its values, 0..8. */
  readonly residual: number;
  /** Layer norms read it times 2^magnified, -2..12: epsilon is 1e-5 * 4^-magnified. */
  readonly magnified: number;
  /** Logits are 2^logits times the head's products, 0..16. */
  readonly logits: number;
  /** Of each block: the neurons with products of their own: number in the MLP, and the scales of
   *  its row and its column. */
  readonly outliers: readonly (readonly OutlierNeuron[])[];
  /** Of each block, by how many binary digits the outputs of its two layer norms are wider than
   *  +-16, 0..4 each (none). */
  readonly norms?: readonly NormWidths[] | undefined;
}

/** Of a block: in front of attention, and of the MLP. */
export type NormWidths = readonly [attention: number, mlp: number];

/** Its number in the MLP that it is from, and the powers of two of its row and its column. */
export type OutlierNeuron = readonly [neuron: number, row: number, column: number];

/** Formats, every value checked. Throws UsageError for the first that is wrong. */
export function checkedFormats(given: ImportedFormats, neurons: number): Required<ImportedFormats> {
  const need = {
    residual: undefined,
    magnified: undefined,
    logits: undefined,
    outliers: undefined,
    norms: [],
  };
  const formats = fields('formats', given, need);
  whole('formats.residual', formats.residual, 0, 8);
  whole('formats.magnified', formats.magnified, -2, 12);
  whole('formats.logits', formats.logits, 0, 16);
  const neuron = (name: string, value: unknown): OutlierNeuron => {
    const one = list(name, value as OutlierNeuron, (of, n) => whole(of, n, -24, 2 ** 15), 3);
    if (one.length > 3) refuse(name, value, 'a number and two powers');
    return [whole(`${name}[0]`, one[0], 0, neurons - 1), one[1], one[2]];
  };
  const block = (name: string, value: unknown): OutlierNeuron[] =>
    list(name, value as OutlierNeuron[], neuron, 0, 1024);
  const width = (name: string, value: unknown): number => whole(name, value, 0, MOST_WIDE);
  const widths = (name: string, value: unknown): NormWidths => {
    const [attention, mlp] = list(name, value as NormWidths, width, 2, 2);
    return [attention, mlp];
  };
  return {
    ...formats,
    outliers: list('formats.outliers', formats.outliers, block, 0, 1024),
    norms: list('formats.norms', formats.norms, widths, 0, 1024),
  };
}

/** How many neurons of a block have products of their own: as many in all. */
const widest = ({ outliers: blocks }: ImportedFormats): number =>
  Math.max(0, ...blocks.map((block) => block.length));

/** Columns of a matrix that an adapter leaves alone: of `down` those of outlier neurons, whose own
 *  products are elsewhere, so that B A is added to what other programs compute, and to no more. */
export function idleColumns(
  { formats }: { readonly formats?: ImportedFormats | undefined },
  path: string,
): readonly number[] {
  const [, block] = /^block\.(\d+)\.down\.weight$/.exec(path) ?? [];
  return (formats?.outliers[Number(block)] ?? []).map(([neuron]) => neuron);
}

/** An adapter that leaves alone the columns of neurons whose products are elsewhere. */
export function besides(
  formats: ImportedFormats,
  adapter: Adapter | undefined,
): Adapter | undefined {
  const idle = formats.outliers.map((block) => block.map(([neuron]) => neuron));
  return (
    adapter && {
      ...adapter,
      matrix: (at, shape) =>
        adapter.matrix(at, shape.name === 'down.' ? { ...shape, idle } : shape),
    }
  );
}

type Config = Required<Omit<TransformerConfig, 'adapter' | 'operands'>>;

function mlpOf(config: Config, formats: ImportedFormats, deviation: number): Layer {
  const { channels: C, mlpRatio, bias } = config;
  const mlp = sequential(
    linear(mlpRatio * C, { name: 'up', bias }),
    gelu(),
    linear(C, { name: 'down', bias, deviation }),
  );
  const count = widest(formats);
  if (count === 0) return mlp;
  const scales = formats.outliers.map((block) =>
    block.map(([, row, column]): NeuronScale => [row, column]),
  );
  return parallel(mlp, outliers({ count, bias, scales }));
}

/** A layer norm of a residual stream with such formats. */
export const normWith = (
  { magnified: k }: ImportedFormats,
  options: { name: string; bias: boolean },
  wide?: number[],
): Layer => magnified(k, layerNorm(options), wide);

/** The sublayers of a block with formats: attention and an MLP, each behind a layer norm. */
export function blockWith(
  config: Config,
  formats: Required<ImportedFormats>,
  causal: boolean,
): Sublayer[] {
  const { layers, heads, bias } = config;
  const deviation = 0.02 / Math.sqrt(2 * layers);
  const wide = (i: 0 | 1): number[] => formats.norms.map((widths) => widths[i]);
  const norm = (name: string, i: 0 | 1): Layer => normWith(formats, { name, bias }, wide(i));
  return [
    sublayer(norm('norm1', 0), attention({ heads, causal, bias, deviation })),
    sublayer(norm('norm2', 1), mlpOf(config, formats, deviation)),
  ];
}
