// Archives of images, coded by a model of images: the block coder of kind 2. An archive's whole
// stream is one block of runs (image-runs.ts).

import type { BlockCoder } from './block-coder.ts';
import { CodecError } from './errors.ts';
import { checkImageModel, type ImageModel } from './image-model.ts';
import { IMAGE, RAW, type Run, RunTrees, runsOf, TEXT } from './image-runs.ts';
import type { Progress } from './pause.ts';
import { RangeEncoder } from './range-coder.ts';
import { StrictDecoder } from './strict-decoder.ts';
import { type Put, putByte, readByte } from './tile-coder.ts';
import { cutTile, fillTile, isWorth, putTile, tilesOf } from './tiles.ts';

/** Most bytes of a block: there is one, with all. */
const ALL = 2 ** 49 - 1;
/** Bytes of text and of raw files between two pauses. */
const PIECE = 2 ** 14;

/** Writes runs, one after the other. */
class RunWriter {
  private readonly trees = new RunTrees();
  private readonly encoder = new RangeEncoder();
  private readonly put: Put = (start, size) => this.encoder.put(start, size);
  private kind = TEXT;

  constructor(
    private readonly model: ImageModel,
    private readonly stream: Uint8Array,
    private readonly progress: Progress,
  ) {}

  async write(run: Run): Promise<void> {
    const { trees, encoder } = this;
    trees.kind(this.kind).encode(encoder, run.kind);
    this.kind = run.kind;
    if (run.kind === IMAGE) return this.writeImage(run);
    trees.lengths[run.kind].encode(encoder, run.length);
    let before = 0;
    for (let at = run.at; at < run.at + run.length; at++) {
      const byte = this.stream[at];
      if (run.kind === RAW) putByte(this.put, byte);
      else trees.byte(before).encode(encoder, byte);
      before = byte;
      if (at % PIECE === 0) await this.progress(at);
    }
  }

  private async writeImage({ at, length, width, height }: Run): Promise<void> {
    const { trees, encoder, model } = this;
    trees.width.encode(encoder, width);
    trees.height.encode(encoder, height);
    const image = this.stream.subarray(at, at + length);
    const cut = { width, height, colours: model.colours };
    let done = at;
    for (const tile of tilesOf(cut, model)) {
      const inside = cutTile(image, cut, tile);
      this.writeTile(inside, fillTile(inside, tile, model));
      done += inside.length;
      await this.progress(done);
    }
  }

  private writeTile(inside: Uint8Array, whole: Uint8Array): void {
    const places: [start: number, size: number][] = [];
    const trial = new RangeEncoder();
    this.model.tiles.encode(whole, (start, size) => {
      places.push([start, size]);
      trial.put(start, size);
    });
    const isCoded = trial.finish().length < inside.length;
    this.trees.tile.encode(this.encoder, isCoded ? 1 : 0);
    if (isCoded) for (const [start, size] of places) this.put(start, size);
    else for (const byte of inside) putByte(this.put, byte);
  }

  finish(): Uint8Array<ArrayBuffer> {
    return this.encoder.finish();
  }
}

/** Reads what a RunWriter wrote. Throws CodecError for all else. */
class RunReader {
  private readonly trees = new RunTrees();
  private readonly decoder: StrictDecoder;
  private readonly stream: Uint8Array;
  private kind = TEXT;
  private at = 0;

  constructor(
    private readonly model: ImageModel,
    coded: Uint8Array,
    length: number,
    private readonly progress: Progress,
  ) {
    this.decoder = new StrictDecoder(coded);
    this.stream = new Uint8Array(length);
  }

  async read(): Promise<Uint8Array> {
    const { trees, decoder, stream } = this;
    while (this.at < stream.length) {
      this.kind = trees.kind(this.kind).decode(decoder);
      if (this.kind > IMAGE) throw new CodecError('damaged', `a run has kind ${this.kind}`);
      if (this.kind === IMAGE) await this.readImage();
      else await this.readBytes();
    }
    decoder.finish();
    return stream;
  }

  /** Where a run of so many bytes ends. */
  private end(length: number): number {
    if (length === 0 || length > this.stream.length - this.at)
      throw new CodecError('damaged', `a run of ${length} bytes has no place in its block`);
    return this.at + length;
  }

  private async readBytes(): Promise<void> {
    const { trees, decoder, stream, kind } = this;
    const end = this.end(trees.lengths[kind].decode(decoder));
    let before = 0;
    while (this.at < end) {
      before = kind === RAW ? readByte(decoder) : trees.byte(before).decode(decoder);
      stream[this.at] = before;
      if (this.at % PIECE === 0) await this.progress(this.at);
      this.at++;
    }
  }

  private async readImage(): Promise<void> {
    const { trees, decoder, model } = this;
    const { colours } = model;
    const width = trees.width.decode(decoder);
    const height = trees.height.decode(decoder);
    const end = this.end(width * height * colours);
    const cut = { width, height, colours };
    if (!isWorth(cut, model))
      throw new CodecError('damaged', `an image of ${width} x ${height} is too small for tiles`);
    const image = this.stream.subarray(this.at, end);
    for (const tile of tilesOf(cut, model)) {
      const length = tile.width * tile.height * colours;
      putTile(image, cut, tile, this.readTile(length, tile));
      this.at += length;
      await this.progress(this.at);
    }
  }

  private readTile(length: number, { width, height }: { width: number; height: number }) {
    const { decoder, model } = this;
    if (this.trees.tile.decode(decoder) === 0)
      return Uint8Array.from({ length }, () => readByte(decoder));
    const whole = model.tiles.decode(decoder);
    return cutTile(whole, model, { left: 0, top: 0, width, height });
  }
}

/** Files that are images by a model of images: PGM (of models of 1 colour) and PPM (of 3) of
 *  netpbm, of bytes. Other files of the archive are kept as they are.
 *  @example
 *  const config = { width: 4, height: 4, colours: 1, levels: 1, flows: 1, channels: 4 };
 *  const model = idf(config);
 *  const trainer = Trainer.create({ model, batch: 1, steps: 40, learningRate: 0.05 });
 *  const pixels = Uint8Array.from({ length: 16 }, (_, i) => 100 + i);
 *  while (trainer.steps < 40) trainer.step({ images: pixels });
 *  const coder = imageCoder(ImageModel.of(config, trainer.tensors()));
 *  const bytes = writeNetpbm({ width: 4, height: 4, colours: 1, pixels });
 *  const archive = await writeArchive([{ name: 'a.pgm', bytes }], { coder });
 *  const [file] = await readArchive(archive, { coders: [coder] });
 *  console.log(coder.kind, readNetpbm(file.bytes).pixels.join() === pixels.join()); // 2 true
 */
export function imageCoder(model: ImageModel): BlockCoder {
  const { id, bytes, turns } = checkImageModel(model);
  return {
    kind: 2,
    id,
    bytes,
    block: ALL,
    encode: (plain, progress) =>
      turns.take(async () => {
        const writer = new RunWriter(model, plain, progress);
        for (const run of runsOf(plain, model)) await writer.write(run);
        return writer.finish();
      }),
    decode: (coded, length, progress) =>
      turns.take(() => new RunReader(model, coded, length, progress).read()),
  };
}
