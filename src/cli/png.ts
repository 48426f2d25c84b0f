// A PNG file as bytes of grey or of red, green, blue: 16 bits are rounded to 8, fewer than 8 spread
// over 0..255, palettes looked up, transparency left out. Sums of all chunks are checked: a damaged
// file is a refused one. Before anything is decoded its data are known to be those of an image of
// its size, so the memory depends on the size alone.

import { inflateSync } from 'node:zlib';
import { convertIndexedToRgb, type DecodedPng, decode, encode } from 'fast-png';
import { type ImageSet, UsageError } from './library.ts';
import { isGzip } from './read.ts';

/** A decoded image. */
type Image = Pick<ImageSet, 'width' | 'height' | 'channels' | 'pixels'>;
/** Pixels of a side at most. */
const MAX_SIDE = 1024;

/** Most bytes of a file: four times what the largest image takes in full. */
export const MAX_PNG_BYTES = 2 ** 25;

const SIGNATURE = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a];
/** The header: length, 'IHDR', width, height, depth, colours, compression, filter, interlace; then
 *  its sum. */
const WIDTH = 16;
const HEIGHT = 20;
const DEPTH = 24;
const COLOURS = 25;
const INTERLACE = 28;
const HEADER = 33;
/** The kind of colours that is a palette. */
const INDEXED = 3;
/** Bytes of a chunk beside its data: length and name before, its sum behind. */
const AROUND = 12;
/** Samples of a pixel, by kind of colours. */
const SAMPLES: Record<number, number> = { 0: 1, 2: 3, 3: 1, 4: 2, 6: 4 };
/** First column and row, and distances, of the passes of an interlaced image. */
const PASSES = [
  [0, 0, 8, 8],
  [4, 0, 8, 8],
  [0, 4, 4, 8],
  [2, 0, 4, 4],
  [0, 2, 2, 4],
  [1, 0, 2, 2],
  [0, 1, 1, 2],
];

/** Why a file is damaged. */
class Damage extends Error {}

const CRC = Int32Array.from({ length: 256 }, (_, byte) => {
  let sum = byte;
  for (let bit = 0; bit < 8; bit++) sum = (sum >>> 1) ^ (sum & 1 ? 0xedb88320 : 0);
  return sum;
});

function checkSum(bytes: Uint8Array, expected: number): void {
  let sum = -1;
  for (const byte of bytes) sum = (sum >>> 8) ^ CRC[(sum ^ byte) & 0xff];
  if ((sum ^ -1) !== expected) throw new Damage('a checksum does not match');
}

interface Chunk {
  name: string;
  /** With what is around them. */
  whole: Uint8Array;
  data: Uint8Array;
}

/** The chunks, up to the end of the file, which IEND has to be. */
function readChunks(bytes: Uint8Array): Chunk[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const chunks: Chunk[] = [];
  for (let at = SIGNATURE.length; at < bytes.length; ) {
    const rest = bytes.length - at;
    const length = rest < AROUND ? Infinity : view.getUint32(at);
    if (AROUND + length > rest) throw new Damage('it is cut off or contradicts itself');
    const whole = bytes.subarray(at, at + AROUND + length);
    at += AROUND + length;
    const inner = whole.subarray(4, -4);
    checkSum(inner, view.getInt32(at - 4));
    chunks.push({
      name: String.fromCharCode(...inner.subarray(0, 4)),
      whole,
      data: inner.subarray(4),
    });
  }
  if (chunks.findIndex(({ name }) => name === 'IEND') !== chunks.length - 1)
    throw new Damage('something stands behind its end, or it has none');
  return chunks;
}

/** Bytes that the samples of an image take before they are compressed: a filter's number and its
 *  bits, row by row. */
function sampleBytes(
  bytes: Uint8Array,
  { width, height }: Pick<Image, 'width' | 'height'>,
): number {
  const bits = SAMPLES[bytes[COLOURS]] * bytes[DEPTH];
  const part = (w: number, h: number): number => (w > 0 ? h * (1 + Math.ceil((w * bits) / 8)) : 0);
  if (bytes[INTERLACE] === 0) return part(width, height);
  return PASSES.reduce(
    (sum, [x, y, right, down]) =>
      sum + part(Math.ceil((width - x) / right), Math.ceil((height - y) / down)),
    0,
  );
}

/** Throws Damage unless the compressed data are just the samples of the image, and nothing is
 *  behind them. */
function checkData(data: Uint8Array, expected: number): void {
  let inflated: { buffer: Uint8Array; engine: { bytesWritten: number } };
  try {
    inflated = inflateSync(data, {
      maxOutputLength: expected,
      info: true,
    }) as unknown as typeof inflated;
  } catch {
    throw new Damage('its data are damaged, or more than an image of its size has');
  }
  if (inflated.buffer.length !== expected || inflated.engine.bytesWritten !== data.length)
    throw new Damage('its data are not those of an image of its size');
}

/** The file with what decides its pixels and nothing else: other chunks may be of any size once
 *  they are decompressed. */
