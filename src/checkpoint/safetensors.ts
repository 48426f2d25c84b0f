// The safetensors container (github.com/huggingface/safetensors, "Format"): 8 bytes of
// little-endian header length, a JSON header {"__metadata__": {...}, "name": {dtype, shape,
// data_offsets}, ...} padded with spaces, then the tensors' bytes. The reader trusts nothing:
// lengths, offsets and shapes are checked against the file before anything is sliced, and the
// header must be exactly the JSON that a writer would print, so a key given twice cannot hide one
// of its values.

import { choice, list, MAX_LENGTH, properties, reading, text, whole } from '../core/check.ts';
import { CheckpointError } from '../core/errors.ts';
import { parseJson } from './json.ts';

/** What the elements of a tensor are. */
export type Dtype = 'I32' | 'F32';
/** Bytes an element, for every dtype. */
const ELEMENT_BYTES = 4;

export interface RawTensor {
  name: string;
  dtype: Dtype;
  shape: readonly number[];
  /** Little-endian elements, row-major. */
  bytes: Uint8Array;
}

export interface Container {
  tensors: RawTensor[];
  metadata: Record<string, string>;
}

/** Bytes of the header length. */
export const PREFIX_BYTES = 8;
/** Most bytes of the header: a translator of 512 layers with biases has 49,173 tensors, whose
 *  entries and fraction bits are 7.5 MB; its byte pairs are 1.6 MB. (The format's own limit is 100
 *  MB.) */
export const MAX_HEADER_BYTES = 2 ** 24;
/** Most bytes of a checkpoint file: WebCrypto and Node's file reading end at 2^31 - 1. */
export const MAX_CHECKPOINT_BYTES = 2 ** 31 - 1;
/** Tensors begin at a multiple of this. */
const ALIGNMENT = 8;
/** Names that keep their place when JSON is parsed and printed again: no integer can move to the
 *  front. */
const NAME = /^[A-Za-z_][A-Za-z0-9_.-]*$/;

const elements = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1);

/** A tensor's entry in a header. */
export interface SafetensorsEntry {
  /** Letters, digits, dots, dashes; never a number first. */
  readonly name: string;
  /** Of four bytes an element. */
  readonly dtype: Dtype;
  /** Elements along each axis. */
  readonly shape: readonly number[];
}

function readEntryOf(what: string, value: unknown): SafetensorsEntry {
  const keys = ['name', 'dtype', 'shape'] as const;
  const { name, dtype, shape } = properties(what, value as SafetensorsEntry, keys);
  return {
    name: text(`the name of ${what}`, name),
    dtype: choice(`the dtype of ${what}`, dtype, ['I32', 'F32']),
    shape: list(`the shape of ${what}`, shape, (side, n) => whole(side, n, 0, MAX_LENGTH)),
  };
}

/** The beginning of a safetensors file: the length of its header, and the header. The tensors'
 *  little-endian bytes follow, row-major, one after the other in this order. For files that are
 *  written piece by piece. Throws CheckpointError for a name that is taken or not of the form, and
 *  for a header of more than 16 MiB.
 *  @example
 *  const header = safetensorsHeader([{ name: 'a', dtype: 'F32', shape: [2] }], { by: 'hand' });
 *  const file = new Blob([header, new Float32Array([0.5, 2])]);
 *  console.log(file.size, new TextDecoder().decode(header.subarray(8)).trim());
 *  // 104 {"__metadata__":{"by":"hand"},"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}
 */
export function safetensorsHeader(
  tensors: readonly SafetensorsEntry[],
  metadata: Readonly<Record<string, string>> = {},
): Uint8Array<ArrayBuffer> {
  const entries = list('tensors', tensors, readEntryOf);
  const given = reading('metadata', () => Object.entries(metadata));
  const texts = given.map(([key, value]) => [key, text(`metadata ${key}`, value)]);
  return headerOf(entries, Object.fromEntries(texts));
}

function headerOf(
  tensors: readonly SafetensorsEntry[],
  metadata: Readonly<Record<string, string>>,
): Uint8Array<ArrayBuffer> {
  const entries: string[] = [`"__metadata__":${JSON.stringify(metadata)}`];
  const seen = new Set<string>(['__metadata__']);
  let end = 0;
  for (const { name, dtype, shape } of tensors) {
    if (!NAME.test(name) || seen.has(name))
      throw new CheckpointError(
        `tensor name ${JSON.stringify(name)} is taken or not of the form ${NAME.source}`,
      );
    seen.add(name);
    const begin = end;
    end += elements(shape) * ELEMENT_BYTES;
    const entry = { dtype, shape, data_offsets: [begin, end] };
    entries.push(`${JSON.stringify(name)}:${JSON.stringify(entry)}`);
  }
  const json = new TextEncoder().encode(`{${entries.join(',')}}`);
  const length = Math.ceil(json.length / ALIGNMENT) * ALIGNMENT;
  if (length > MAX_HEADER_BYTES)
    throw new CheckpointError(
      `the file would have a header of ${length} bytes, at most ${MAX_HEADER_BYTES} can be written`,
    );
  const header = new Uint8Array(PREFIX_BYTES + length).fill(0x20);
  new DataView(header.buffer).setBigUint64(0, BigInt(length), true);
  header.set(json, PREFIX_BYTES);
  return header;
}

