// PNG files of red, green and blue as small as a usual encoder makes them: of each row the filter
// whose bytes sum to the least (as the specification suggests), then deflate at level 9.

import { crc32, deflateSync } from 'node:zlib';

const PIXEL = 3;

/** Left, above and corner of a byte. */
const around = (row, above, i) => [
  i < PIXEL ? 0 : row[i - PIXEL],
  above[i],
  i < PIXEL ? 0 : above[i - PIXEL],
];

function paeth([left, up, corner]) {
  const guess = left + up - corner;
  const [a, b, c] = [left, up, corner].map((value) => Math.abs(guess - value));
  if (a <= b && a <= c) return left;
  return b <= c ? up : corner;
}

const FILTERS = [
  () => 0,
  ([left]) => left,
  ([, up]) => up,
  ([left, up]) => (left + up) >> 1,
  paeth,
];

/** A row by the best filter, whose number is before it. */
function filtered(row, above) {
  const tried = FILTERS.map((predict, number) => {
    const bytes = row.map((byte, i) => byte - predict(around(row, above, i)));
    const sum = bytes.reduce((all, byte) => all + Math.min(byte, 256 - byte), 0);
    return { bytes: Uint8Array.of(number, ...bytes), sum };
  });
  return tried.reduce((best, one) => (one.sum < best.sum ? one : best)).bytes;
}

function chunk(name, data) {
  const inner = Buffer.concat([Buffer.from(name), data]);
  const [length, sum] = [Buffer.alloc(4), Buffer.alloc(4)];
  length.writeUInt32BE(data.length);
  sum.writeUInt32BE(crc32(inner));
  return Buffer.concat([length, inner, sum]);
}

/** A PNG file of pixels of three bytes. */
export function pngOf({ width, height, pixels }) {
  const row = width * PIXEL;
  const rows = Array.from({ length: height }, (_, y) =>
    filtered(
      pixels.subarray(y * row, (y + 1) * row),
      y === 0 ? new Uint8Array(row) : pixels.subarray((y - 1) * row, y * row),
    ),
  );
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([8, 2, 0, 0, 0], 8);
  return Buffer.concat([
    Buffer.from([0x89, ...Buffer.from('PNG\r\n\x1a\n')]),
    chunk('IHDR', header),
    chunk('IDAT', deflateSync(Buffer.concat(rows), { level: 9 })),
    chunk('IEND', Buffer.alloc(0)),
  ]);
}
