// An imported model as any other program computes it: its formats (models/imported-formats.ts)
// undone. All of them are powers of two, so a tensor's fraction bits change and its integers do
// not; only the rows and columns of outlier neurons go back to where they were.

import { list, properties, reading } from '../core/check.ts';
import { UsageError } from '../core/errors.ts';
import type { GptConfig } from '../models/gpt.ts';
import { type ImportedGptConfig, importedGpt } from '../models/imported.ts';
import type { ImportedFormats, OutlierNeuron } from '../models/imported-formats.ts';
import { type ImportedVitConfig, importedVit } from '../models/imported-vit.ts';
import { isWeight, type NamedTensor, readTensor } from '../train/tensors.ts';

/** A model without formats. */
export interface PlainModel<Config> {
  /** Its configuration, without formats. */
  readonly config: Config;
  /** Its weights, under the names and shapes of such a model; fraction bits may be other than 24.
   */
  readonly tensors: readonly NamedTensor[];
  /** Of its layer norms. */
  readonly epsilon: number;
}

/** A GPT without formats. */
export type PlainGpt = PlainModel<GptConfig>;

/** Where the numbers of outlier neurons go: lines of the tensor, and powers of two. */
interface Merge {
  readonly from: NamedTensor;
  readonly neurons: readonly OutlierNeuron[];
  /** Elements between two of a line, and between two lines: of the tensor, of the outliers'. */
  readonly step: readonly [inTensor: number, inOutliers: number];
  readonly line: readonly [inTensor: number, inOutliers: number];
  readonly length: number;
  readonly exponent: (neuron: OutlierNeuron) => number;
}

/** The tensor with the lines of its outlier neurons, at as many fraction bits as they leave. */
function merged({ name, shape, data, fraction }: NamedTensor, merge: Merge): NamedTensor {
  const { from, neurons, step, line, length, exponent } = merge;
  const values: [at: number, value: number][] = [];
  neurons.forEach((neuron, i) => {
    const unit = 2 ** (exponent(neuron) - from.fraction);
    for (let e = 0; e < length; e++)
      values.push([neuron[0] * line[0] + e * step[0], from.data[i * line[1] + e * step[1]] * unit]);
  });
  const most = values.reduce((largest, [, value]) => Math.max(largest, Math.abs(value)), 0);
  let bits = fraction;
  while (most * 2 ** bits >= 2 ** 31 - 1) bits--;
  const out = data.map((raw) => Math.round(raw * 2 ** (bits - fraction)));
  for (const [at, value] of values) out[at] = Math.round(value * 2 ** bits);
  return { name, shape, data: out, fraction: bits };
}

/** Undoes the formats of one model. */
class Undo {
  private readonly byName: ReadonlyMap<string, NamedTensor>;
  /** Of what comes before the last layer norm, and of that. */
  private readonly last: number;

  constructor(
    private readonly formats: ImportedFormats,
    tensors: readonly NamedTensor[],
    isTied: boolean,
  ) {
    this.byName = new Map(tensors.map((tensor) => [tensor.name, tensor]));
    this.last = formats.logits - (isTied ? formats.residual : 0);
  }

  private exponent(name: string): number {
    if (/^(token|position|patch|class)\.|^block\.\d+\.(projection|down)\./.test(name))
      return this.formats.residual;
    return name.startsWith('norm.') ? this.last : 0;
  }

  private outliers(name: string): NamedTensor {
    const found = this.byName.get(name);
    if (found === undefined) throw new UsageError(`tensor ${name} is missing`);
    return found;
  }

  undo(tensor: NamedTensor): NamedTensor {
    const { name, shape, fraction } = tensor;
    const { residual, outliers } = this.formats;
    const scaled = { ...tensor, fraction: fraction - this.exponent(name) };
    const [, k, layer, kind] = /^block\.(\d+)\.(up|down)\.(weight|bias)$/.exec(name) ?? [];
    const neurons = outliers[Number(k)] ?? [];
    if (k === undefined || neurons.length === 0 || `${layer}.${kind}` === 'down.bias')
      return scaled;
    const from = this.outliers(`block.${k}.outlier.${layer}.${kind}`);
    const [rows, columns = 1] = shape;
    const count = from.shape[1];
    if (layer === 'up')
      return merged(scaled, {
        from,
        neurons,
        step: [1, 1],
        line: [columns, columns],
        length: columns,
        exponent: ([, row]) => row,
      });
    return merged(scaled, {
      from,
      neurons,
      step: [columns, count],
      line: [1, 1],
      length: rows,
      exponent: ([, , column]) => column + residual,
    });
  }
}

type Imported = (ImportedGptConfig | ImportedVitConfig) & { readonly tied?: boolean | undefined };

/** The model's configuration with its defaults: only a vision transformer has patches. */
const fullConfig = (config: Imported): Imported =>
  reading('config', () => 'patch' in Object(config))
    ? (importedVit(config as ImportedVitConfig).config as Imported)
    : (importedGpt(config as ImportedGptConfig).config as Imported);

/** A GPT or a vision transformer whose weights were imported, as any other program computes it: its
 *  formats undone, which changes no value by more than a rounding of outlier neurons. Of a model
 *  without formats: itself.
 *  @example
 *  const shape = { vocabulary: 4, layers: 1, channels: 8, heads: 2, context: 4 };
 *  const formats = { residual: 2, magnified: 2, logits: 2, outliers: [[[5, 0, 1]]] };
 *  const model = importedGpt({ ...shape, formats });
 *  const trainer = Trainer.create({ model, batch: 1, steps: 1 });
 *  const { config, tensors } = withoutFormats(model.config, trainer.tensors());
 *  console.log(config.formats, tensors[0].fraction); // undefined 22
 */
export function withoutFormats<Config extends ImportedGptConfig | ImportedVitConfig>(
  config: Config,
  tensors: readonly NamedTensor[],
): PlainModel<Omit<Config, 'formats'>> {
  const full = fullConfig(config);
  const weights = list('tensors', tensors, readTensor).filter(isWeight);
  const { formats, ...rest } = properties('config', full, [
    ...(Object.keys(full) as (keyof Imported)[]),
    'formats',
  ]);
  const plain = rest as unknown as Omit<Config, 'formats'>;
  if (formats === undefined) return { config: plain, tensors: weights, epsilon: 1e-5 };
  const isTied = !('patch' in full) && full.tied !== false;
  const undo = new Undo(formats, weights, isTied);
  return {
    config: plain,
    tensors: weights
      .filter(({ name }) => !/^block\.\d+\.outlier\./.test(name))
      .map((tensor) => undo.undo(tensor)),
    epsilon: 1e-5 * 4 ** (formats.residual - formats.magnified),
  };
}
