// A set of images with a label each, whatever file it came from: bytes, row by row, the channels of
// a pixel side by side. The readers beside this file (idx.ts, cifar.ts, digits.ts) are pure:
// decompressed bytes in, a set out, and a UsageError that names the file for everything else.
// Nothing is allocated that the bytes do not vouch for.

import { choice, fields, flag, list, properties, show, text, typed, whole } from '../core/check.ts';
import { UsageError } from '../core/errors.ts';

/** Limits, so that a damaged header is refused instead of believed. */
export const MAX_SIDE = 1024,
  MAX_IMAGES = 2 ** 24,
  MAX_CLASSES = 65536,
  MAX_BYTES = 2 ** 31;

/** The size of an image. */
export interface ImageShape {
  /** Pixels of a row. */
  width: number;
  /** Rows. */
  height: number;
  /** 1: grey, 3: red, green, blue. */
  channels: 1 | 3;
}

/** Images of one size, each with the class that it shows. */
export interface ImageSet extends ImageShape {
  /** Classes: labels are 0 .. classes - 1. */
  classes: number;
  /** Images. */
  count: number;
  /** count * height * width * channels bytes, row-major, channel last. */
  pixels: Uint8Array;
  /** The class of each image. */
  labels: Int32Array;
}

/** One decoded image, as `fromImages` takes it. */
export interface LabelledImage extends ImageShape {
  /** height * width * channels bytes, row-major, channel last. */
  pixels: Uint8Array;
  /** Its class. */
  label: number;
  /** What errors call it; its place in the list if absent. */
  name?: string | undefined;
}

export const sizeOf = ({ width, height }: { width: number; height: number }): string =>
  `${show(width)} x ${show(height)}`;
const isCount = (value: unknown, low: number, high: number): boolean =>
  Number.isInteger(value) && (value as number) >= low && (value as number) <= high;

/** Bytes that no reader takes: none at all, or a gzip file. */
export function checkBytes(bytes: Uint8Array, what: string, format: string): void {
  if (bytes.length === 0)
    throw new UsageError(`${what} is empty, expected ${format}`, 'fetch the file again');
  if (bytes[0] === 0x1f && bytes[1] === 0x8b)
    throw new UsageError(
      `${what} is still gzip-compressed, expected ${format}`,
      'decompress it first',
    );
}

/** Refuses sizes beyond the limits. */
export function checkSize(
  shape: { width: number; height: number },
  count: number,
  what: string,
): void {
  if (!isCount(shape.width, 1, MAX_SIDE) || !isCount(shape.height, 1, MAX_SIDE))
    throw new UsageError(
      `${what} has images of ${sizeOf(shape)}, expected sides of 1 to ${MAX_SIDE} pixels`,
      'scale them, or fetch the file again',
    );
  if (!isCount(count, 1, MAX_IMAGES))
    throw new UsageError(
      `${what} has ${show(count)} images, expected 1 to ${MAX_IMAGES}`,
      'give a set with images in it',
    );
}

/** Refuses a label outside 0 .. classes - 1; `record` counts from 0. */
export function checkLabel(label: number, record: number, classes: number, what: string): void {
  if (!isCount(label, 0, classes - 1))
    throw new UsageError(
      `${what} has the label ${show(label)} at record ${record} (from 0), expected 0 to ` +
        `${classes - 1}`,
      'the file is damaged, or of another kind',
    );
}

/** A copy of a set's properties, whose sizes are within the limits and fit pixels and labels, which
 *  are the set's own. */
export function readSet(set: ImageSet, what = 'the set'): ImageSet {
  const own = properties(text('what', what), set, [
    'width',
    'height',
    'channels',
    'classes',
    'count',
    'pixels',
    'labels',
  ]);
  const { channels, classes, count, pixels, labels } = own;
  checkSize(own, count, what);
  if (channels !== 1 && channels !== 3)
    throw new UsageError(
      `${what} has ${show(channels)} channels, expected 1 (grey) or 3 (red, green, blue)`,
    );
  if (!isCount(classes, 2, MAX_CLASSES))
    throw new UsageError(
      `${what} has ${show(classes)} classes, expected 2 to ${MAX_CLASSES}`,
      'there is nothing to tell apart with fewer',
    );
  const { length } = typed(`pixels of ${what}`, pixels, 'Uint8Array');
  const expected = count * own.height * own.width * channels;
  if (length !== expected)
    throw new UsageError(
      `${what} has ${length} bytes of pixels, expected ${expected} (${count} images of ` +
        `${sizeOf(own)} x ${channels})`,
    );
  if (typed(`labels of ${what}`, labels, 'Int32Array').length !== count)
    throw new UsageError(`${what} has ${labels.length} labels, expected ${count} (one an image)`);
  return own;
}

