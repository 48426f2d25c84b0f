// Bytes that are read in parts, so that a file of any size is never held as a whole.

import { CheckpointError, UsageError } from '../core/errors.ts';

/** A file, a Blob or an address that answers ranges: its size, and some of its bytes. */
export interface ByteSource {
  /** Bytes in all. */
  readonly size: number;
  /** The `length` bytes from `offset` on, within the size: a Uint8Array or an ArrayBuffer of them.
   */
  read(
    offset: number,
    length: number,
  ): Uint8Array | ArrayBuffer | Promise<Uint8Array | ArrayBuffer>;
}

/** A source that was looked at: its size is a whole number. */
export function asByteSource(name: string, given: ByteSource): ByteSource {
  const { size } = Object(given) as ByteSource;
  if (!Number.isSafeInteger(size) || size < 0 || typeof given.read !== 'function')
    throw new UsageError(
      `${name} is not { size, read }`,
      'of a file: { size: file.size, read: (at, n) => file.slice(at, at + n).arrayBuffer() }',
    );
  return { size, read: (offset, length) => given.read(offset, length) };
}

/** Whether a value is an ArrayBuffer, of any realm. */
const isBuffer = (value: unknown): value is ArrayBuffer =>
  /ArrayBuffer\]$/.test(Object.prototype.toString.call(value));

/** Exactly these bytes, in memory of their own alignment. Throws CheckpointError for a source that
 *  is shorter, or gives something else. */
export async function readBytes(
  { size, read }: ByteSource,
  offset: number,
  length: number,
): Promise<Uint8Array> {
  if (offset + length > size)
    throw new CheckpointError(`truncated at ${size} of at least ${offset + length} bytes`);
  const given = await read(offset, length);
  const bytes = isBuffer(given) ? new Uint8Array(given) : given;
  if (!ArrayBuffer.isView(bytes) || bytes.byteLength !== length)
    throw new CheckpointError(
      `reading ${length} bytes at ${offset} gave ${Object(bytes).byteLength ?? 'something else'}`,
    );
  return new Uint8Array(bytes.buffer, bytes.byteOffset, length);
}
