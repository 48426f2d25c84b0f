// IDX, the format of MNIST and Fashion-MNIST: two files, images and labels. Both begin with
// big-endian 32-bit numbers, a magic one and the count (and rows and columns of an image); then
// come bytes: pixels row by row, or one label an image.

import { list, text, typed, whole } from '../core/check.ts';
import { UsageError } from '../core/errors.ts';
import { checkBytes, checkLabel, checkSize, type ImageSet, MAX_CLASSES, sizeOf } from './images.ts';

/** Unsigned bytes (8) in three dimensions (3), and in one. */
const IMAGES = 0x0803;
const LABELS = 0x0801;
const KINDS: Record<number, string> = { 2051: 'images', 2049: 'labels' };

/** The header's numbers after the magic one, and the bytes after the header. */
function readHeader(
  bytes: Uint8Array,
  magic: number,
  what: string,
): { sizes: number[]; body: Uint8Array } {
  const dimensions = magic & 0xff;
  const length = 4 + 4 * dimensions;
  checkBytes(bytes, what, `an IDX file of ${KINDS[magic]}`);
  if (bytes.length < length)
    throw new UsageError(
      `${what} has ${bytes.length} bytes, expected at least ${length} (the header of an IDX ` +
        `file of ${KINDS[magic]})`,
      'fetch the file again',
    );
  const view = new DataView(bytes.buffer, bytes.byteOffset, length);
  const given = view.getUint32(0);
  if (given !== magic)
    throw new UsageError(
      `${what} begins with the number ${given}${given in KINDS ? ` (${KINDS[given]})` : ''}, ` +
        `expected ${magic} (an IDX file of ${KINDS[magic]})`,
      given in KINDS
        ? 'the files of images and labels are swapped'
        : 'give a file of MNIST or of the same format',
    );
  return {
    sizes: Array.from({ length: dimensions }, (_, i) => view.getUint32(4 + 4 * i)),
    body: bytes.subarray(length),
  };
}

/** Reads images and labels of the IDX format, as MNIST's; `names`: of the two files in errors.
 *  Throws UsageError for bytes that are not exactly such files, counts that differ and labels from
 *  `classes` on.
 *  @example
 *  // 2 images of 2 x 1
 *  const images = Uint8Array.of(0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 2, 10, 20, 30, 40);
 *  const labels = Uint8Array.of(0, 0, 8, 1, 0, 0, 0, 2, 7, 3);
 *  const set = readIdx(images, labels, ['images', 'labels']);
 *  console.log(set.width, set.height, set.pixels.join(' '), set.labels.join(' '));
 *  // 2 1 10 20 30 40 7 3
 */
export function readIdx(
  images: Uint8Array,
  labels: Uint8Array,
  names: readonly [images: string, labels: string],
  classes = 10,
): ImageSet {
  const what = list('names', names, text, 2, 2);
  typed(what[0], images, 'Uint8Array');
  typed(what[1], labels, 'Uint8Array');
  whole('classes', classes, 2, MAX_CLASSES);
  const {
    sizes: [count, height, width],
    body,
  } = readHeader(images, IMAGES, what[0]);
  const {
    sizes: [labelCount],
    body: labelBody,
  } = readHeader(labels, LABELS, what[1]);
  checkSize({ width, height }, count, what[0]);
  const expected = count * height * width;
  if (body.length !== expected)
    throw new UsageError(
      `${what[0]} has ${images.length} bytes, expected ${expected + 16} (${count} images of ` +
        `${sizeOf({ width, height })})`,
      'fetch the file again',
    );
  if (labelBody.length !== labelCount)
    throw new UsageError(
      `${what[1]} has ${labels.length} bytes, expected ${labelCount + 8} (${labelCount} labels)`,
      'fetch the file again',
    );
  if (labelCount !== count)
    throw new UsageError(
      `${what[1]} has ${labelCount} labels, expected ${count} (one for each image of ${what[0]})`,
      'give two files that belong together',
    );
  for (const [record, label] of labelBody.entries()) checkLabel(label, record, classes, what[1]);
  return {
    width,
    height,
    channels: 1,
    classes,
    count,
    pixels: new Uint8Array(body),
    labels: new Int32Array(labelBody),
  };
}