export function encodeSafetensors({ tensors, metadata }: Container): Uint8Array<ArrayBuffer> {
  for (const { name, shape, bytes } of tensors)
    if (elements(shape) * ELEMENT_BYTES !== bytes.length)
      throw new CheckpointError(
        `tensor ${name} has ${bytes.length} bytes, its shape [${shape.join(', ')}] needs ` +
          `${elements(shape) * ELEMENT_BYTES}`,
      );
  const header = headerOf(tensors, metadata);
  const size = tensors.reduce((sum, { bytes }) => sum + bytes.length, header.length);
  if (size > MAX_CHECKPOINT_BYTES)
    throw new CheckpointError(
      `the file would have ${size} bytes in all, at most ${MAX_CHECKPOINT_BYTES} can be written`,
    );
  const file = new Uint8Array(size);
  file.set(header);
  let at = header.length;
  for (const { bytes } of tensors) {
    file.set(bytes, at);
    at += bytes.length;
  }
  return file;
}

const foreign = (reason: string): CheckpointError =>
  new CheckpointError(`not a safetensors file: ${reason}`);
const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const isCount = (value: unknown): value is number =>
  Number.isSafeInteger(value) && (value as number) >= 0;

/** The length that a header says it has. */
export function headerLengthOf(file: Uint8Array): number {
  if (file.length === 0) throw new CheckpointError('the file is empty');
  if (file.length < PREFIX_BYTES)
    throw new CheckpointError(`truncated at ${file.length} of at least ${PREFIX_BYTES} bytes`);
  const long = new DataView(file.buffer, file.byteOffset, file.byteLength).getBigUint64(0, true);
  if (long < 2n || long > BigInt(MAX_HEADER_BYTES))
    throw foreign(`its header length is ${long}, expected 2 to ${MAX_HEADER_BYTES}`);
  if (file.length > PREFIX_BYTES && file[PREFIX_BYTES] !== 0x7b)
    throw foreign('its header does not begin with {');
  const headerLength = Number(long);
  if (PREFIX_BYTES + headerLength > file.length)
    throw new CheckpointError(
      `truncated at ${file.length} of at least ${PREFIX_BYTES + headerLength} bytes`,
    );
  return headerLength;
}

/** The parsed header: an object, since it begins as one. */
function readHeader(file: Uint8Array, headerLength: number): Record<string, unknown> {
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(
      file.subarray(PREFIX_BYTES, PREFIX_BYTES + headerLength),
    );
  } catch {
    throw foreign('its header is not JSON');
  }
  return parseJson(text, 'not a safetensors file: its header') as Record<string, unknown>;
}

function readMetadata(value: unknown): Record<string, string> {
  if (value === undefined) return {};
  if (!isObject(value) || !Object.values(value).every((entry) => typeof entry === 'string'))
    throw foreign('its __metadata__ is not a table of strings');
  return value as Record<string, string>;
}

/** One header entry, which must begin where the one before ended. */
function readEntry(
  name: string,
  value: unknown,
  begin: number,
): { dtype: Dtype; shape: number[]; end: number } {
  if (!isObject(value)) throw foreign(`entry ${JSON.stringify(name)} is not an object`);
  const { dtype, shape, data_offsets: offsets } = value;
  if (dtype !== 'I32' && dtype !== 'F32')
    throw new CheckpointError(
      `tensor ${JSON.stringify(name)} has dtype ${JSON.stringify(dtype)}, expected I32 or F32`,
    );
  if (!Array.isArray(shape) || shape.length > 8 || !shape.every(isCount))
    throw foreign(`tensor ${JSON.stringify(name)} has no valid shape`);
  if (!Array.isArray(offsets) || offsets.length !== 2 || !offsets.every(isCount))
    throw foreign(`tensor ${JSON.stringify(name)} has no valid data_offsets`);
  if (offsets[0] !== begin)
    throw foreign(
      `tensor ${JSON.stringify(name)} begins at ${offsets[0]}, expected ${begin}: tensors ` +
        'lie one after the other',
    );
  // too large a shape gives a float that no offset equals
  const size = elements(shape) * ELEMENT_BYTES;
  if (offsets[1] - begin !== size)
    throw foreign(
      `tensor ${JSON.stringify(name)} has ${offsets[1] - begin} bytes, its shape needs ${size}`,
    );
  return { dtype, shape, end: offsets[1] };
}

/** Throws CheckpointError with the reason. The tensors' bytes are views of `file`. */
export function decodeSafetensors(file: Uint8Array): Container {
  const headerLength = headerLengthOf(file);
  const header = readHeader(file, headerLength);
  const metadata = readMetadata(
    Object.hasOwn(header, '__metadata__') ? header.__metadata__ : undefined,
  );
  const dataStart = PREFIX_BYTES + headerLength;
  const table: { name: string; dtype: Dtype; shape: number[]; begin: number; end: number }[] = [];
  let begin = 0;
  for (const [name, value] of Object.entries(header)) {
    if (name === '__metadata__') continue;
    const entry = readEntry(name, value, begin);
    table.push({ name, begin, ...entry });
    begin = entry.end;
  }
  const expected = dataStart + begin;
  if (file.length < expected)
    throw new CheckpointError(`truncated at ${file.length} of ${expected} bytes`);
  if (file.length > expected)
    throw new CheckpointError(
      `${file.length} bytes long, expected ${expected}: something was appended`,
    );
  const tensors = table.map(({ name, dtype, shape, begin, end }) => ({
    name,
    dtype,
    shape,
    bytes: file.subarray(dataStart + begin, dataStart + end),
  }));
  return { tensors, metadata };
}
