// How the stream of an archive (files.ts) is coded by a model of images: as a sequence of runs. A
// run is its kind, and then
//
//   0  text    how many bytes; each down a tree that the byte before chooses: the list of files,
//              and what is before the pixels of an image
//   1  raw     how many bytes; each as it is: files that are no images of the model's colours
//   2  image   width, height; tiles of the model's size, row by row: a bit, and then all of the
//              tile by the model (1), or what is in the image as it is (0), which is shorter
//
// Kinds, numbers and bits go down trees, too (bits.ts).

import { BitTree, NumberTrees } from './bits.ts';
import { CodecError } from './errors.ts';
import { filePlaces } from './files.ts';
import { imagePlace } from './netpbm.ts';
import { type Cut, isWorth, type Size } from './tiles.ts';

export const TEXT = 0;
export const RAW = 1;
export const IMAGE = 2;

/** Some bytes, coded in one way. */
export interface Run extends Size {
  readonly kind: number;
  readonly at: number;
  readonly length: number;
}

/** Where the files of a stream are; none if it is no stream. */
function placesIn(stream: Uint8Array) {
  try {
    return filePlaces(stream);
  } catch (error) {
    if (error instanceof CodecError) return [];
    throw error;
  }
}

/** How the bytes of a stream are coded. Width and height are of images. */
export function* runsOf(stream: Uint8Array, model: Cut): Generator<Run> {
  let at = 0;
  const run = (kind: number, end: number, { width, height }: Size): Run => {
    const begin = at;
    at = end;
    return { kind, at: begin, length: end - begin, width, height };
  };
  const none = { width: 0, height: 0 };
  for (const file of placesIn(stream)) {
    const end = file.at + file.size;
    const place = imagePlace(stream.subarray(file.at, end));
    const isImage = place?.colours === model.colours && isWorth(place, model);
    const begin = file.at + (isImage ? place.at : 0);
    if (begin > at) yield run(TEXT, begin, none);
    if (isImage) yield run(IMAGE, end, place);
    else if (end > at) yield run(RAW, end, none);
  }
  if (stream.length > at) yield run(TEXT, stream.length, none);
}

/** What adapts itself to the runs, in the same way on both sides. */
export class RunTrees {
  /** Of numbers, by the kind of the run. */
  readonly lengths = [new NumberTrees(), new NumberTrees()];
  readonly width = new NumberTrees();
  readonly height = new NumberTrees();
  /** Whether a tile is coded by the model. */
  readonly tile = new BitTree(1);
  private readonly kinds = [TEXT, RAW, IMAGE].map(() => new BitTree(2));
  private readonly bytes: BitTree[] = [];

  /** Of a run's kind, by the kind before. */
  kind(before: number): BitTree {
    return this.kinds[before];
  }

  /** Of a byte of text, by the byte before. */
  byte(before: number): BitTree {
    this.bytes[before] ??= new BitTree(8);
    return this.bytes[before];
  }
}
