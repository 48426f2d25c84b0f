// The digits that come with the page (data/README.md), and how a batch of them is made.

import { EpochOrder, type ImageBatch, type ImageSet } from 'retrograd';
import { warp } from './warp.ts';

export const SIDE = 8;
export const AREA = SIDE * SIDE;
const PLANES = AREA + 1;
const DARKEST = 16;
/** Images of the first file, by 30 people; those after them are by 13 others. */
const KNOWN = 3823;
const CLASSES = 10;

export interface Digits {
  /** What is learned. */
  readonly known: ImageSet;
  /** By other people: never learned, only judged. */
  readonly unseen: ImageSet;
}

/** A part of the images, pixels scaled to 0..255 as `readDigits` of the library does. */
function part(planes: Uint8Array, first: number, count: number): ImageSet {
  const all = planes.length / PLANES;
  const pixels = new Uint8Array(count * AREA);
  for (let plane = 0; plane < AREA; plane++)
    for (let i = 0; i < count; i++) {
      const ink = planes[plane * all + first + i];
      pixels[i * AREA + plane] = Math.floor((255 * ink + DARKEST / 2) / DARKEST);
    }
  const labels = Int32Array.from(planes.subarray(AREA * all + first, AREA * all + first + count));
  return { width: SIDE, height: SIDE, channels: 1, classes: CLASSES, count, pixels, labels };
}

/** The planes in optdigits.gz: 64 of pixels and one of digits, a byte an image. */
export async function planesOf(packed: Uint8Array): Promise<Uint8Array> {
  const source = new Blob([packed as Uint8Array<ArrayBuffer>]).stream();
  const stream = source.pipeThrough(new DecompressionStream('gzip'));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

export async function readSet(packed: Uint8Array): Promise<Digits> {
  const planes = await planesOf(packed);
  const count = planes.length / PLANES;
  return { known: part(planes, 0, KNOWN), unseen: part(planes, KNOWN, count - KNOWN) };
}

/** Batches of a run: every epoch has each image once, a little warped. A function of seed and step
 *  alone, so a run can be repeated and joined anywhere. */
export class Batches {
  private readonly order: EpochOrder;
  private readonly batch: { images: Uint8Array; labels: Int32Array };

  constructor(
    private readonly set: ImageSet,
    private readonly seed: number,
    private readonly count: number,
  ) {
    this.order = new EpochOrder(seed, set.count);
    this.batch = { images: new Uint8Array(count * AREA), labels: new Int32Array(count) };
  }

  /** The batch of a step, 0, 1, ...; the next call writes over it. */
  at(step: number): ImageBatch {
    const { images, labels } = this.batch;
    for (let i = 0; i < this.count; i++) {
      const place = step * this.count + i;
      const image = this.order.at(place);
      labels[i] = this.set.labels[image];
      const from = this.set.pixels.subarray(image * AREA, (image + 1) * AREA);
      warp(from, images.subarray(i * AREA, (i + 1) * AREA), { seed: this.seed, place });
    }
    return this.batch;
  }
}

/** Some images of a set, evenly from its beginning to its end. */
export function some({ count, pixels, labels }: ImageSet, wanted: number): ImageBatch {
  const n = Math.min(count, wanted);
  const places = Array.from({ length: n }, (_, i) => Math.floor((i * count) / n));
  const images = new Uint8Array(n * AREA);
  places.forEach((place, i) => {
    images.set(pixels.subarray(place * AREA, (place + 1) * AREA), i * AREA);
  });
  return { images, labels: Int32Array.from(places, (place) => labels[place]) };
}
