// A tiny data set of IDX files that a model can learn: images of 8 x 8, a bright column at the
// place of the class.

import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const bigEndian = (...numbers: number[]): number[] =>
  numbers.flatMap((n) => [n >>> 24, (n >>> 16) & 255, (n >>> 8) & 255, n & 255]);

export interface IdxChange {
  classes?: number;
  side?: number;
  train?: number;
  test?: number;
}

/** Image number i shows class i mod classes. */
function files(
  prefix: string,
  count: number,
  { classes = 4, side = 8 }: IdxChange,
): Record<string, Uint8Array> {
  const pixels = Array.from({ length: count * side * side }, (_, at) => {
    const image = Math.floor(at / (side * side));
    const column = at % side;
    return column === 2 * (image % classes) ? 200 + (at % 50) : (at * 7 + image) % 40;
  });
  return {
    [`${prefix}-images-idx3-ubyte`]: Uint8Array.from([
      ...bigEndian(2051, count, side, side),
      ...pixels,
    ]),
    [`${prefix}-labels-idx1-ubyte`]: Uint8Array.from([
      ...bigEndian(2049, count),
      ...Array.from({ length: count }, (_, i) => i % classes),
    ]),
  };
}

export const idxFiles = (change: IdxChange = {}): Record<string, Uint8Array> => ({
  ...files('train', change.train ?? 48, change),
  ...files('t10k', change.test ?? 12, change),
});

/** Makes a directory of files. */
export function makeFolder(path: string, content: Record<string, Uint8Array | string>): void {
  mkdirSync(path, { recursive: true });
  for (const [name, bytes] of Object.entries(content)) writeFileSync(join(path, name), bytes);
}
