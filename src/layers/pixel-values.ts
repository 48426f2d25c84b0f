// Images as a model's input, as the whole numbers that they are: a row for each pixel.

import { callback, type Filled, fields, typed, whole } from '../core/check.ts';
import type { Pointer } from '../kernels/kernels.ts';
import type { Planner } from '../memory/planner.ts';
import type { Tensor, Type } from '../memory/tensor.ts';
import type { Run } from '../ops/run.ts';
import type { Input, PlannedInput } from './input.ts';

/** Fraction bits with which byte p is p - 128. */
const BYTE_FRACTION = 7;
/** Largest side of an image. */
const MAX_SIDE = 4096;

/** What `pixelValues` reads. */
export interface PixelValuesOptions<Batch> {
  /** Pixels from left to right, 1..4096. */
  width: number;
  /** Pixels from top to bottom, 1..4096. */
  height: number;
  /** Values of a pixel, 1..4. */
  colours: number;
  /** Columns of a row; those beyond the colours are 0 (the colours). */
  channels?: number | undefined;
  /** Fraction bits, 7..14: byte p becomes (p - 128) 2^(fraction - 7), so every image is within
   *  +-1 and can be told from its numbers (7). */
  fraction?: number | undefined;
  /** The images in a batch, one after the other: row by row, channel last (its `images`). */
  images?: ((batch: Batch) => Uint8Array) | undefined;
}

/** The field of a batch that has the images if none is named. */
const imagesOf = (batch: unknown): Uint8Array => Object(batch).images;

/** Images as whole numbers: ids [pixels, channels], for flows.
 *  @example
 *  const at = Planner.create(new Arena(0), { rank: 0, threads: 1, sequences: 2, fraction: 9 });
 *  const { type } = pixelValues({ width: 8, height: 8, colours: 3 }).plan(at);
 *  console.log(type.kind, type.rows, type.columns); // ids 64 3
 */
export const pixelValues = <Batch = { images: Uint8Array }>(
  given: PixelValuesOptions<Batch>,
): Input<Batch> => {
  const size = { width: undefined, height: undefined, colours: undefined };
  const defaults = { ...size, channels: 0, fraction: BYTE_FRACTION, images: imagesOf };
  const options = fields<PixelValuesOptions<Batch>>('options', given, defaults);
  whole('width', options.width, 1, MAX_SIDE);
  whole('height', options.height, 1, MAX_SIDE);
  const { colours } = options;
  whole('colours', colours, 1, 4);
  if (Object(given).channels === undefined) options.channels = colours;
  whole('channels', options.channels, colours, 4096);
  whole('fraction', options.fraction, BYTE_FRACTION, 14);
  callback('images', options.images);
  return { plan: (at) => new PixelValues(at, options) };
};

class PixelValues<Batch> implements PlannedInput<Batch> {
  readonly type: Type;
  /** int32 [sequences, pixels, channels]. */
  private readonly values: Pointer;
  /** Bytes of an image, and numbers of one. */
  private readonly size: number;
  private readonly numbers: number;
  private taken = new Uint8Array(0);

  constructor(
    at: Planner,
    private readonly options: Filled<PixelValuesOptions<Batch>>,
  ) {
    const { width, height, colours, channels } = options;
    this.size = width * height * colours;
    this.numbers = width * height * channels;
    this.type = { kind: 'ids', rows: width * height, columns: channels };
    this.values = at.allocate('workspace', at.layout.sequences * this.numbers * 4);
  }

  samplesOf(batch: Batch): number {
    return Object(this.options.images(batch)).length / this.size;
  }

  take(batch: Batch, count: number): void {
    const size = count * this.size;
    const given = typed('images', this.options.images(batch), 'Uint8Array', size, size);
    this.taken = new Uint8Array(given);
  }

  takeOne(sample: unknown): void {
    this.taken = new Uint8Array(typed('image', sample, 'Uint8Array', this.size, this.size));
  }

  load(run: Run, first: number, count: number): void {
    const { colours, channels, fraction } = this.options;
    const factor = 2 ** (fraction - BYTE_FRACTION);
    const out = run.view(this.values, count * this.numbers).fill(0);
    const from = first * this.size;
    for (let i = 0; i < count * this.size; i++) {
      const at = Math.floor(i / colours) * channels + (i % colours);
      out[at] = (this.taken[from + i] - 128) * factor;
    }
  }

  move(_run: Run, s: number, x: Tensor): void {
    x.at = this.values + s * this.numbers * 4;
    x.rows = this.type.rows;
    x.fraction = 0;
  }
}