/** What `checkImages` looks at beside the set. */
export interface CheckImagesOptions {
  /** What the classes are called. */
  names?: readonly string[] | undefined;
  /** Refuse a class without an image (true). */
  everyClass?: boolean | undefined;
}

/** Refuses a set that nothing can be learnt from or that is not what it says: sizes, lengths,
 *  labels, and a class without an image unless `everyClass` is false, as in a small test set.
 *  `names`: what the classes are called.
 *  @example
 *  const shape = { width: 1, height: 1, channels: 1, classes: 3, count: 2 };
 *  const set = { ...shape, pixels: Uint8Array.of(7, 9), labels: Int32Array.of(0, 2) };
 *  try {
 *    checkImages(set, 'pets', { names: ['dog', 'cat', 'hen'] });
 *  } catch (error) {
 *    console.log(error.message);
 *    // pets has no image of class 1 ('cat'), expected at least one of each of 3. HINT: add one,
 *    // or leave the class out
 *  }
 */
export function checkImages(set: ImageSet, what: string, options: CheckImagesOptions = {}): void {
  const { classes, labels } = readSet(set, what);
  const { names: given, everyClass } = fields<CheckImagesOptions>('options', options, {
    names: undefined,
    everyClass: true,
  });
  flag('everyClass', everyClass);
  const names = given === undefined ? undefined : list('names', given, text);
  if (names !== undefined && names.length !== classes)
    throw new UsageError(`${what} has ${names.length} names of classes, expected ${classes}`);
  const present = new Uint8Array(classes);
  labels.forEach((label, record) => {
    checkLabel(label, record, classes, what);
    present[label] = 1;
  });
  const missing = present.indexOf(0);
  if (!everyClass || missing < 0) return;
  const name = names === undefined ? '' : ` ('${names[missing]}')`;
  throw new UsageError(
    `${what} has no image of class ${missing}${name}, expected at least one of each of ${classes}`,
    'add one, or leave the class out',
  );
}

/** Sets of one kind, as the files of CIFAR-10 are, as one set. Throws UsageError for sets of
 *  different kinds, and for more than a set can hold; `what` names the whole in errors.
 *  @example
 *  const shape = { width: 1, height: 1, channels: 1, classes: 2, count: 1 };
 *  const one = { ...shape, pixels: Uint8Array.of(7), labels: Int32Array.of(0) };
 *  const other = { ...one, pixels: Uint8Array.of(9), labels: Int32Array.of(1) };
 *  console.log(joinImages([one, other], 'dots').labels.join(' ')); // 0 1
 */
export function joinImages(given: readonly ImageSet[], what: string): ImageSet {
  text('what', what);
  const sets = list('sets', given, (name, set) => readSet(set as ImageSet, name));
  if (sets.length === 0) throw new UsageError(`${what} has no images, expected at least one`);
  const [first] = sets;
  const count = sets.reduce((sum, set) => sum + set.count, 0);
  if (sets.length === 1) return first;
  for (const set of sets) checkSameKind(first, set, what);
  checkTotal(first, count, what);
  const joined = {
    ...first,
    count,
    pixels: new Uint8Array(count * first.height * first.width * first.channels),
    labels: new Int32Array(count),
  };
  let at = 0;
  for (const { pixels, labels } of sets) {
    joined.pixels.set(pixels, at * first.height * first.width * first.channels);
    joined.labels.set(labels, at);
    at += labels.length;
  }
  return joined;
}

/** Two sets that one model can see: the same size, channels and classes. */
export function checkSameKind(first: ImageSet, second: ImageSet, what: string): void {
  const kind = (set: ImageSet): string =>
    `images of ${sizeOf(set)} x ${set.channels} in ${set.classes} classes`;
  if (kind(first) !== kind(second))
    throw new UsageError(
      `${what} has ${kind(second)} beside ${kind(first)}, expected one kind`,
      'do not mix data sets',
    );
}