function essence(bytes: Uint8Array, shape: Pick<Image, 'width' | 'height'>): Uint8Array {
  const chunks = readChunks(bytes).filter(({ name }) =>
    ['IHDR', 'PLTE', 'IDAT', 'IEND'].includes(name),
  );
  const data = Buffer.concat(
    chunks.filter(({ name }) => name === 'IDAT').map((chunk) => chunk.data),
  );
  if (SAMPLES[bytes[COLOURS]] === undefined || chunks[0]?.name !== 'IHDR')
    throw new Damage('it contradicts itself');
  checkData(data, sampleBytes(bytes, shape));
  return Buffer.concat([bytes.subarray(0, SIGNATURE.length), ...chunks.map(({ whole }) => whole)]);
}

/** Samples of 1, 2, 4, 8 or 16 bits, each row beginning with a byte of its own, as bytes of 0..255.
 */
function toBytes({ data, depth, width, height, channels }: DecodedPng): Uint8Array {
  if (depth === 8) return new Uint8Array(data);
  if (depth === 16) return Uint8Array.from(data, (sample) => Math.round(sample / 257));
  const perByte = 8 / depth;
  const highest = 2 ** depth - 1;
  const row = width * channels;
  const stride = Math.ceil(row / perByte);
  return Uint8Array.from({ length: height * row }, (_, i) => {
    const x = i % row;
    const byte = data[Math.floor(i / row) * stride + Math.floor(x / perByte)];
    return (((byte >> (8 - depth * ((x % perByte) + 1))) & highest) * 255) / highest;
  });
}

/** The first `kept` of every `channels` bytes. */
function withoutAlpha(bytes: Uint8Array, channels: number, kept: number): Uint8Array {
  if (channels === kept) return bytes;
  return Uint8Array.from(
    { length: (bytes.length / channels) * kept },
    (_, i) => bytes[Math.floor(i / kept) * channels + (i % kept)],
  );
}

/** The channels of the decoded file and its bytes, transparency included. */
function decodePixels(bytes: Uint8Array): { stored: number; pixels: Uint8Array } {
  const png = decode(bytes, { checkCrc: true });
  if (bytes[COLOURS] !== INDEXED) return { stored: png.channels, pixels: toBytes(png) };
  const pixels = convertIndexedToRgb(png);
  return { stored: pixels.length / (png.width * png.height), pixels };
}

/** Why the decoder stopped. Its own words are about its insides. */
const reason = (error: unknown): string =>
  error instanceof Damage ? error.message : 'it is cut off or contradicts itself';

/** Bytes that cannot be an image: none at all, or a gzip file. */
function checkBytes(bytes: Uint8Array, what: string): void {
  if (bytes.length === 0)
    throw new UsageError(`${what} is empty, expected a PNG file`, 'fetch the file again');
  if (isGzip(bytes))
    throw new UsageError(
      `${what} is still gzip-compressed, expected a PNG file`,
      'decompress it first',
    );
}

/** Decodes a PNG file; `what` names it in errors. Throws UsageError for anything that is not a
 *  whole one of sides up to so many pixels (1,024). */
export function readPng(bytes: Uint8Array, what: string, mostSide = MAX_SIDE): Image {
  checkBytes(bytes, what);
  if (SIGNATURE.some((byte, i) => bytes[i] !== byte))
    throw new UsageError(
      `${what} does not begin as a PNG file, expected one`,
      'save the image as PNG',
    );
  const refuse = (why: string): never => {
    throw new UsageError(
      `${what} is a damaged PNG file (${why}), expected a whole one`,
      'save the image again',
    );
  };
  if (bytes.length < HEADER) return refuse(`it has ${bytes.length} bytes`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, HEADER);
  const shape = { width: view.getUint32(WIDTH), height: view.getUint32(HEIGHT) };
  if (Math.min(shape.width, shape.height) < 1 || Math.max(shape.width, shape.height) > mostSide)
    throw new UsageError(
      `${what} is ${shape.width} x ${shape.height} pixels, expected sides of 1 to ${mostSide}`,
      'scale or cut the image',
    );
  if (bytes[INTERLACE] === 1 && bytes[DEPTH] < 8)
    throw new UsageError(
      `${what} is interlaced with ${bytes[DEPTH]} bits a sample, expected 8 or 16, or no ` +
        'interlacing',
      'save the image without interlacing',
    );
  try {
    const { stored, pixels } = decodePixels(essence(bytes, shape));
    const channels = stored < 3 ? 1 : 3;
    return { ...shape, channels, pixels: withoutAlpha(pixels, stored, channels) };
  } catch (error) {
    return refuse(reason(error));
  }
}

/** Whether all that a PNG file shows is a byte for each grey, or for each red, green and blue:
 *  readPng loses nothing of those. */
export function isPlainPng(bytes: Uint8Array): boolean {
  if (bytes.length < HEADER || SIGNATURE.some((byte, i) => bytes[i] !== byte)) return false;
  if (bytes[DEPTH] !== 8 || ![1, 3].includes(SAMPLES[bytes[COLOURS]])) return false;
  try {
    return bytes[COLOURS] !== INDEXED && !readChunks(bytes).some(({ name }) => name === 'tRNS');
  } catch (error) {
    if (error instanceof Damage) return false;
    throw error;
  }
}

/** A PNG file of an image: the same bytes for the same pixels. */
export const writePng = ({ width, height, channels, pixels }: Image): Uint8Array =>
  encode({ width, height, channels, depth: 8, data: pixels });
