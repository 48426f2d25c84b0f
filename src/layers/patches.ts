// Images as a model's input: patches, the tokens of a vision transformer (Dosovitskiy et al., ICLR
// 2021).

import { callback, fields, typed, whole } from '../core/check.ts';
import type { Pointer } from '../kernels/kernels.ts';
import { PIXEL_FRACTION } from '../memory/formats.ts';
import type { Planner } from '../memory/planner.ts';
import type { Tensor, Type } from '../memory/tensor.ts';
import type { Run } from '../ops/run.ts';
import type { Input, PlannedInput } from './input.ts';
import { countPatches, patchesOf } from './patch-pixels.ts';

/** The size of an image. */
export interface ImageShape {
  /** Pixels, 1..1024, multiples of the patch. */
  width: number;
  /** Pixels, as width. */
  height: number;
  /** Values of a pixel: 1 (grey) to 3. */
  colours: number;
  /** Side of a patch. */
  patch: number;
}

/** What `patches` reads. */
export interface PatchesOptions<Batch> extends ImageShape {
  /** The images in a batch, one after the other: row by row, channel last (its `images`). */
  images?: ((batch: Batch) => Uint8Array) | undefined;
}

/** The field of a batch that has the images if none is named. */
const imagesOf = (batch: unknown): Uint8Array => Object(batch).images;

/** Images as an input: patches from left to right and top to bottom, operand [patches, patch *
 *  patch * colours], 11 fraction bits. Throws UsageError for a shape that patches do not fill.
 *  @example
 *  const at = Planner.create(new Arena(0), { rank: 0, threads: 1, sequences: 2, fraction: 9 });
 *  const { type } = patches({ width: 8, height: 8, colours: 1, patch: 4 }).plan(at);
 *  console.log(type.rows, type.columns); // 4 16
 */
export const patches = <Batch = { images: Uint8Array }>(
  given: PatchesOptions<Batch>,
): Input<Batch> => {
  const shape = { width: undefined, height: undefined, colours: undefined, patch: undefined };
  const options = fields<PatchesOptions<Batch>>('options', given, { ...shape, images: imagesOf });
  countPatches(options, options.patch);
  whole('colours', options.colours, 1, 3);
  callback('images', options.images);
  return { plan: (at) => new Patches(at, options) };
};

class Patches<Batch> implements PlannedInput<Batch> {
  readonly type: Type;
  /** int16 [sequences, image]. */
  private readonly pixels: Pointer;
  private readonly size: number;
  private taken = new Uint8Array(0);

  constructor(
    at: Planner,
    private readonly options: Required<PatchesOptions<Batch>>,
  ) {
    const { width, height, colours, patch } = options;
    const rows = countPatches(options, patch);
    this.size = width * height * colours;
    this.type = { kind: 'operand', rows, columns: this.size / rows };
    this.pixels = at.allocate('workspace', at.layout.sequences * this.size * 2);
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
    const { width, height, colours: channels, patch } = this.options;
    const { size, taken } = this;
    for (let s = 0; s < count; s++) {
      const image = taken.subarray((first + s) * size, (first + s + 1) * size);
      const out = new Int16Array(run.bytes.buffer, this.pixels + s * size * 2, size);
      patchesOf(image, { width, height, channels }, patch, out);
    }
  }

  move(_run: Run, s: number, x: Tensor): void {
    x.at = this.pixels + s * this.size * 2;
    x.rows = this.type.rows;
    x.fraction = PIXEL_FRACTION;
    x.range.deviation = 1;
  }
}
