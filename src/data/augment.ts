// What becomes of an image between the set and the model: cut at random from itself with a margin
// around it, mirrored or not. The random choices are a function of (seed, step, sample) only.

import { fields, flag, typed, whole } from '../core/check.ts';
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

/** What the random choices are a function of. */
export interface AugmentPlace {
  /** The run's, 0 to 2^53 - 1. */
  seed: number;
  /** Steps done before, uint32. */
  step: number;
  /** The place in the batch, uint32. */
  sample: number;
}

/** Which random number decides what. */
const DRAW = { row: 0, column: 1, flip: 2 } as const;
const KNOWN = { crop: undefined, flip: undefined, fill: 0 };
const PLACE = { seed: undefined, step: undefined, sample: undefined };

/** Writes image number `image` of the set, changed at random as its place in a run decides, to
 *  `out`. Throws UsageError for an image or a margin
 *  that the set does not have, and for another size of `out`.
 *  @example
 *  const pixels = Uint8Array.of(1, 2, 3);
 *  const shape = { width: 3, height: 1, channels: 1, classes: 2, count: 1 };
 *  const out = new Uint8Array(3);
 *  const place = { seed: 1, step: 0, sample: 5 };
 *  augment({ ...shape, pixels, labels: Int32Array.of(0) }, 0, out, { crop: 0, flip: true }, place);
 *  console.log(out.join(' ')); // 3 2 1
 */
export function augment(
  set: ImageSet,
  image: number,
  out: Uint8Array,
  options: AugmentOptions,
  at: AugmentPlace,
): void {
  const { width, height, channels, count, pixels } = readSet(set);
  const size = width * height * channels;
  const { crop, flip, fill } = fields('options', options, KNOWN);
  const { seed, step, sample } = fields('at', at, PLACE);
  whole('image', image, 0, count - 1);
  whole('crop', crop, 0, Math.min(width, height) - 1, 'the margin is less than a side');
  flag('flip', flip);
  whole('fill', fill, 0, 255);
  typed('out', out, 'Uint8Array', size);
  whole('seed', seed, 0, Number.MAX_SAFE_INTEGER);
  whole('step', step, 0, 2 ** 32 - 1);
  whole('sample', sample, 0, 2 ** 32 - 1);
  const draw = (index: number): number => randomU32(seed, PURPOSE.augment, step, sample, index);
  const down = crop === 0 ? 0 : scaleU32(draw(DRAW.row), 2 * crop + 1) - crop;
  const right = crop === 0 ? 0 : scaleU32(draw(DRAW.column), 2 * crop + 1) - crop;
  const isMirrored = flip && draw(DRAW.flip) >= 2 ** 31;
  out.fill(fill, 0, size);
  const firstRow = Math.max(0, -down);
  const endRow = Math.min(height, height - down);
  for (let y = firstRow; y < endRow; y++)
    for (let x = 0; x < width; x++) {
      const column = (isMirrored ? width - 1 - x : x) + right;
      if (column < 0 || column >= width) continue;
      const from = image * size + ((y + down) * width + column) * channels;
      out.set(pixels.subarray(from, from + channels), (y * width + x) * channels);
    }
}
