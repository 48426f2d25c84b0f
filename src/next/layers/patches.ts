// Images as a model's input: patches, the tokens of a vision transformer (Dosovitskiy et al., ICLR
// 2021).

import { UsageError } from '../../errors.ts';
import type { Pointer } from '../../kernels/kernels.ts';
import { countPatches, patchesOf } from '../../models/patches.ts';
import { PIXEL_FRACTION } from '../../tensor/formats.ts';
import type { Planner } from '../memory/planner.ts';
import type { Tensor, Type } from '../memory/tensor.ts';
import type { Run } from '../ops/run.ts';
import type { Input, PlannedInput } from './input.ts';

export interface PatchesOptions<Batch> {
  width: number;
  height: number;
  /** Values of a pixel. */
  colours: number;
  /** Side of a patch. */
  patch: number;
  /** The images in a batch, one after the other: row by row, channel last. */
  images: (batch: Batch) => Uint8Array;
}

export const patches = <Batch>(options: PatchesOptions<Batch>): Input<Batch> => ({
  plan: (at) => new Patches(at, options),
});

class Patches<Batch> implements PlannedInput<Batch> {
  readonly type: Type;
  /** int16 [sequences, image]. */
  private readonly pixels: Pointer;
  private readonly size: number;

  constructor(
    at: Planner,
    private readonly options: PatchesOptions<Batch>,
  ) {
    const { width, height, colours, patch } = options;
    const rows = countPatches(options, patch);
    this.size = width * height * colours;
    this.type = { kind: 'operand', rows, columns: this.size / rows };
    this.pixels = at.allocate('workspace', at.layout.sequences * this.size * 2);
  }

  check(batch: Batch, count: number): void {
    const { width, height, colours, images } = this.options;
    const { length } = images(batch);
    const { size } = this;
    if (length === count * size) return;
    const shape = `${count} of ${width} x ${height} x ${colours}`;
    throw new UsageError(`images have ${length} bytes, expected ${count * size} (${shape})`);
  }

  load(run: Run, batch: Batch, first: number, count: number): void {
    const { width, height, colours: channels, patch, images } = this.options;
    const { size } = this;
    const all = images(batch);
    for (let s = 0; s < count; s++) {
      const image = all.subarray((first + s) * size, (first + s + 1) * size);
      const out = new Int16Array(run.bytes.buffer, this.pixels + s * size * 2, size);
      patchesOf(image, { width, height, channels }, patch, out);
    }
  }

  loadOne(run: Run, sample: unknown): void {
    const { width, height, colours: channels, patch } = this.options;
    const { size } = this;
    const out = new Int16Array(run.bytes.buffer, this.pixels, size);
    patchesOf(sample as Uint8Array, { width, height, channels }, patch, out);
  }

  move(_run: Run, s: number, x: Tensor): void {
    x.at = this.pixels + s * this.size * 2;
    x.rows = this.type.rows;
    x.fraction = PIXEL_FRACTION;
    x.range.deviation = 1;
  }
}
