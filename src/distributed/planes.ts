// Lossless coding of gradients and weights: numbers near zero become small by zigzag (0, -1, 1, -2
// are 0, 1, 2, 3), their bytes are put apart by place, and each such plane is compressed if it can
// be. The low bytes of a gradient are noise, which no coder makes shorter, and the high ones are
// nearly all zero: 8 bytes become about 3 (docs/distributed.md). What is compressed differs from
// runtime to runtime, so digests are of the numbers, never of these bytes.

import { DistributedError } from './errors.ts';

/** Numbers of 8 or of 4 bytes. */
export type Numbers = BigInt64Array<ArrayBuffer> | Int32Array<ArrayBuffer>;

/** How a plane is kept. */
const RAW = 0;
const DEFLATED = 1;
const HEADER = 5;
/** A plane whose bytes have more bits than this is noise, which takes long and gains less than 4 %.
 *  With 7.2 the gradients of a batch of 32 had 3.6 bytes a weight, now 3.5. */
const WORTH_BITS = 7.7;
/** Bytes of a plane that are looked at to tell. */
const SAMPLE = 2 ** 14;

type Bytes = Uint8Array<ArrayBuffer>;

/** The numbers as pairs of words, or as words, of a little-endian machine. */
const wordsOf = (numbers: Numbers): Int32Array =>
  new Int32Array(numbers.buffer, numbers.byteOffset, numbers.byteLength / 4);

/** Zigzag in place: words of numbers of `width` bytes. */
function zigzag(words: Int32Array, width: 4 | 8): void {
  if (width === 4) {
    for (let i = 0; i < words.length; i++) words[i] = (words[i] << 1) ^ (words[i] >> 31);
    return;
  }
  for (let i = 0; i < words.length; i += 2) {
    const low = words[i];
    const high = words[i + 1];
    const sign = high >> 31;
    words[i] = (low << 1) ^ sign;
    words[i + 1] = ((high << 1) | (low >>> 31)) ^ sign;
  }
}

/** What undoes it. */
function unzigzag(words: Int32Array, width: 4 | 8): void {
  if (width === 4) {
    for (let i = 0; i < words.length; i++) words[i] = (words[i] >>> 1) ^ -(words[i] & 1);
    return;
  }
  for (let i = 0; i < words.length; i += 2) {
    const low = words[i];
    const high = words[i + 1];
    const sign = -(low & 1);
    words[i] = ((low >>> 1) | (high << 31)) ^ sign;
    words[i + 1] = (high >>> 1) ^ sign;
  }
}

/** Bytes of the largest number: planes beyond it are all zero. */
function planesOf(words: Int32Array, width: 4 | 8): number {
  let low = 0;
  let high = 0;
  const step = width / 4;
  for (let i = 0; i < words.length; i += step) {
    low |= words[i];
    if (width === 8) high |= words[i + 1];
  }
  const bytes = (word: number): number => Math.ceil((32 - Math.clz32(word)) / 8);
  return high === 0 ? bytes(low) : 4 + bytes(high);
}

function planeOf(bytes: Uint8Array, width: 4 | 8, plane: number): Bytes {
  const out = new Uint8Array(bytes.length / width);
  for (let i = 0, at = plane; i < out.length; i++, at += width) out[i] = bytes[at];
  return out;
}

/** Bits that a byte of the plane tells, by how often each value occurs in a sample. */
function entropy(plane: Uint8Array): number {
  const counts = new Int32Array(256);
  const stride = Math.max(1, Math.floor(plane.length / SAMPLE));
  let total = 0;
  for (let i = 0; i < plane.length; i += stride, total++) counts[plane[i]]++;
  let bits = 0;
  for (const count of counts) if (count > 0) bits -= (count / total) * Math.log2(count / total);
  return bits;
}

