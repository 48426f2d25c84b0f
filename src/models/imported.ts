// A GPT whose weights came from another program: the same layers with formats that such weights
// need. They are part of its configuration, so checkpoints and threads have them. Without any it is
// gpt() itself.

import { fields, list, reading, refuse, whole } from '../core/check.ts';
import { attention } from '../layers/attention.ts';
import { sequential } from '../layers/chain.ts';
import { embedding } from '../layers/embedding.ts';
import { gelu } from '../layers/gelu.ts';
import type { Layer } from '../layers/layer.ts';
import { layerNorm } from '../layers/layer-norm.ts';
import { linear } from '../layers/linear.ts';
import { type NeuronScale, outliers } from '../layers/outliers.ts';
import { parallel } from '../layers/parallel.ts';
import { MOST_WIDE, magnified, multiplied } from '../layers/rescaled.ts';
import { sublayer } from '../reversible/block.ts';
import { definition } from './define.ts';
import { type GptConfig, gpt } from './gpt.ts';
import type { Adapter } from './model.ts';
import { reversible } from './stream.ts';

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

/** A GPT with formats. */
export interface ImportedGptConfig extends GptConfig {
  /** Formats of imported weights (none). */
  formats?: ImportedFormats | undefined;
}

function checkedFormats(given: ImportedFormats, neurons: number): Required<ImportedFormats> {
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
export function idleColumns({ formats }: ImportedGptConfig, path: string): readonly number[] {
  const [, block] = /^block\.(\d+)\.down\.weight$/.exec(path) ?? [];
  return (formats?.outliers[Number(block)] ?? []).map(([neuron]) => neuron);
}

/** An adapter that leaves those columns alone. */
function besides(formats: ImportedFormats, adapter: Adapter | undefined): Adapter | undefined {
  const idle = formats.outliers.map((block) => block.map(([neuron]) => neuron));
  return (
    adapter && {
      ...adapter,
      matrix: (at, shape) =>
        adapter.matrix(at, shape.name === 'down.' ? { ...shape, idle } : shape),
    }
  );
}

function mlpOf(config: Required<GptConfig>, formats: ImportedFormats, deviation: number): Layer {
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
  const { vocabulary, channels, layers: depth, heads, bias, tied, rule } = full;
  const formats = checkedFormats(given, channels * full.mlpRatio);
  const deviation = 0.02 / Math.sqrt(2 * depth);
  const norm = (name: string, wide: number[] = []): Layer =>
    magnified(formats.magnified, layerNorm({ name, bias }), wide);
  const wide = (i: 0 | 1): number[] => formats.norms.map((widths) => widths[i]);
  const block = [
    sublayer(norm('norm1', wide(0)), attention({ heads, causal: true, bias, deviation })),
    sublayer(norm('norm2', wide(1)), mlpOf(full, formats, deviation)),
  ];
  const head = linear(vocabulary, tied ? { shares: 'token.weight' } : { name: 'head' });
  const [{ input }] = plain.streams;
  return {
    config: { ...full, formats, adapter: besides(formats, full.adapter) },
    input,
    layers: [
      embedding({ vocabulary, channels }),
      reversible({ depth, rule, block }),
      norm('norm'),
      multiplied(formats.logits, head),
    ],
    loss: plain.loss,
  };
});
