// A PNG file as bytes of grey or of red, green, blue: 16 bits are rounded to 8, fewer than 8 spread over 0..255, palettes looked
// up, transparency left out. Sums of all chunks are checked: a damaged file is a refused one.

import { type DecodedPng, convertIndexedToRgb, decode } from 'fast-png';
import type { ImageShape } from '../data/images.ts';
import { MAX_SIDE, checkBytes, sizeOf } from '../data/images.ts';
import { UsageError } from './library.ts';

const SIGNATURE = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a];
/** The header: length, 'IHDR', width, height, depth, colours, compression, filter, interlace; then its sum. */
const WIDTH = 16, HEIGHT = 20, DEPTH = 24, COLOURS = 25, INTERLACE = 28, HEADER = 33;
/** The kind of colours that is a palette. */
const INDEXED = 3;

/** Samples of 1, 2, 4, 8 or 16 bits, each row beginning with a byte of its own, as bytes of 0..255. */
function toBytes({ data, depth, width, height, channels }: DecodedPng): Uint8Array {
  if (depth === 8) return new Uint8Array(data);
  if (depth === 16) return Uint8Array.from(data, (sample) => Math.round(sample / 257));
  const perByte = 8 / depth, highest = 2 ** depth - 1, row = width * channels, stride = Math.ceil(row / perByte);
  return Uint8Array.from({ length: height * row }, (_, i) => {
    const x = i % row, byte = data[Math.floor(i / row) * stride + Math.floor(x / perByte)];
    return (((byte >> (8 - depth * ((x % perByte) + 1))) & highest) * 255) / highest;
  });
}

/** The first `kept` of every `channels` bytes. */
function withoutAlpha(bytes: Uint8Array, channels: number, kept: number): Uint8Array {
  if (channels === kept) return bytes;
  return Uint8Array.from({ length: (bytes.length / channels) * kept }, (_, i) => bytes[Math.floor(i / kept) * channels + (i % kept)]);
}

/** The channels of the decoded file and its bytes, transparency included. */
function decodePixels(bytes: Uint8Array): { stored: number; pixels: Uint8Array } {
  const png = decode(bytes, { checkCrc: true });
  if (bytes[COLOURS] !== INDEXED) return { stored: png.channels, pixels: toBytes(png) };
  const pixels = convertIndexedToRgb(png);
  return { stored: pixels.length / (png.width * png.height), pixels };
}

/** Why the decoder stopped. Its own words are about its insides. */
const reason = (error: unknown): string => (/^CRC/.test((error as Error).message) ? 'a checksum does not match' : 'it is cut off or contradicts itself');

/** Decodes a PNG file; `what` names it in errors. Throws UsageError for anything that is not a whole one of sides up to 1,024 pixels. */
export function readPng(bytes: Uint8Array, what: string): ImageShape & { pixels: Uint8Array } {
  checkBytes(bytes, what, 'a PNG file');
  if (SIGNATURE.some((byte, i) => bytes[i] !== byte)) throw new UsageError(`${what} does not begin as a PNG file, expected one`, 'save the image as PNG');
  const refuse = (why: string): never => { throw new UsageError(`${what} is a damaged PNG file (${why}), expected a whole one`, 'save the image again'); };
  if (bytes.length < HEADER) return refuse(`it has ${bytes.length} bytes`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, HEADER), shape = { width: view.getUint32(WIDTH), height: view.getUint32(HEIGHT) };
  if (Math.min(shape.width, shape.height) < 1 || Math.max(shape.width, shape.height) > MAX_SIDE)
    throw new UsageError(`${what} is ${sizeOf(shape)} pixels, expected sides of 1 to ${MAX_SIDE}`, 'scale or cut the image');
  if (bytes[INTERLACE] === 1 && bytes[DEPTH] < 8)
    throw new UsageError(`${what} is interlaced with ${bytes[DEPTH]} bits a sample, expected 8 or 16, or no interlacing`, 'save the image without interlacing');
  try {
    const { stored, pixels } = decodePixels(bytes), channels = stored < 3 ? 1 : 3;
    return { ...shape, channels, pixels: withoutAlpha(pixels, stored, channels) };
  } catch (error) {
    return refuse(reason(error));
  }
}
