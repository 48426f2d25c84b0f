// Files as one stream of bytes: a list, and then the files. Names that could lead out of the folder
// where files are put are neither written nor read.

import { list, properties, show, text } from '../core/check.ts';
import { copyOf } from '../core/copy.ts';
import { UsageError } from '../index.ts';
import { ByteReader, ByteWriter } from './bytes.ts';
import { CodecError } from './errors.ts';

/** A file of an archive. */
export interface ArchiveFile {
  /** A relative path, / between its parts, of at most 4,096 bytes. */
  readonly name: string;
  /** Its bytes. */
  readonly bytes: Uint8Array;
}

const LONGEST = 4096;
/** Most files. */
const MOST = 2 ** 20;
/** What no part of a name may have: controls, what separates, drives and streams of Windows. */
const FORBIDDEN = /[\0-\x1f\x7f\\:*?"<>|]/;

/** Why a name is none, in words; undefined if it is one. */
function wrongName(name: string, length: number): string | undefined {
  if (length === 0 || length > LONGEST) return `has ${length} bytes`;
  if (FORBIDDEN.test(name)) return 'has a character that files cannot have everywhere';
  const parts = name.split('/');
  if (parts.some((part) => part === '' || part === '.' || part === '..'))
    return 'is no relative path';
  return undefined;
}

function checkFile(name: string, value: unknown): ArchiveFile {
  const file = properties(name, Object(value) as ArchiveFile, ['name', 'bytes']);
  return { name: text(`${name}.name`, file.name), bytes: copyOf(`${name}.bytes`, file.bytes) };
}

/** Files as a stream. Throws UsageError for wrong names. */
export function streamOf(given: readonly ArchiveFile[]): Uint8Array<ArrayBuffer> {
  const files = list('files', given as ArrayLike<unknown>, checkFile, 0, MOST);
  const stream = new ByteWriter().number(files.length);
  const seen = new Set<string>();
  for (const { name, bytes } of files) {
    const encoded = new TextEncoder().encode(name);
    const isWhole = new TextDecoder().decode(encoded) === name;
    const wrong = isWhole ? wrongName(name, encoded.length) : 'is no Unicode text';
    if (wrong !== undefined) throw new UsageError(`the name ${show(name)} ${wrong}`);
    if (seen.has(name)) throw new UsageError(`the name ${show(name)} comes twice`);
    seen.add(name);
    stream.number(encoded.length).number(bytes.length).bytes(encoded);
  }
  for (const { bytes } of files) stream.bytes(bytes);
  return stream.finish();
}

/** Where a file lies in a stream. */
interface FilePlace {
  readonly name: string;
  readonly at: number;
  readonly size: number;
}

/** Where the files of a stream are. Throws CodecError for what `streamOf` does not write. */
export function filePlaces(stream: Uint8Array): FilePlace[] {
  const reader = new ByteReader(stream, "the archive's list of files");
  const count = reader.number();
  if (count > Math.min(MOST, reader.left))
    throw new CodecError('damaged', `the archive says that it has ${count} files`);
  const seen = new Set<string>();
  const listed = Array.from({ length: count }, () => {
    const length = reader.number();
    const size = reader.number();
    const encoded = reader.bytes(length);
    const name = decodeName(encoded);
    const wrong = wrongName(name, length);
    if (wrong !== undefined || seen.has(name))
      throw new CodecError('damaged', `a name in the archive ${wrong ?? 'comes twice'}`);
    seen.add(name);
    return { name, size };
  });
  const places = listed.map(({ name, size }) => {
    reader.bytes(size);
    return { name, at: reader.at - size, size };
  });
  if (reader.left > 0)
    throw new CodecError('damaged', `${reader.left} bytes of the archive are in no file`);
  return places;
}

/** The files of a stream. Throws CodecError for what `streamOf` does not write. */
export const filesOf = (stream: Uint8Array): ArchiveFile[] =>
  filePlaces(stream).map(({ name, at, size }) => ({ name, bytes: stream.slice(at, at + size) }));

function decodeName(encoded: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(encoded);
  } catch {
    throw new CodecError('damaged', 'a name in the archive is no UTF-8');
  }
}
