// Sets of images of random pixels, the same every time.

import { randomU32 } from '../../src/core/random.ts';
import type { ImageSet } from '../../src/data/images.ts';

/** So many images of a size, of two classes. */
export const setOf = (width: number, height: number, channels: 1 | 3, count = 3): ImageSet => ({
  width,
  height,
  channels,
  classes: 2,
  count,
  labels: new Int32Array(count),
  pixels: Uint8Array.from(
    { length: count * width * height * channels },
    (_, i) => randomU32(9, 0, 0, 0, i) & 255,
  ),
});
