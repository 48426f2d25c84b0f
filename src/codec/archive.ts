// An archive of files (.rga), format 1. Numbers are LEB128 (bytes.ts).
//
//   3   'RGA'                    1   format, 1
//   1   how blocks are coded: 0 not at all, else a coder's kind
//   32  the model's SHA-256, unless they are not coded
//   n   number: bytes of the plain stream
//       its blocks of 2^18 bytes, or as many as the coder says, the last one shorter, each
//   1     0 stored, 1 coded      4   CRC-32C of its plain bytes, little-endian
//   n     coded: number: bytes that follow
//   n     the bytes
//   16  the first half of the SHA-256 of all before the blocks and of the plain stream
//
// The plain stream is the list (number of files; of each the bytes of its name and of itself, and
// the name) and then the files. An archive whose blocks do not become smaller has no model: it is
// at most 32 bytes and 0.01 % larger than its plain stream.

import { fields, list, properties, text, whole } from '../core/check.ts';
import { copyOf } from '../core/copy.ts';
import { hex, sha256, unhex } from '../core/digest.ts';
import { UsageError } from '../index.ts';
import type { BlockCoder } from './block-coder.ts';
import { ByteReader, ByteWriter } from './bytes.ts';
import { crc32c } from './crc32c.ts';
import { CodecError } from './errors.ts';
import { type ArchiveFile, filesOf, streamOf } from './files.ts';
import { type Progress, Watch } from './pause.ts';

/** The format that this library writes; it reads this one and all before. */
export const ARCHIVE_FORMAT = 1;
const MAGIC = [0x52, 0x47, 0x41];
const BLOCK = 2 ** 18;
const blockOf = (coder: BlockCoder | undefined): number => coder?.block ?? BLOCK;
const DIGEST = 16;
const MODEL = 32;
/** Bytes before the number of the stream, of an archive without a model. */
const LEAST_HEADER = 5;

/** How an archive is written. */
export interface WriteArchiveOptions {
  /** Codes blocks by a model: `messageCoder(model)`, `imageCoder(model)`; what does not become
   *  smaller is stored (all is stored). */
  coder?: BlockCoder | undefined;
  /** Ends the work early: the promise is rejected with the signal's reason. */
  signal?: AbortSignal | undefined;
  /** Called now and then with the bytes of the files that are done. */
  onProgress?: ((bytes: number) => void) | undefined;
}

/** How an archive is read. */
export interface ReadArchiveOptions {
  /** What blocks can be coded by: the one of the archive's kind and model is taken (none). */
  coders?: readonly BlockCoder[] | undefined;
  /** Most bytes of the files and their names, 0 .. 2^49 - 1; an archive that says more is refused
   *  before anything is decoded (256 MiB). */
  maxOutput?: number | undefined;
  /** Most bytes of memory of files and coder together, refused in the same way (1 GiB). */
  maxMemory?: number | undefined;
  /** Ends the work early: the promise is rejected with the signal's reason. */
  signal?: AbortSignal | undefined;
  /** Called now and then with the bytes of the files that are done. */
  onProgress?: ((bytes: number) => void) | undefined;
}

/** What an archive says of itself. */
export interface ArchiveInfo {
  /** Its format. */
  readonly format: number;
  /** Kind of the coder; 0: nothing is coded. */
  readonly kind: number;
  /** SHA-256 of the model, 64 hex digits; '' without one. */
  readonly model: string;
  /** Bytes of the files, their names and sizes. */
  readonly bytes: number;
}

const WRITE = { coder: undefined, signal: undefined, onProgress: undefined };
const MAX_BYTES = 2 ** 49 - 1;
const READ = {
  coders: [],
  maxOutput: 2 ** 28,
  maxMemory: 2 ** 30,
  signal: undefined,
  onProgress: undefined,
};

