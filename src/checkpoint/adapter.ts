// Low-rank adapters as files: B alone, as a run has it, with the seed of A and the SHA-256 of the
// weights that it was trained on; and merged into those weights.

import { list, properties, reading, show, text, typed } from '../core/check.ts';
import { hex, sha256 } from '../core/digest.ts';
import { CheckpointError, UsageError } from '../core/errors.ts';
import { type FullLora, lora, loraOf, loraShift, loraSigns } from '../layers/lora.ts';
import { MASTER_FRACTION, WEIGHT_LIMIT } from '../memory/formats.ts';
import { type ImportedGptConfig, importedGpt } from '../models/imported.ts';
import { idleColumns } from '../models/imported-formats.ts';
import { isWeight, type NamedTensor, readTensor } from '../train/tensors.ts';
import type { Trainer } from '../train/trainer.ts';
import { int32FromLittleEndian, toLittleEndian } from './bytes.ts';
import { parseJson } from './json.ts';
import { loadWeights } from './load.ts';
import { decodeSafetensors, encodeSafetensors } from './safetensors.ts';

const FORMAT = 'retrograd-adapter';
const VERSION = '1';

/** A run with an adapter: a Trainer, what `decodeCheckpoint` gave, or these of its properties. */
export interface AdaptedRun {
  /** The model, by name and configuration. */
  readonly options: { readonly model: { readonly name: string; readonly config: unknown } };
  /** Its weights; what an optimizer keeps is left out. */
  readonly tensors: readonly NamedTensor[] | (() => readonly NamedTensor[]);
}

/** What an adapter adds to one matrix: y = x (W + B A)^T. */
export interface AdapterPart {
  /** W [out, in]. */
  readonly matrix: NamedTensor;
  /** A [r, in]: entries are 0 and +-2^-k. */
  readonly a: Float32Array;
  /** B [out, r]. */
  readonly b: NamedTensor;
}

/** An adapter and what it was trained on. */
export interface ReadAdapter {
  /** The model, by name and configuration. */
  readonly model: { readonly name: string; readonly config: ImportedGptConfig };
  /** How A is drawn, and which matrices have one. */
  readonly options: FullLora;
  /** The weights below it, in the order of forward. */
  readonly base: readonly NamedTensor[];
  /** What it adds, in the same order. */
  readonly parts: readonly AdapterPart[];
}

/** The model and the weights of a run. */
function contentsOf(run: AdaptedRun): Pick<ReadAdapter, 'model'> & { weights: NamedTensor[] } {
  const { options, tensors } = properties('the run', run, ['options', 'tensors']);
  const { model } = properties('the options', options, ['model']);
  const { name, config: given } = properties('the model', model, ['name', 'config']);
  const config = (name === 'gpt' ? importedGpt(given as never).config : given) as ImportedGptConfig;
  const all =
    typeof tensors === 'function' ? reading('tensors()', () => tensors.call(run)) : tensors;
  const weights = list('tensors', all, (what, one) => readTensor(what, one)).filter(isWeight);
  return { model: { name: text('its name', name), config }, weights };
}

function optionsOf(config: ImportedGptConfig): FullLora {
  const { adapter } = properties('the configuration', config, ['adapter']);
  if (adapter === undefined)
    throw new UsageError('the model has no adapter', 'make it with adapter: lora({ ... })');
  const { name, options } = properties('the adapter', adapter, ['name', 'options']);
  if (name !== 'lora') throw new UsageError(`the adapter is ${show(name)}, expected lora`);
  return lora(options as FullLora).options;
}

/** The adapter of a run: of each matrix A, which is drawn, written out, and B. Throws UsageError
 *  for a run without one.
 *  @example
 *  const shape = { vocabulary: 4, layers: 2, channels: 8, heads: 2, context: 4 };
 *  const model = gpt({ ...shape, adapter: lora({ rank: 2, on: ['qkv'] }) });
 *  const { parts } = readAdapter(Trainer.create({ model, batch: 1, steps: 10 }));
 *  console.log(parts.map(({ matrix, a }) => `${matrix.name} ${a[0]}`).join());
 *  // block.0.qkv.weight -0.25,block.1.qkv.weight 0.25
 */
export function readAdapter(run: AdaptedRun): ReadAdapter {
  const { model, weights } = contentsOf(run);
  const options = optionsOf(model.config);
  const isB = ({ name }: NamedTensor): boolean => loraOf(name) !== undefined;
  const base = weights.filter((tensor) => !isB(tensor));
  const parts = weights.filter(isB).map((b): AdapterPart => {
    const matrix = matrixOf(b, base, options);
    const [, into] = matrix.shape;
    const unit = 2 ** -loraShift(into);
    const signs = loraSigns(b.name, into, options, idleColumns(model.config, matrix.name));
    return { matrix, a: Float32Array.from(signs, (sign) => sign * unit), b };
  });
  return { model, options, base, parts };
}

/** The matrix that B is the adapter of. */
function matrixOf(b: NamedTensor, base: readonly NamedTensor[], { rank }: FullLora): NamedTensor {
  const found = base.find(({ name }) => name === loraOf(b.name));
  if (found === undefined)
    throw new UsageError(`${b.name} is the adapter of a matrix that shares its weights`);
  const [out, into] = found.shape;
  const isWhole = found.data.length === out * into && b.data.length === out * rank;
  if (isWhole && `${found.shape}; ${b.shape}` === `${[out, into]}; ${[out, rank]}`) return found;
  throw new UsageError(
    `${b.name} has shape [${b.shape}], expected that of an adapter of rank ${rank} of ` +
      `[${found.shape}]`,
  );
}

