// Bytes of files that nobody vouches for. A path may lead to a pipe without an end, to /dev/zero,
// to a file that grows while it is read, or to a gzip file of which every byte becomes a thousand:
// so whoever reads says how many bytes there may be, and no more are ever held.

import * as fs from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { pause } from './output.ts';
import { codeOf } from './system-errors.ts';

/** Most bytes of what has no size of its own: a pipe, a terminal, a device. */
const MAX_STREAM = 2 ** 28;
/** Bytes that are asked for at a time of a stream. */
const CHUNK = 2 ** 16;
/** Opening a pipe that nobody writes to would wait for ever. Windows has neither. */
const FLAGS = fs.constants.O_RDONLY | (fs.constants.O_NONBLOCK ?? 0);

/** What a file has more bytes than. Its message follows the file's name. */
export class TooLarge extends Error {
  constructor(most: number) {
    super(`has more than ${most} bytes`);
  }
}

/** Reads some bytes to `into` at `at`; 0 at the end. Waits for a pipe whose writer is slow. */
function readSome(handle: number, into: Uint8Array, at: number): number {
  for (;;) {
    try {
      return fs.readSync(handle, into, at, into.length - at, null);
    } catch (error) {
      if (codeOf(error) === 'EOF') return 0; // Windows
      if (codeOf(error) !== 'EAGAIN') throw error;
      pause(10);
    }
  }
}

/** Everything up to the end of a stream. */
function readStream(handle: number, most: number): Uint8Array {
  const parts: Uint8Array[] = [];
  for (let total = 0; ; ) {
    const part = new Uint8Array(CHUNK);
    const count = readSome(handle, part, 0);
    if (count === 0) return Buffer.concat(parts);
    total += count;
    if (total > most) throw new TooLarge(most);
    parts.push(part.subarray(0, count));
  }
}

/** A file of a known size, or what is left of it, if it has become shorter since. */
function readSized(handle: number, size: number): Uint8Array {
  const bytes = new Uint8Array(size);
  let at = 0;
  for (let count = 1; at < size && count > 0; at += count) count = readSome(handle, bytes, at);
  return bytes.subarray(0, at);
}

/** The bytes of a file, or of a stream up to its end. Throws TooLarge above `most`, and the
 *  system's errors. `isFile`: nothing but a regular file will do. */
export function readBounded(path: string, most: number, isFile = false): Uint8Array {
  const handle = fs.openSync(path, FLAGS);
  try {
    const stat = fs.fstatSync(handle);
    if (stat.isDirectory())
      throw Object.assign(new Error('EISDIR: illegal operation on a directory'), {
        code: 'EISDIR',
      });
    if (isFile && !stat.isFile()) throw new Error('it is no regular file');
    if (stat.size > most) throw new TooLarge(most);
    // Some files of the system say that they are empty, and are not.
    const isSized = stat.isFile() && stat.size > 0;
    return isSized ? readSized(handle, stat.size) : readStream(handle, Math.min(most, MAX_STREAM));
  } finally {
    fs.closeSync(handle);
  }
}

export const isGzip = (bytes: Uint8Array): boolean => bytes[0] === 0x1f && bytes[1] === 0x8b;

/** The content of a gzip file. Throws TooLarge above `most`, and zlib's errors. */
export function gunzipBounded(bytes: Uint8Array, most: number): Uint8Array {
  try {
    return gunzipSync(bytes, { maxOutputLength: most });
  } catch (error) {
    throw codeOf(error) === 'ERR_BUFFER_TOO_LARGE' ? new TooLarge(most) : error;
  }
}
