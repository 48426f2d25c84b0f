// Images as files that are their pixels: PGM (P5, grey) and PPM (P6, red, green, blue) of netpbm,
// with a byte for each value. An archive codes the pixels of such files by a model of images.

import { properties, typed, whole } from '../core/check.ts';
import { copyOf } from '../core/copy.ts';
import { UsageError } from '../index.ts';

/** An image of bytes. */
export interface NetpbmImage {
  /** Pixels from left to right. */
  readonly width: number;
  /** Pixels from top to bottom. */
  readonly height: number;
  /** Values of a pixel: 1 (grey) or 3 (red, green, blue). */
  readonly colours: number;
  /** Row by row, colour last. */
  readonly pixels: Uint8Array;
}

/** Where an image lies in its file. */
export interface ImagePlace extends Omit<NetpbmImage, 'pixels'> {
  /** The first byte of the pixels, which go on to the end. */
  readonly at: number;
}

const MAX_SIDE = 2 ** 20;
/** Bytes in which a header has to end. */
const HEADER = 512;
const BLANK = '(?:[ \\t\\r\\n\\v\\f]|#[^\\r\\n]*[\\r\\n])+';
/** The magic number, width, height and largest value; comments are where blanks are. */
const START = new RegExp(`^P([56])${BLANK}(\\d+)${BLANK}(\\d+)${BLANK}255[ \\t\\r\\n\\v\\f]`);

/** Where the image of a file is; undefined for what is no such file, whole and without anything
 *  behind it. */
export function imagePlace(file: Uint8Array): ImagePlace | undefined {
  const start = String.fromCharCode(...file.subarray(0, HEADER));
  const [header, kind, width, height] = START.exec(start) ?? [];
  if (header === undefined) return undefined;
  const place = {
    width: Number(width),
    height: Number(height),
    colours: kind === '5' ? 1 : 3,
    at: header.length,
  };
  const pixels = place.width * place.height * place.colours;
  return pixels > 0 && file.length - place.at === pixels ? place : undefined;
}

/** The image of a PGM or PPM file (P5 or P6) of values up to 255. Throws UsageError for another
 *  file.
 *  @example
 *  const file = writeNetpbm({ width: 1, height: 1, colours: 3, pixels: Uint8Array.of(9, 8, 7) });
 *  console.log(readNetpbm(file).pixels); // Uint8Array(3) [ 9, 8, 7 ]
 */
export function readNetpbm(file: Uint8Array): NetpbmImage {
  const bytes = copyOf('file', file);
  const place = imagePlace(bytes);
  if (place === undefined)
    throw new UsageError('the file is no PGM or PPM of bytes, expected one that is whole');
  const { width, height, colours, at } = place;
  return { width, height, colours, pixels: bytes.slice(at) };
}

/** An image as a PGM (1 colour) or PPM (3 colours). Throws UsageError for what is none.
 *  @example
 *  const file = writeNetpbm({ width: 1, height: 1, colours: 1, pixels: Uint8Array.of(65) });
 *  console.log(JSON.stringify(new TextDecoder().decode(file))); // "P5\n1 1\n255\nA"
 */
export function writeNetpbm(image: NetpbmImage): Uint8Array<ArrayBuffer> {
  const names = ['width', 'height', 'colours', 'pixels'] as const;
  const { width, height, colours, pixels } = properties('image', image, names);
  whole('width', width, 1, MAX_SIDE);
  whole('height', height, 1, MAX_SIDE);
  if (colours !== 1) whole('colours', colours, 3, 3, 'give 1 or 3');
  const size = width * height * colours;
  typed('pixels', pixels, 'Uint8Array', size, size);
  const header = `P${colours === 1 ? 5 : 6}\n${width} ${height}\n255\n`;
  const file = new Uint8Array(header.length + size);
  file.set(Uint8Array.from(header, (character) => character.charCodeAt(0)));
  file.set(copyOf('pixels', pixels), header.length);
  return file;
}
