// CIFAR-10 and CIFAR-100 in their binary versions: records of one size without a header. CIFAR-10:
// a label byte, then a 32 x 32 image as three planes, red, green, blue. CIFAR-100: the same after a
// byte of the coarse label (20 superclasses), which is checked and left.

import { choice, text, typed } from '../core/check.ts';
import { UsageError } from '../core/errors.ts';
import { checkBytes, checkLabel, checkSize, type ImageSet } from './images.ts';

const SIDE = 32;
const AREA = SIDE * SIDE;
const COARSE = 20;

/** 10 or 100: the data set, and its classes. */
export type CifarKind = 10 | 100;

/** Bytes of a record: 3,073 or 3,074. */
export const cifarRecord = (kind: CifarKind): number => (kind === 10 ? 1 : 2) + 3 * AREA;

/** Reads a file of CIFAR-10 or CIFAR-100 (fine labels), binary version. Throws UsageError for a
 *  size that is no multiple of the record and for labels outside the classes.
 *  @example
 *  // red 1, green 2, blue 3
 *  const record = new Uint8Array(3073).fill(1, 1, 1025).fill(2, 1025, 2049).fill(3, 2049);
 *  record[0] = 9;
 *  const set = readCifar(record, 10, 'batch');
 *  console.log(set.count, set.labels[0], set.pixels.subarray(0, 6).join(' ')); // 1 9 1 2 3 1 2 3
 */
export function readCifar(bytes: Uint8Array, kind: CifarKind, what: string): ImageSet {
  typed(text('what', what), bytes, 'Uint8Array');
  choice('kind', kind, [10, 100]);
  const record = cifarRecord(kind);
  const other: CifarKind = kind === 10 ? 100 : 10;
  const count = bytes.length / record;
  checkBytes(bytes, what, `a binary file of CIFAR-${kind}`);
  if (!Number.isInteger(count))
    throw new UsageError(
      `${what} has ${bytes.length} bytes, expected a multiple of ${record} (the records of ` +
        `CIFAR-${kind})`,
      bytes.length % cifarRecord(other) === 0
        ? `its size is that of a file of CIFAR-${other}`
        : 'fetch the file again, in the binary version',
    );
  checkSize({ width: SIDE, height: SIDE }, count, what);
  const pixels = new Uint8Array(count * 3 * AREA);
  const labels = new Int32Array(count);
  for (let image = 0; image < count; image++) {
    const planes = (image + 1) * record - 3 * AREA;
    labels[image] = bytes[planes - 1];
    checkLabel(labels[image], image, kind, what);
    if (kind === 100) checkLabel(bytes[planes - 2], image, COARSE, `${what} (coarse labels)`);
    for (let pixel = 0, to = image * 3 * AREA; pixel < AREA; pixel++)
      for (let channel = 0; channel < 3; channel++)
        pixels[to++] = bytes[planes + channel * AREA + pixel];
  }
  return { width: SIDE, height: SIDE, channels: 3, classes: kind, count, pixels, labels };
}