/** A coder, each part of it read once. Throws UsageError for what is none. */
function checkCoder(name: string, value: unknown): BlockCoder {
  const keys = ['kind', 'id', 'bytes', 'block', 'encode', 'decode'] as const;
  const coder = properties(name, Object(value) as BlockCoder, keys);
  whole(`${name}.kind`, coder.kind, 1, 255);
  whole(`${name}.bytes`, coder.bytes, 0, MAX_BYTES);
  if (coder.block !== undefined) whole(`${name}.block`, coder.block, 1, MAX_BYTES);
  if (!/^[\da-f]{64}$/.test(text(`${name}.id`, coder.id)))
    throw new UsageError(`${name}.id is no SHA-256, expected 64 hex digits`);
  if (typeof coder.encode !== 'function' || typeof coder.decode !== 'function')
    throw new UsageError(`${name} is no coder`, 'make one with messageCoder(model)');
  return coder;
}

function headerOf(coder: BlockCoder | undefined, length: number): Uint8Array {
  const header = new ByteWriter().bytes(
    Uint8Array.from([...MAGIC, ARCHIVE_FORMAT, coder?.kind ?? 0]),
  );
  if (coder !== undefined) header.bytes(unhex(coder.id));
  return header.number(length).finish();
}

/** An archive, with a coder or without. */
async function write(
  stream: Uint8Array,
  coder: BlockCoder | undefined,
  watch: Watch,
): Promise<Uint8Array<ArrayBuffer>> {
  const header = headerOf(coder, stream.length);
  const block = blockOf(coder);
  const out = new ByteWriter().bytes(header);
  for (let at = 0; at < stream.length; at += block) {
    const plain = stream.subarray(at, at + block);
    const coded = await coder?.encode(plain.slice(), watch.progress(at));
    const check = crc32c(plain);
    if (coded !== undefined && coded.length < plain.length)
      out.bytes(Uint8Array.of(1)).u32(check).number(coded.length).bytes(coded);
    else out.bytes(Uint8Array.of(0)).u32(check).bytes(plain);
    await watch.step(Math.min(stream.length, at + block));
  }
  return out.bytes(sha256([header, stream]).subarray(0, DIGEST)).finish();
}

/** Files as one archive. Names are relative, with / between their parts. Throws UsageError for
 *  names that are not, or that come twice, and for wrong options.
 *  @example
 *  const archive = await writeArchive([{ name: 'a.bin', bytes: new Uint8Array(9) }]);
 *  console.log(archive.length); // 44
 */
export async function writeArchive(
  files: readonly ArchiveFile[],
  options: WriteArchiveOptions = {},
): Promise<Uint8Array<ArrayBuffer>> {
  const given = fields<WriteArchiveOptions>('options', options, WRITE as never);
  const stream = streamOf(files);
  const watch = new Watch(given.signal, given.onProgress);
  watch.check();
  if (given.coder === undefined) return write(stream, undefined, watch);
  const coded = await write(stream, checkCoder('coder', given.coder), watch);
  const { length } = headerOf(undefined, stream.length);
  const stored = length + stream.length + 5 * Math.ceil(stream.length / BLOCK) + DIGEST;
  return coded.length < stored
    ? coded
    : write(stream, undefined, new Watch(given.signal, undefined));
}

/** What is before the blocks. */
function readHeader(reader: ByteReader): ArchiveInfo {
  const magic = reader.bytes(Math.min(MAGIC.length, reader.left));
  if (magic.some((byte, i) => byte !== MAGIC[i]))
    throw new CodecError('foreign', 'not an archive: it does not begin with RGA');
  if (magic.length < MAGIC.length) reader.bytes(LEAST_HEADER);
  const format = reader.byte();
  if (format !== ARCHIVE_FORMAT)
    throw new CodecError(
      'version',
      `the archive has format ${format}, this library reads ${ARCHIVE_FORMAT}`,
      'use a newer library',
    );
  const kind = reader.byte();
  const model = kind === 0 ? '' : hex(reader.bytes(MODEL));
  return { format, kind, model, bytes: reader.number() };
}

/** What an archive says of itself, without decoding it. Throws CodecError for what is no archive of
 *  a known format.
 *  @example
 *  const archive = await writeArchive([{ name: 'a.bin', bytes: new Uint8Array(9) }]);
 *  console.log(archiveInfo(archive).kind, archiveInfo(archive).bytes); // 0 17
 */
