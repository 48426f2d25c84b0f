// Optical recognition of handwritten digits (UCI, optdigits.tra and optdigits.tes): text, 65
// integers a line between commas, the 8 x 8 pixels of a digit row by row, 0..16, and the digit.
// Pixels are scaled to 0..255 as those of other sets are.

import { text as textOf, typed } from '../core/check.ts';
import { UsageError } from '../core/errors.ts';
import { checkBytes, checkSize, type ImageSet } from './images.ts';

const SIDE = 8;
const AREA = SIDE * SIDE;
const DARKEST = 16;
const CLASSES = 10;
/** Far more than the set has, far less than a string can. */
const MAX_TEXT = 2 ** 24;

/** Reads optdigits.tra or optdigits.tes: 8 x 8 grey images, pixel p of 0..16 becoming round(255 p /
 *  16). Throws UsageError naming the line that is not 65 integers in range.
 *  @example
 *  const line = [...Array(62).fill(0), 8, 16, 3].join(); // 64 pixels and a 3
 *  const set = readDigits(new TextEncoder().encode(line), 'digits');
 *  console.log(set.count, set.labels[0], set.pixels.subarray(60).join(' ')); // 1 3 0 0 128 255
 */
export function readDigits(bytes: Uint8Array, what: string): ImageSet {
  typed(textOf('what', what), bytes, 'Uint8Array');
  checkBytes(bytes, what, 'the text of optdigits');
  if (bytes.length > MAX_TEXT)
    throw new UsageError(`${what} has ${bytes.length} bytes, expected at most ${MAX_TEXT} of text`);
  const pixels: number[] = [];
  const labels: number[] = [];
  const lines = new TextDecoder().decode(new Uint8Array(bytes)).trimEnd().split('\n');
  lines.forEach((line, record) => {
    const words = line.split(',');
    const place = `${what} has at line ${record + 1}`;
    if (words.length !== AREA + 1)
      throw new UsageError(
        `${place} ${words.length} values, expected ${AREA + 1} (64 pixels and the digit) ` +
          'between commas',
        'fetch the file again',
      );
    words.forEach((word, i) => {
      const highest = i < AREA ? DARKEST : CLASSES - 1;
      const text = word.trim();
      const value = Number(text);
      if (!/^\d{1,3}$/.test(text) || value > highest)
        throw new UsageError(
          `${place} ${JSON.stringify(text.slice(0, 20))} as ` +
            `${i < AREA ? `pixel ${i}` : 'the digit'}, expected a whole number from 0 to ` +
            `${highest}`,
          'fetch the file again',
        );
      if (i < AREA)
        pixels.push(Math.floor((255 * value + DARKEST / 2) / DARKEST)); // rounded, halves up
      else labels.push(value);
    });
  });
  checkSize({ width: SIDE, height: SIDE }, lines.length, what);
  return {
    width: SIDE,
    height: SIDE,
    channels: 1,
    classes: CLASSES,
    count: lines.length,
    pixels: Uint8Array.from(pixels),
    labels: Int32Array.from(labels),
  };
}