const digestOf = (tensors: readonly NamedTensor[]): string =>
  hex(sha256(tensors.map(({ data }) => toLittleEndian(data))));

/** The adapter of a run as a file (safetensors): B of every matrix, how A is drawn, and the
 *  SHA-256 of the weights below it, which is that of the run that they are from. Throws UsageError
 *  for a run without one.
 *  @example
 *  const shape = { vocabulary: 4, layers: 2, channels: 8, heads: 2, context: 4 };
 *  const model = gpt({ ...shape, adapter: lora({ rank: 2, on: ['qkv'] }) });
 *  const trainer = Trainer.create({ model, batch: 1, steps: 10 });
 *  const other = Trainer.create({ model, batch: 1, steps: 10 });
 *  const batch = { inputs: Int32Array.of(0, 1, 2, 3), targets: Int32Array.of(1, 2, 3, 0) };
 *  while (trainer.steps < 10) trainer.step(batch);
 *  loadAdapter(other, exportAdapter(trainer, '0.1.0'));
 *  console.log(other.evaluate(batch).loss === trainer.evaluate(batch).loss); // true
 */
export function exportAdapter(run: AdaptedRun, libraryVersion: string): Uint8Array<ArrayBuffer> {
  const { options, base, parts } = readAdapter(run);
  return encodeSafetensors({
    metadata: {
      format: FORMAT,
      version: VERSION,
      library: text('libraryVersion', libraryVersion),
      base: digestOf(base),
      adapter: JSON.stringify(options),
    },
    tensors: parts.map(({ b: { name, shape, data } }) => ({
      name,
      dtype: 'I32' as const,
      shape,
      bytes: toLittleEndian(data),
    })),
  });
}

/** Brings an adapter that `exportAdapter` wrote into a trainer that has the weights that it was
 *  trained on and an adapter of the same rank, names and seed; the optimizer begins anew. Throws
 *  CheckpointError for a file that is none or of other weights; nothing is changed then.
 *  @example
 *  const shape = { vocabulary: 4, layers: 2, channels: 8, heads: 2, context: 4 };
 *  const model = gpt({ ...shape, adapter: lora({ rank: 2, on: ['qkv'] }) });
 *  const trainer = Trainer.create({ model, batch: 1, steps: 10 });
 *  loadAdapter(trainer, exportAdapter(trainer, '0.1.0'));
 *  console.log(trainer.steps); // 0
 */
export function loadAdapter<Batch>(trainer: Trainer<Batch>, file: Uint8Array): void {
  const { base, options } = readAdapter(trainer);
  const { tensors, metadata } = decodeSafetensors(typed('file', file, 'Uint8Array'));
  const { format, version, base: wanted, adapter = '' } = metadata;
  if (format !== FORMAT) throw new CheckpointError('a safetensors file, but not an adapter');
  if (version !== VERSION)
    throw new CheckpointError(`its format has version ${version}, this library reads ${VERSION}`);
  const own = digestOf(base);
  if (wanted !== own)
    throw new CheckpointError(
      `it is an adapter of weights with SHA-256 ${wanted}, these have ${own}`,
      'load the weights that it was trained on first',
    );
  if (JSON.stringify(parseJson(adapter, 'its field adapter')) !== JSON.stringify(options))
    throw new CheckpointError(
      `it is ${adapter}, the model's adapter is ${JSON.stringify(options)}`,
      'give the model the same adapter: lora({ ... })',
    );
  const given = tensors.map(({ name, shape, bytes }) => {
    const data = int32FromLittleEndian(bytes);
    return { name, shape, data, fraction: MASTER_FRACTION };
  });
  loadWeights(trainer, [...base, ...given]);
}

/** The weights of the model without an adapter that does what this one does: W + B A, rounded half
 *  up to 24 fraction bits. For `loadWeights` into a trainer of the base's model. Its bits are other
 *  ones than with the adapter, as W has a copy of 13 bits; it needs no adapter and no time for it.
 *  @example
 *  const shape = { vocabulary: 4, layers: 2, channels: 8, heads: 2, context: 4 };
 *  const model = gpt({ ...shape, adapter: lora({ rank: 2, on: ['qkv'] }) });
 *  const trainer = Trainer.create({ model, batch: 1, steps: 10 });
 *  const plainly = Trainer.create({ model: gpt(shape), batch: 1, steps: 10 });
 *  loadWeights(plainly, mergeAdapter(trainer));
 *  console.log(plainly.parameters, trainer.parameters); // 1640 1736
 */
export function mergeAdapter(run: AdaptedRun): NamedTensor[] {
  const { base, parts } = readAdapter(run);
  const added = new Map(parts.map((part) => [part.matrix.name, part]));
  return base.map((tensor) => ({ ...tensor, data: withAdded(tensor, added.get(tensor.name)) }));
}

/** W + B A; a copy of W if nothing is added. */
function withAdded({ data }: NamedTensor, part: AdapterPart | undefined): Int32Array {
  const sums = data.slice();
  if (part === undefined) return sums;
  const { matrix, a, b } = part;
  const [out, into] = matrix.shape;
  const [, rank] = b.shape;
  for (let o = 0; o < out; o++)
    for (let i = 0; i < into; i++) {
      let sum = 0; // a multiple of 2^-k below 2^36: exact
      for (let r = 0; r < rank; r++) sum += b.data[o * rank + r] * a[r * into + i];
      const value = sums[o * into + i] + Math.floor(sum + 0.5);
      sums[o * into + i] = Math.min(WEIGHT_LIMIT, Math.max(-WEIGHT_LIMIT, value));
    }
  return sums;
}