export const archiveInfo = (archive: Uint8Array): ArchiveInfo =>
  readHeader(new ByteReader(copyOf('archive', archive), 'the archive'));

/** The coder of an archive among those that are given. */
function coderFor(info: ArchiveInfo, coders: readonly BlockCoder[]): BlockCoder | undefined {
  if (info.kind === 0) return undefined;
  const found = coders.find(({ kind, id }) => kind === info.kind && id === info.model);
  if (found === undefined)
    throw new CodecError(
      'model',
      `the archive needs model ${info.model} (kind ${info.kind}), ` +
        (coders.length === 0 ? 'no model is given' : `given is ${coders[0].id}`),
      'give the model that it was made with',
    );
  return found;
}

function checkLimits(info: ArchiveInfo, coder: BlockCoder | undefined, most: ReadArchiveOptions) {
  const { maxOutput = 0, maxMemory = 0 } = most;
  whole('maxOutput', maxOutput, 0, MAX_BYTES);
  whole('maxMemory', maxMemory, 0, MAX_BYTES);
  if (info.bytes > maxOutput)
    throw new CodecError(
      'limit',
      `the archive says that it has ${info.bytes} bytes, ${maxOutput} are allowed`,
      'raise maxOutput if you trust it',
    );
  // the stream, the files, and the blocks before they are joined
  const needed = 3 * info.bytes + (coder?.bytes ?? 0);
  if (needed > maxMemory)
    throw new CodecError(
      'limit',
      `the archive needs ${needed} bytes of memory, ${maxMemory} are allowed`,
      'raise maxMemory if you trust it',
    );
}

/** One block. */
async function readBlock(
  reader: ByteReader,
  length: number,
  coder: BlockCoder | undefined,
  progress: Progress,
): Promise<Uint8Array> {
  const kind = reader.byte();
  const check = reader.u32();
  if (kind > 1 || (kind === 1 && coder === undefined))
    throw new CodecError('damaged', `a block of the archive has kind ${kind}`);
  const isCoded = kind === 1 && coder !== undefined;
  const bytes = reader.bytes(isCoded ? reader.number() : length);
  const plain = isCoded ? await coder.decode(bytes.slice(), length, progress) : bytes;
  if (plain.length !== length || crc32c(plain) !== check)
    throw new CodecError('damaged', 'a block of the archive was changed: its CRC is another');
  return plain;
}

/** The files of an archive: all of them, or an error. Throws CodecError: foreign, version, model
 *  (it needs another one), limit, truncated, trailing, damaged; UsageError for wrong options.
 *  @example
 *  const archive = await writeArchive([{ name: 'a/b.bin', bytes: Uint8Array.of(1, 2, 3) }]);
 *  const [{ name, bytes }] = await readArchive(archive);
 *  console.log(name, bytes); // a/b.bin Uint8Array(3) [ 1, 2, 3 ]
 */
export async function readArchive(
  archive: Uint8Array,
  options: ReadArchiveOptions = {},
): Promise<ArchiveFile[]> {
  const given = fields<ReadArchiveOptions>('options', options, READ as never);
  const all = copyOf('archive', archive);
  const coders = list('coders', given.coders, checkCoder);
  const watch = new Watch(given.signal, given.onProgress);
  watch.check();
  const reader = new ByteReader(all, 'the archive');
  const info = readHeader(reader);
  const header = all.subarray(0, reader.at);
  const coder = coderFor(info, coders);
  checkLimits(info, coder, given);
  const stream = new ByteWriter();
  while (stream.length < info.bytes) {
    const length = Math.min(blockOf(coder), info.bytes - stream.length);
    stream.bytes(await readBlock(reader, length, coder, watch.progress(stream.length)));
    await watch.step(stream.length);
  }
  const digest = reader.bytes(DIGEST);
  if (reader.left > 0)
    throw new CodecError('trailing', `${reader.left} bytes follow the end of the archive`);
  const plain = stream.finish();
  if (hex(sha256([header, plain]).subarray(0, DIGEST)) !== hex(digest))
    throw new CodecError('damaged', 'the SHA-256 at the end of the archive is another');
  return filesOf(plain);
}