function checkTotal(shape: ImageShape, count: number, what: string): void {
  checkSize(shape, count, what);
  const bytes = count * shape.height * shape.width * shape.channels;
  if (bytes <= MAX_BYTES) return;
  throw new UsageError(
    `${what} has ${bytes} bytes of pixels (${count} images of ${sizeOf(shape)} x ` +
      `${shape.channels}), expected at most ${MAX_BYTES}`,
    'scale the images, or use fewer',
  );
}

/** 3 if an image is coloured. */
export const someColour = (images: readonly ImageShape[]): 1 | 3 =>
  images.some((image) => image.channels === 3) ? 3 : 1;

/** One of the images, as `fromImages` was given it. */
function readImage(place: string, image: unknown): LabelledImage {
  const own = properties(place, image as LabelledImage, [
    'width',
    'height',
    'channels',
    'pixels',
    'label',
    'name',
  ]);
  typed(`pixels of ${place}`, own.pixels, 'Uint8Array');
  return own.name === undefined ? own : { ...own, name: text(`name of ${place}`, own.name) };
}

/** A set of images decoded elsewhere, all of one size. Grey ones become red = green = blue if one
 *  is coloured, or if `channels` is 3. Throws UsageError naming the first image that differs in
 *  size or has a label outside 0 .. classes - 1.
 *  @example
 *  const grey = { width: 1, height: 1, channels: 1, pixels: Uint8Array.of(7), label: 0 };
 *  const red = { width: 1, height: 1, channels: 3, pixels: Uint8Array.of(255, 0, 0), label: 1 };
 *  console.log(fromImages([grey, red], 2, 'dots').pixels.join(' ')); // 7 7 7 255 0 0
 */
export function fromImages(
  given: readonly LabelledImage[],
  classes: number,
  what: string,
  channels?: 1 | 3,
): ImageSet {
  text('what', what);
  whole('classes', classes, 1, MAX_CLASSES);
  const images = list('images', given, readImage);
  const all = choice('channels', channels ?? someColour(images), [1, 3]);
  if (images.length === 0) throw new UsageError(`${what} has no images, expected at least one`);
  const { width, height } = images[0];
  const count = images.length;
  checkTotal({ width, height, channels: all }, count, what);
  const area = width * height;
  for (const [place, image] of images.entries())
    checkImage(image, images[0], { what, classes, channels: all, place });
  const pixels = new Uint8Array(count * area * all);
  const labels = new Int32Array(count);
  images.forEach((image, i) => {
    const to = pixels.subarray(i * area * all, (i + 1) * area * all);
    if (image.channels === all) to.set(image.pixels);
    else for (let at = 0; at < to.length; at++) to[at] = image.pixels[Math.floor(at / 3)];
    labels[i] = image.label;
  });
  return { width, height, channels: all, classes, count, pixels, labels };
}

/** Refuses an image that does not go with the first, or with the set. */
function checkImage(
  image: LabelledImage,
  first: LabelledImage,
  set: { what: string; classes: number; channels: 1 | 3; place: number },
): void {
  const { what, classes, channels, place } = set;
  const name = image.name ?? `image ${place}`;
  const bytes = image.pixels.length;
  if (image.width !== first.width || image.height !== first.height)
    throw new UsageError(
      `${what}: ${name} is ${sizeOf(image)} pixels, expected ${sizeOf(first)} as ` +
        `${first.name ?? 'image 0'}`,
      'scale or cut all images to one size',
    );
  if (![1, channels].includes(image.channels))
    throw new UsageError(
      `${what}: ${name} has ${show(image.channels)} channels, expected ` +
        `${channels === 3 ? '1 or 3' : '1'}`,
    );
  const expected = image.width * image.height * image.channels;
  if (bytes !== expected)
    throw new UsageError(`${what}: ${name} has ${bytes} bytes, expected ${expected}`);
  if (!isCount(image.label, 0, classes - 1))
    throw new UsageError(
      `${what}: ${name} has the label ${show(image.label)}, expected 0 to ${classes - 1}`,
    );
}
