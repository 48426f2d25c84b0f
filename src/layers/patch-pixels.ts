// An image as patches, the tokens of a vision transformer (Dosovitskiy et al., ICLR 2021).

import { choice, properties, refuse, typed, whole } from '../core/check.ts';

/** Most pixels of an image's width and height. */
const MAX_SIDE = 1024;

/** The number of patches of `patch` x `patch` pixels that an image is cut into. Throws UsageError,
 *  with the sizes that would do, if they do not cover it exactly.
 *  @example
 *  console.log(countPatches({ width: 32, height: 32 }, 4)); // 64
 */
export function countPatches(size: { width: number; height: number }, patch: number): number {
  const { width, height } = properties('the size', size, ['width', 'height']);
  whole('width', width, 1, MAX_SIDE);
  whole('height', height, 1, MAX_SIDE);
  const sides = Array.from({ length: Math.min(width, height) }, (_, i) => i + 1);
  const sizes = sides.filter((side) => width % side === 0 && height % side === 0);
  if (sizes.includes(patch)) return (width / patch) * (height / patch);
  return refuse(
    'patch',
    patch,
    `a divisor of width and height of the images (${width} x ${height})`,
    `choose one of ${sizes.join(', ')}`,
  );
}

/** Lays an image out as patches: row after row of patches, a patch's pixels row by row, channel
 *  last. `out` has [patches, patch * patch * channels] numbers with 11 fraction bits: byte p
 *  becomes (2 p - 255) * 16, from -1.9922 to 1.9922. Throws UsageError for another size.
 *  @example
 *  const out = new Int16Array(4);
 *  patchesOf(Uint8Array.of(0, 1, 254, 255), { width: 4, height: 1, channels: 1 }, 1, out);
 *  console.log(out.join(' ')); // -4080 -4048 4048 4080
 */
export function patchesOf(
  pixels: Uint8Array,
  shape: { width: number; height: number; channels: number },
  patch: number,
  out: Int16Array,
): void {
  countPatches(shape, patch);
  const { width, height, channels } = properties('the shape', shape, [
    'width',
    'height',
    'channels',
  ]);
  const size = width * height * choice('channels', channels, [1, 2, 3]);
  typed('pixels', pixels, 'Uint8Array', size);
  typed('out', out, 'Int16Array', size);
  const run = patch * channels; // of a patch's row, and of the image's: side by side in both
  let to = 0;
  for (let top = 0; top < height; top += patch)
    for (let left = 0; left < width; left += patch)
      for (let y = top; y < top + patch; y++) {
        const from = (y * width + left) * channels;
        for (let i = 0; i < run; i++) out[to++] = (2 * pixels[from + i] - 255) * 16;
      }
}
