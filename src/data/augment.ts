// What becomes of an image between the set and the model: cut at random from itself with a margin
// around it, mirrored or not. The random choices are a function of (seed, step, sample) only.

import { choice, fields, typed, whole } from '../core/check.ts';
import { PURPOSE, randomU32 } from '../core/random.ts';
import { scaleU32 } from './batch.ts';
import { type ImageSet, readSet } from './images.ts';

/** What to change at random. */
export interface AugmentOptions {
  /** The margin, in pixels, around the image from which one of its size is cut: 0 (leave it) to
   *  less than a side. */
  crop: number;
  /** Mirror it left to right, every other time. */
  flip: boolean;
  /** The byte of the margin; default 0. */
  fill?: number | undefined;
}

/** Which random number decides what. */
const DRAW = { row: 0, column: 1, flip: 2 } as const;

/** Writes image number `image` of the set, changed at random, to `out`. A function of seed, step
 *  (uint32) and sample, its place in the batch (uint32). Throws UsageError for an image or a margin
 *  that the set does not have, and for another size of `out`.
 *  @example
 *  const set = { width: 3, height: 1, channels: 1, classes: 2, count: 1, pixels: Uint8Array.of(1, 2, 3), labels: Int32Array.of(0) };
 *  const out = new Uint8Array(3);
 *  augment(set, 0, out, { crop: 0, flip: true }, 1, 0, 5);
 *  console.log(out.join(' ')); // 3 2 1
 */
export function augment(
  set: ImageSet,
  image: number,
  out: Uint8Array,
  options: AugmentOptions,
  seed: number,
  step: number,
  sample: number,
): void {
  const { width, height, channels, count, pixels } = readSet(set);
  const size = width * height * channels;
  const { crop, flip, fill } = fields('options', options, {
    crop: undefined,
    flip: undefined,
    fill: 0,
  });
  whole('image', image, 0, count - 1);
  whole('crop', crop, 0, Math.min(width, height) - 1, 'the margin is less than a side');
  choice('flip', flip, [true, false]);
  whole('fill', fill, 0, 255);
  typed('out', out, 'Uint8Array', size);
  whole('seed', seed, 0, Number.MAX_SAFE_INTEGER);
  whole('step', step, 0, 2 ** 32 - 1);
  whole('sample', sample, 0, 2 ** 32 - 1);
  const draw = (index: number): number => randomU32(seed, PURPOSE.augment, step, sample, index);
  const down = crop === 0 ? 0 : scaleU32(draw(DRAW.row), 2 * crop + 1) - crop;
  const right = crop === 0 ? 0 : scaleU32(draw(DRAW.column), 2 * crop + 1) - crop;
  const isMirrored = flip && draw(DRAW.flip) >= 2 ** 31;
  for (let y = 0, to = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      const row = y + down;
      const column = (isMirrored ? width - 1 - x : x) + right;
      const isInside = row >= 0 && row < height && column >= 0 && column < width;
      const from = image * size + (row * width + column) * channels;
      for (let channel = 0; channel < channels; channel++)
        out[to++] = isInside ? pixels[from + channel] : fill;
    }
}
