// From the weights of a vision transformer of another program to a model that learns on,
// classifies and leaves again.

import { UsageError } from '../core/errors.ts';
import {
  type ImageBatch,
  type ImportedVitConfig,
  importedVit,
  patchesOf,
  plain,
  type UpdateRule,
} from '../index.ts';
import { arrive, type Imported, mlpRatioOf } from './arrive.ts';
import { type ForeignModel, readMatrix, readVector } from './foreign.ts';
import { type Measures, measure } from './measure.ts';
import type { TensorSource } from './pieces.ts';
import { product, type Rows, rowsOf } from './real.ts';
import { type VitShape, vitSource } from './vit-names.ts';

/** How the weights of a vision transformer are imported. */
export interface ImportVitOptions {
  /** Images of the kind that the model will see, uint8 [height, width, colours] each, one after the
   *  other or as a list: formats are chosen from how large values become on them. Without them
   *  weights are taken as they are. */
  calibrate?: Uint8Array | readonly Uint8Array[] | undefined;
  /** preprocessor_config.json, parsed: what the program makes of bytes (as ViTImageProcessor does
   *  by itself; of a file that this library wrote: what that says). */
  preprocessor?: object | undefined;
  /** How blocks change the residual stream (plain(): the model that it was). */
  rule?: UpdateRule | undefined;
  /** Called after each block that was measured, of so many. */
  onBlock?: ((done: number, of: number) => void) | undefined;
}

/** The images to calibrate with. */
function imagesOf(given: ImportVitOptions['calibrate'], shape: VitShape): Uint8Array[] {
  if (given === undefined) return [];
  const { width, height, colours } = shape;
  const size = width * height * colours;
  const lists = ArrayBuffer.isView(given) ? [given] : [...given];
  return lists.flatMap((bytes) => {
    const { length } = Object(bytes) as Uint8Array;
    if (ArrayBuffer.isView(bytes) && length > 0 && length % size === 0)
      return Array.from({ length: length / size }, (_, i) =>
        Uint8Array.from(bytes.subarray(i * size, (i + 1) * size)),
      );
    throw new UsageError(
      `an image to calibrate with has ${length ?? 'no'} bytes, expected ${size}: ` +
        `${height} x ${width} x ${colours}`,
      'row by row, channel last',
    );
  });
}

/** An image's patches as our first layer reads them. */
function patchRows(image: Uint8Array, shape: VitShape): Rows {
  const { width, height, colours: channels, patch } = shape;
  const raw = new Int16Array(image.length);
  patchesOf(image, { width, height, channels }, patch, raw);
  const columns = patch * patch * channels;
  return { rows: raw.length / columns, columns, values: Float64Array.from(raw, (p) => p / 2048) };
}

/** Measures a model on images, patches and class token first. */
async function measured(
  model: ForeignModel<VitShape>,
  images: readonly Uint8Array[],
  onBlock: (done: number) => void,
): Promise<Measures> {
  const { channels: C, patch, colours, width, height, bias } = model.shape;
  const rows = 1 + (width / patch) * (height / patch);
  const weight = await readMatrix(model, 'patch.weight', C, patch * patch * colours);
  const ofPatches = bias ? await readVector(model, 'patch.bias', C) : undefined;
  const token = await readMatrix(model, 'class.weight', 1, C);
  const positions = await readMatrix(model, 'position.weight', rows, C);
  let input = 0;
  const states = images.map((image) => {
    const state = rowsOf(rows, C);
    const branch = product(patchRows(image, model.shape), weight, ofPatches).values;
    input = branch.reduce((most, value) => Math.max(most, Math.abs(value)), input);
    for (let i = 0; i < state.values.length; i++)
      state.values[i] = (i < C ? token[i] : branch[i - C]) + positions[i];
    return state;
  });
  return { ...(await measure(model, states, onBlock)), input };
}

/** A model of ours, or an error that says where to look. */
function modelOf(config: ImportedVitConfig) {
  try {
    return importedVit(config);
  } catch (error) {
    if (!(error instanceof UsageError) || error.hint !== undefined) throw error;
    throw new UsageError(error.message, 'docs/import.md says which vision transformers are taken');
  }
}

/** A vision transformer of another program: from `openSafetensors` or `openSharded`, under the
 *  names of Hugging Face's ViTForImageClassification, with config.json. The model has the rule
 *  plain(), and a bias of its head if there is one. Throws CheckpointError for tensors that are
 *  missing, unknown, of another shape, not finite or beyond +-16, by name and place; UsageError for
 *  what is no such model, and for images that are of another size.
 *  @example
 *  const image = { width: 4, height: 4, colours: 1, patch: 2, classes: 2 };
 *  const model = vit({ ...image, layers: 1, channels: 8, heads: 2 });
 *  const first = Trainer.create({ model, batch: 1, steps: 1 });
 *  const files = exportHf(first);
 *  const [weights, json] = ['model.safetensors', 'config.json'].map((name) => files[name].bytes());
 *  const read = (offset, length) => weights.slice(offset, offset + length);
 *  const source = await openSafetensors({ size: weights.length, read });
 *  const imported = await importVit(source, JSON.parse(new TextDecoder().decode(json)));
 *  const trainer = Trainer.create({ ...imported.options, batch: 1, steps: 10 });
 *  await imported.load(trainer);
 *  console.log((await trainer.weightsSha256()) === (await first.weightsSha256())); // true
 */
export async function importVit(
  source: TensorSource,
  config: object,
  { rule = plain(), calibrate, preprocessor, onBlock }: ImportVitOptions = {},
): Promise<Imported<ImportedVitConfig, ImageBatch>> {
  const foreign = await vitSource(source, config, preprocessor);
  const { shape } = foreign;
  const { width, height, colours, patch, classes, layers, channels, heads, bias } = shape;
  const sizes = { width, height, colours, patch, classes, layers, channels, heads, bias };
  const headBias = shape.headBias ? { headBias: true } : {};
  const plainConfig = { ...sizes, mlpRatio: mlpRatioOf(foreign), rule, ...headBias };
  modelOf(plainConfig); // refuses what cannot be before anything is read
  const images = imagesOf(calibrate, shape);
  const measures =
    images.length === 0
      ? undefined
      : await measured(foreign, images, (done) => onBlock?.(done, layers));
  const model = (formats: ImportedVitConfig['formats']) => modelOf({ ...plainConfig, formats });
  return arrive<ImportedVitConfig, ImageBatch>({ foreign, measures, rule, model });
}
