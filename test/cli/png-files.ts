// PNG files of every kind, written plainly, for the tests of what reads them.

import { deflateSync } from 'node:zlib';

export interface PngParts {
  width: number;
  height: number;
  depth: number;
  /** 0 grey, 2 colour, 3 palette, 4 grey and alpha, 6 colour and alpha. */
  colours: number;
  /** Rows as the format packs them, each beginning with a byte of its own. */
  data: Uint8Array;
  palette?: readonly number[];
  alpha?: readonly number[];
  /** 0 none, 1 left, 2 up, 3 average, 4 Paeth; -1: data is what is compressed. */
  filter?: number;
  interlace?: number;
}

const bigEndian = (n: number): number[] => [n >>> 24, (n >>> 16) & 255, (n >>> 8) & 255, n & 255];

function crc(bytes: readonly number[]): number {
  let sum = 0xffffffff;
  for (const byte of bytes) {
    sum ^= byte;
    for (let bit = 0; bit < 8; bit++) sum = (sum >>> 1) ^ (sum & 1 ? 0xedb88320 : 0);
  }
  return ~sum >>> 0;
}

export function chunk(type: string, content: readonly number[]): number[] {
  const body = [...Buffer.from(type), ...content];
  return [...bigEndian(content.length), ...body, ...bigEndian(crc(body))];
}

function paeth(left: number, up: number, corner: number): number {
  const guess = left + up - corner;
  const [a, b, c] = [left, up, corner].map((value) => Math.abs(guess - value));
  if (a <= b && a <= c) return left;
  return b <= c ? up : corner;
}

/** Each byte less what the filter foretells of it. */
function filtered(data: Uint8Array, row: number, pixel: number, filter: number): number[] {
  return Array.from({ length: data.length / row }, (_, y) => [
    filter,
    ...Array.from({ length: row }, (_, x) => {
      const at = (y: number, x: number): number => (y < 0 || x < 0 ? 0 : data[y * row + x]);
      const left = at(y, x - pixel);
      const up = at(y - 1, x);
      const corner = at(y - 1, x - pixel);
      return (
        (data[y * row + x] - [0, left, up, (left + up) >> 1, paeth(left, up, corner)][filter]) & 255
      );
    }),
  ]).flat();
}

export function pngOf({
  width,
  height,
  depth,
  colours,
  data,
  palette,
  alpha,
  filter = 0,
  interlace = 0,
}: PngParts): Uint8Array {
  const channels = [1, 0, 3, 1, 2, 0, 4][colours];
  const row = Math.ceil((width * channels * depth) / 8);
  const pixel = Math.ceil((channels * depth) / 8);
  const body = filter < 0 ? data : filtered(data, row, pixel, filter);
  return Uint8Array.from([
    0x89,
    ...Buffer.from('PNG\r\n\u001a\n'),
    ...chunk('IHDR', [...bigEndian(width), ...bigEndian(height), depth, colours, 0, 0, interlace]),
    ...(palette === undefined ? [] : chunk('PLTE', palette)),
    ...(alpha === undefined ? [] : chunk('tRNS', alpha)),
    ...chunk('IDAT', [...deflateSync(Uint8Array.from(body))]),
    ...chunk('IEND', []),
  ]);
}
