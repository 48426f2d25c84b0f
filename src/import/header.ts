// The header of a safetensors file (github.com/huggingface/safetensors, "Format") as other programs
// write it: JSON in any order and spacing. Nothing in it is trusted: how deep it goes and whether a
// key is given twice is known before anything is made of it, and every byte of the file belongs to
// one tensor.

import { CheckpointError } from '../core/errors.ts';
import { ELEMENT_BYTES } from './numbers.ts';

/** Most bytes of a header: the format's own limit. */
export const MAX_HEADER_BYTES = 100_000_000;
/** Most lists and objects in each other: the table, an entry, a list. */
const MAX_DEPTH = 8;
/** Most axes of a tensor. */
const MAX_AXES = 8;

/** One tensor of a file. */
export interface TensorEntry {
  /** Its name in the file. */
  readonly name: string;
  /** Type of its elements: F32, F16, BF16, or another that can be listed but not read. */
  readonly dtype: string;
  /** Elements along each axis, row-major. */
  readonly shape: readonly number[];
  /** Its bytes, counted from the end of the header. */
  readonly begin: number;
  readonly end: number;
}

export const foreign = (reason: string): CheckpointError =>
  new CheckpointError(`not a safetensors file: ${reason}`);
const isCount = (value: unknown): value is number =>
  Number.isSafeInteger(value) && (value as number) >= 0;
const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const quote = (name: string): string => JSON.stringify(name.slice(0, 80));

/** Index after the string that begins at `from`. */
function endOfString(text: string, from: number): number {
  let at = from + 1;
  while (at < text.length && text[at] !== '"') at += text[at] === '\\' ? 2 : 1;
  return at + 1;
}

/** Whether a colon follows, after white space. */
function isKey(text: string, from: number): boolean {
  let at = from;
  while (' \n\r\t'.includes(text[at]) && at < text.length) at++;
  return text[at] === ':';
}

/** What of a JSON text JSON.parse does not tell: throws for a key that an object has twice, of
 *  which only the last would be seen, and for too many levels. */
function checkKeys(text: string): void {
  const open: Set<string>[] = [];
  for (let at = 0; at < text.length; at++) {
    const c = text[at];
    if (c === '{' || c === '[') {
      open.push(new Set());
      if (open.length > MAX_DEPTH) throw foreign(`its header has more than ${MAX_DEPTH} levels`);
    } else if (c === '}' || c === ']') open.pop();
    else if (c === '"') {
      const end = endOfString(text, at);
      if (isKey(text, end)) addKey(open.at(-1), text.slice(at, end));
      at = end - 1;
    }
  }
}

function addKey(keys: Set<string> | undefined, quoted: string): void {
  let key = quoted;
  try {
    key = JSON.parse(quoted);
  } catch {
    // JSON.parse of the whole says so
  }
  if (keys?.has(key)) throw foreign(`its header has ${quote(key)} twice`);
  keys?.add(key);
}

function parse(bytes: Uint8Array): Record<string, unknown> {
  let value: unknown;
  try {
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
    checkKeys(text);
    value = JSON.parse(text);
  } catch (error) {
    throw error instanceof CheckpointError ? error : foreign('its header is not JSON');
  }
  if (!isObject(value)) throw foreign('its header is not an object');
  return value;
}

function entryOf(name: string, value: unknown): TensorEntry {
  const what = `tensor ${quote(name)}`;
  if (!isObject(value)) throw foreign(`${what} is not an object`);
  const { dtype, shape, data_offsets: offsets } = value;
  if (typeof dtype !== 'string' || !Object.hasOwn(ELEMENT_BYTES, dtype))
    throw foreign(
      `${what} has dtype ${quote(String(JSON.stringify(dtype)))}, expected one of ` +
        Object.keys(ELEMENT_BYTES).join(', '),
    );
  if (!Array.isArray(shape) || shape.length > MAX_AXES || !shape.every(isCount))
    throw foreign(`${what} has no valid shape`);
  if (!Array.isArray(offsets) || offsets.length !== 2 || !offsets.every(isCount))
    throw foreign(`${what} has no valid data_offsets`);
  const [begin, end] = offsets as [number, number];
  // too large a shape gives a float that no offset equals
  const size = shape.reduce((a: number, b: number) => a * b, ELEMENT_BYTES[dtype]);
  if (end - begin !== size) throw foreign(`${what} has ${end - begin} bytes, its shape ${size}`);
  return { name, dtype, shape, begin, end };
}

/** Throws unless the tensors lie one after the other and fill `size` bytes. */
function checkPlaces(entries: readonly TensorEntry[], size: number): void {
  const sorted = [...entries].sort((a, b) => a.begin - b.begin || a.end - b.end);
  let at = 0;
  for (const { name, begin, end } of sorted) {
    if (begin !== at)
      throw foreign(
        `tensor ${quote(name)} begins at ${begin}, expected ${at}: no byte between two tensors, ` +
          'and none in both',
      );
    at = end;
  }
  if (at > size)
    throw new CheckpointError(
      `truncated: ${size} bytes of tensors, its header tells of ${at}`,
      'download it again',
    );
  if (at < size) throw foreign(`${size - at} bytes after its last tensor belong to none`);
}

/** Metadata and tensors of a header; `size`: bytes after it. */
export function readHeader(
  bytes: Uint8Array,
  size: number,
): { metadata: Record<string, string>; tensors: TensorEntry[] } {
  const { __metadata__: given = {}, ...rest } = parse(bytes);
  if (!isObject(given) || !Object.values(given).every((value) => typeof value === 'string'))
    throw foreign('its __metadata__ is not a table of strings');
  const tensors = Object.entries(rest).map(([name, value]) => entryOf(name, value));
  checkPlaces(tensors, size);
  return { metadata: given as Record<string, string>, tensors };
}
