// A model of images at work: an integer discrete flow with its weights. Its name is the SHA-256 of
// what decides the numbers of its priors:
//
//   the configuration as JSON: width, height, colours, levels, flows, channels, components, seed
//   of each tensor of weights, by name: the name, a zero byte, its int32, little-endian

import { instance, list, properties, text, typed, whole } from '../core/check.ts';
import { copyOf } from '../core/copy.ts';
import { hex, sha256 } from '../core/digest.ts';
import {
  decodeCheckpoint,
  type IdfConfig,
  idf,
  idfFlows,
  isWeight,
  type NamedWeights,
} from '../index.ts';
import { CodecError } from './errors.ts';
import { Turns } from './pause.ts';
import { TileCoder } from './tile-coder.ts';

const encoder = new TextEncoder();

function littleEndian(data: Int32Array): Uint8Array {
  const bytes = new Uint8Array(data.length * 4);
  const view = new DataView(bytes.buffer);
  for (const [i, value] of data.entries()) view.setInt32(i * 4, value, true);
  return bytes;
}

/** Copies of the weights among tensors, in the order of their names. */
function weightsOf(given: readonly NamedWeights[]): NamedWeights[] {
  const tensors = list('tensors', given as ArrayLike<unknown>, (what, tensor) => {
    const { name, data } = properties(what, tensor as NamedWeights, ['name', 'data']);
    text(`name of ${what}`, name);
    return { name, data: new Int32Array(typed(name, data, 'Int32Array')) };
  });
  return tensors.filter(isWeight).sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** What the model's name is the digest of. */
function* named(shape: readonly number[], tensors: readonly NamedWeights[]) {
  yield encoder.encode(JSON.stringify(shape));
  for (const { name, data } of tensors) {
    yield encoder.encode(`${name}\0`);
    yield littleEndian(data);
  }
}

/** A model of images, ready for work: of a checkpoint of `idf`, or of a trainer of it.
 *  @example
 *  const config = { width: 4, height: 4, levels: 1, flows: 1, channels: 4 };
 *  const trainer = Trainer.create({ model: idf(config), batch: 1, steps: 1 });
 *  const model = ImageModel.of(config, trainer.tensors());
 *  console.log(model.id.length, model.colours, model.parameters); // 64 3 1570
 */
export class ImageModel {
  /** Kept by bundlers. @internal */
  static readonly name: string = 'ImageModel';
  /** SHA-256 of its configuration and weights, 64 hex digits. */
  readonly id: string;
  /** Pixels of a tile from left to right. */
  readonly width: number;
  /** Pixels of a tile from top to bottom. */
  readonly height: number;
  /** Values of a pixel: 1 or 3. */
  readonly colours: number;
  /** Number of weights. */
  readonly parameters: number;
  /** Bytes of memory in use. */
  readonly bytes: number;
  /** @internal */
  readonly tiles: TileCoder;
  /** @internal */
  readonly turns = new Turns();

  private constructor(config: IdfConfig, tensors: readonly NamedWeights[]) {
    const full = idf(config).config as Required<IdfConfig>;
    const { width, height, colours, levels, flows, channels, components, seed } = full;
    if (colours !== 1) whole('colours', colours, 3, 3, 'archives code images of 1 or 3 colours');
    this.tiles = new TileCoder(idfFlows({ ...full, keeps: 'nothing' }), tensors);
    const shape = [width, height, colours, levels, flows, channels, components, seed] as number[];
    this.id = hex(sha256(named(shape, tensors)));
    this.width = width;
    this.height = height;
    this.colours = colours as number;
    this.parameters = tensors.reduce((sum, { data }) => sum + data.length, 0);
    this.bytes = this.tiles.bytes;
  }

  /** The model of a configuration and tensors, as a trainer of `idf` has them; those of its
   *  optimizer are left out. Throws UsageError if they are not the model's.
   *  @example
   *  const config = { width: 4, height: 4, colours: 1, levels: 1, flows: 1, channels: 4 };
   *  const trainer = Trainer.create({ model: idf(config), batch: 1, steps: 1 });
   *  console.log(ImageModel.of(config, trainer.tensors()).width); // 4
   */
  static of(config: IdfConfig, tensors: readonly NamedWeights[]): ImageModel {
    return new ImageModel(config, weightsOf(tensors));
  }

  /** The model of a checkpoint of `idf`. Throws CheckpointError as decodeCheckpoint does;
   *  CodecError (foreign) for one of another model.
   *  @example
   *  const model = idf({ width: 4, height: 4, colours: 1, levels: 1, flows: 1, channels: 4 });
   *  const trainer = Trainer.create({ model, batch: 1, steps: 1 });
   *  const { options, steps: step } = trainer;
   *  const about = { vocabulary: null, dataSha256: '0'.repeat(64), libraryVersion: '0.1.0' };
   *  const run = { tensors: trainer.tensors(), options, step, ...about };
   *  const read = await ImageModel.read(await encodeCheckpoint(run, { models: [idf] }));
   *  console.log(read.id === ImageModel.of(model.config, trainer.tensors()).id); // true
   */
  static async read(file: Uint8Array): Promise<ImageModel> {
    const { options, tensors } = await decodeCheckpoint(copyOf('file', file), { models: [idf] });
    const { name, config } = options.model;
    if (name !== 'idf')
      throw new CodecError(
        'foreign',
        `the checkpoint is of ${name}, expected idf`,
        'train a model of images with idf()',
      );
    return new ImageModel(config as IdfConfig, weightsOf(tensors));
  }
}

/** Throws UsageError for what is no model. */
export const checkImageModel = (model: ImageModel): ImageModel =>
  instance<ImageModel>('model', model, ImageModel, 'an ImageModel: await ImageModel.read(file)');