/** The bytes that a stream gives, of which it may have `most`; undefined if it has more. */
async function collect(
  stream: ReadableStream<Uint8Array>,
  most: number,
): Promise<Bytes | undefined> {
  const parts: Uint8Array[] = [];
  let size = 0;
  const reader = stream.getReader();
  for (let next = await reader.read(); !next.done; next = await reader.read()) {
    size += next.value.length;
    if (size > most) {
      await reader.cancel().catch(() => undefined);
      return undefined;
    }
    parts.push(next.value);
  }
  const out = new Uint8Array(size);
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}

/** What a transformer of the runtime's own makes of bytes, up to `most`. */
function through(
  bytes: Bytes,
  transform: CompressionStream | DecompressionStream,
  most: number,
): Promise<Bytes | undefined> {
  const writer = transform.writable.getWriter();
  const failed = writer
    .write(bytes)
    .then(() => writer.close())
    .then(
      () => undefined,
      () => undefined, // the reader meets it too
    );
  const out = collect(transform.readable as ReadableStream<Uint8Array>, most);
  return Promise.all([out, failed]).then(([found]) => found);
}

async function encodePlane(plane: Bytes): Promise<{ method: number; body: Bytes }> {
  const raw = { method: RAW, body: plane };
  if (typeof CompressionStream === 'undefined' || entropy(plane) > WORTH_BITS) return raw;
  const body = await through(plane, new CompressionStream('deflate'), plane.length);
  return body === undefined ? raw : { method: DEFLATED, body };
}

/** Numbers as bytes. The numbers are used up: they are in disorder afterwards. */
export async function encodePlanes(numbers: Numbers): Promise<Bytes> {
  const width = numbers.BYTES_PER_ELEMENT as 4 | 8;
  const words = wordsOf(numbers);
  zigzag(words, width);
  const bytes = new Uint8Array(words.buffer, words.byteOffset, words.byteLength);
  const count = planesOf(words, width);
  const planes = await Promise.all(
    Array.from({ length: count }, (_, i) => encodePlane(planeOf(bytes, width, i))),
  );
  const size = planes.reduce((sum, { body }) => sum + HEADER + body.length, 1);
  const out = new Uint8Array(size);
  const view = new DataView(out.buffer);
  out[0] = count;
  let at = 1;
  for (const { method, body } of planes) {
    out[at] = method;
    view.setUint32(at + 1, body.length, true);
    out.set(body, at + HEADER);
    at += HEADER + body.length;
  }
  return out;
}

/** Most bytes of so many coded numbers. */
export const mostBytes = (count: number, width: 4 | 8): number => 1 + width * (HEADER + count);

const DAMAGED = 'coded numbers are damaged';

async function decodePlane(method: number, body: Bytes, count: number): Promise<Bytes> {
  if (method === RAW && body.length === count) return body;
  if (method !== DEFLATED) throw new DistributedError(DAMAGED);
  const plane = await through(body, new DecompressionStream('deflate'), count).catch(
    () => undefined,
  );
  if (plane?.length !== count) throw new DistributedError(DAMAGED);
  return plane;
}

/** `count` numbers of `width` bytes from bytes that may be anything: no more memory is taken than
 *  they need. Throws DistributedError. */
export async function decodePlanes(coded: Bytes, count: number, width: 4 | 8): Promise<Numbers> {
  const planes = coded[0];
  if (!(planes <= width)) throw new DistributedError(DAMAGED);
  const view = new DataView(coded.buffer, coded.byteOffset, coded.byteLength);
  const bytes = new Uint8Array(count * width);
  let at = 1;
  for (let plane = 0; plane < planes; plane++) {
    if (at + HEADER > coded.length) throw new DistributedError(DAMAGED);
    const end = at + HEADER + view.getUint32(at + 1, true);
    if (end > coded.length) throw new DistributedError(DAMAGED);
    const found = await decodePlane(coded[at], coded.slice(at + HEADER, end), count);
    for (let i = 0, to = plane; i < count; i++, to += width) bytes[to] = found[i];
    at = end;
  }
  if (at !== coded.length) throw new DistributedError(DAMAGED);
  const numbers = width === 8 ? new BigInt64Array(bytes.buffer) : new Int32Array(bytes.buffer);
  unzigzag(wordsOf(numbers), width);
  return numbers;
}
