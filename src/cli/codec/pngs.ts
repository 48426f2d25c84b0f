// PNG files in archives that a model of images codes: an archive has their pixels, as files of
// netpbm, and they are written anew when they come out.

import { type ArchiveFile, readNetpbm, UsageError, writeNetpbm } from '../library.ts';
import { isPlainPng, readPng, writePng } from '../png.ts';

/** Behind the name of a PNG file. */
const SUFFIX = '.pnm';
const PNG = /\.png\.pnm$/i;
/** Pixels of a side at most. */
const MOST_SIDE = 2 ** 15;

/** Undefined instead of a UsageError. */
function tried<T>(work: () => T): T | undefined {
  try {
    return work();
  } catch (error) {
    if (error instanceof UsageError) return undefined;
    throw error;
  }
}

/** The files as an archive has them: PNG files of so many colours become their pixels. One that has
 *  more than 8 bits, transparency or a palette, or is damaged, stays as it is. */
export const withPixels = (files: readonly ArchiveFile[], colours: number): ArchiveFile[] =>
  files.map((file) => {
    if (!/\.png$/i.test(file.name) || !isPlainPng(file.bytes)) return file;
    const image = tried(() => readPng(file.bytes, 'the file', MOST_SIDE));
    if (image?.channels !== colours) return file;
    return { name: file.name + SUFFIX, bytes: writeNetpbm({ ...image, colours }) };
  });

/** The files of such an archive as they were named, unless one has that name already. */
export function withPngs(files: readonly ArchiveFile[]): ArchiveFile[] {
  const names = new Set(files.map(({ name }) => name));
  return files.map((file) => {
    const name = file.name.slice(0, -SUFFIX.length);
    if (!PNG.test(file.name) || names.has(name)) return file;
    const image = tried(() => readNetpbm(file.bytes));
    if (image === undefined) return file;
    return { name, bytes: writePng({ ...image, channels: image.colours === 1 ? 1 : 3 }) };
  });
}
