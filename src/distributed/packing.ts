// Lossless coding of gradients and weights: 64 numbers at a time with as many bits as the largest
// of them needs, but for the zeros that all of them end with (gradients are multiples of a power
// of two). The low bits are noise, which no coder makes shorter, and how large numbers are differs
// from row to row: so this takes as many bytes as planes of bytes under deflate did, 3.2 of 8 for
// a gradient, in a fifth of the time (docs/tried.md).

import { DistributedError } from './errors.ts';

/** Numbers of 8 or of 4 bytes. */
export type Numbers = BigInt64Array<ArrayBuffer> | Int32Array<ArrayBuffer>;
type Bytes = Uint8Array<ArrayBuffer>;

/** Numbers that share their width: whole words for any. */
const BLOCK = 64;

/** The numbers as words, of a little-endian machine. */
const wordsOf = ({ buffer, byteOffset, byteLength }: Numbers | Bytes): Int32Array =>
  new Int32Array(buffer, byteOffset, byteLength / 4);

const blocksOf = (count: number): number => Math.ceil(count / BLOCK);
/** Two bytes for each block, in whole words. */
const headBytes = (count: number): number => Math.ceil(blocksOf(count) / 2) * 4;
const wordsFor = (width: number, count: number): number => Math.ceil((width * count) / 32);

/** Most bytes of so many coded numbers. */
export const mostBytes = (count: number, width: 4 | 8): number => headBytes(count) + count * width;

const bitsOf = (high: number, low: number): number =>
  high === 0 ? 32 - Math.clz32(low) : 64 - Math.clz32(high);
/** Zeros that a number ends with; 0 for 0. */
const zerosOf = (high: number, low: number): number => {
  const word = low === 0 ? high : low;
  return word === 0 ? 0 : 31 - Math.clz32(word & -word) + (low === 0 ? 32 : 0);
};

/** How the numbers of a block are kept: bits of each, and zeros that are left out at its end. */
interface Format {
  readonly bits: number;
  readonly zeros: number;
}

/** Words of a number's: where those of a block begin and end, and how many a number has. */
interface Place {
  readonly from: number;
  readonly until: number;
  readonly stride: number;
}

/** The words of the block that begins with the number `first`. */
const placeOf = (first: number, count: number, stride: number): Place => ({
  from: first * stride,
  until: Math.min(count, first + BLOCK) * stride,
  stride,
});

function measure(words: Int32Array, { from, until, stride }: Place): Format {
  let [low, high, anyLow, anyHigh] = [0, 0, 0, 0];
  for (let i = from; i < until; i += stride) {
    const word = words[i];
    const top = stride === 2 ? words[i + 1] : word >> 31;
    const sign = top >> 31;
    low |= (word << 1) ^ sign;
    high |= ((top << 1) | (word >>> 31)) ^ sign;
    anyLow |= word;
    anyHigh |= top;
  }
  const zeros = zerosOf(anyHigh, anyLow);
  return { bits: bitsOf(high, low) - zeros, zeros };
}

/** Numbers as bytes: there is one way. They are looked at twice, so that no more memory is taken
 *  than the bytes need: 10 MB for a part of 1.2 million weights cost more in collecting it.
 *  `room`: memory to be written over, of mostBytes. */
export function packNumbers(numbers: Numbers, room?: Bytes): Bytes {
  const stride = numbers.BYTES_PER_ELEMENT / 4;
  const count = numbers.length;
  const words = wordsOf(numbers);
  const head = new Uint8Array(headBytes(count));
  let size = 0;
  for (let first = 0, at = 0; first < count; first += BLOCK, at += 2) {
    const { bits, zeros } = measure(words, placeOf(first, count, stride));
    head[at] = bits;
    head[at + 1] = zeros;
    size += wordsFor(bits, Math.min(BLOCK, count - first));
  }
  const length = head.length + size * 4;
  const out = room?.subarray(0, length) ?? new Uint8Array(length);
  out.set(head);
  const target = wordsOf(out.subarray(head.length));
  let end = 0;
  for (let first = 0, at = 0; first < count; first += BLOCK, at += 2) {
    const format = { bits: head[at], zeros: head[at + 1] };
    const pack = format.bits > 32 ? packWide : packNarrow;
    end = pack(target, end, words, placeOf(first, count, stride), format);
  }
  return out;
}

/** Writes the numbers of a block, of up to 32 bits each, from the word `at` on, the lowest bits
 *  first; returns the word after them. The words that are pending are kept in variables: as fields
 *  of an object they took three times as long. */
function packNarrow(
  target: Int32Array,
  at: number,
  words: Int32Array,
  { from, until, stride }: Place,
  { bits, zeros }: Format,
): number {
  let pending = 0;
  let filled = 0;
  for (let i = from; i < until; i += stride) {
    const top = stride === 2 ? words[i + 1] : words[i] >> 31;
    const value = lowShifted(words[i], top, zeros);
    const code = (value << 1) ^ (value >> 31);
    pending |= code << filled;
    filled += bits;
    if (filled < 32) continue;
    target[at++] = pending;
    filled -= 32;
    pending = filled === 0 ? 0 : code >>> (bits - filled);
  }
  if (filled > 0) target[at++] = pending;
  return at;
}

/** The same of more bits. */
function packWide(
  target: Int32Array,
  at: number,
  words: Int32Array,
  { from, until }: Place,
  { bits, zeros }: Format,
): number {
  const end = at + wordsFor(bits, (until - from) / 2);
  target.fill(0, at, end);
  let bit = 0;
  for (let i = from; i < until; i += 2) {
    const low = lowShifted(words[i], words[i + 1], zeros);
    const high = zeros < 32 ? words[i + 1] >> zeros : words[i + 1] >> 31;
    const sign = high >> 31;
    putBits(target, at + (bit >> 5), bit & 31, (low << 1) ^ sign);
    bit += 32;
    const rest = below(((high << 1) | (low >>> 31)) ^ sign, bits - 32);
    putBits(target, at + (bit >> 5), bit & 31, rest);
    bit += bits - 32;
  }
  return end;
}

/** Adds a word to words that are zero from bit `shift` of the one at `at` on. */
function putBits(target: Int32Array, at: number, shift: number, word: number): void {
  target[at] |= word << shift;
  if (shift > 0 && at + 1 < target.length) target[at + 1] |= word >>> (32 - shift);
}

/** The low word of a number shifted to the right. */
function lowShifted(low: number, high: number, shift: number): number {
  if (shift >= 32) return high >> (shift - 32);
  return (low >>> shift) | ((high << 1) << (31 - shift));
}

/** The lowest bits of a word. */
const below = (word: number, bits: number): number =>
  bits >= 32 ? word : word & ((1 << bits) - 1);

const DAMAGED = 'coded numbers are damaged';

/** The words of bytes: where they are, if that is on a word's border. */
const wordsIn = (bytes: Bytes): Int32Array =>
  wordsOf(bytes.byteOffset % 4 === 0 ? bytes : bytes.slice());

/** So many numbers, from bytes that may be anything, written over all of `numbers`. Throws
 *  DistributedError; some are written then. */
export function unpackNumbers<T extends Numbers>(coded: Bytes, numbers: T): T {
  const count = numbers.length;
  const width = numbers.BYTES_PER_ELEMENT as 4 | 8;
  checkLength(coded, count, width);
  const from = wordsIn(coded.subarray(headBytes(count)));
  const words = wordsOf(numbers);
  let at = 0;
  for (let first = 0, block = 0; first < count; first += BLOCK, block++) {
    const place = placeOf(first, count, width / 4);
    const format = { bits: coded[2 * block], zeros: coded[2 * block + 1] };
    const used = format.bits * Math.min(BLOCK, count - first);
    const end = at + wordsFor(1, used);
    checkFill(from[end - 1], used);
    if (format.bits === 0) words.fill(0, place.from, place.until);
    else if (format.bits > 32) unpackWide(from, at, words, place, format);
    else unpackNarrow(from, at, words, place, format);
    at = end;
  }
  return numbers;
}

/** Throws unless the widths are such that a number has, and the bytes as many as they say. */
function checkLength(coded: Bytes, count: number, width: 4 | 8): void {
  const head = headBytes(count);
  if (coded.length < head || (coded.length - head) % 4 !== 0) throw new DistributedError(DAMAGED);
  let words = 0;
  for (let block = 0; block < blocksOf(count); block++) {
    const [bits, zeros] = [coded[2 * block], coded[2 * block + 1]];
    if (bits + zeros > 8 * width) throw new DistributedError(DAMAGED);
    words += wordsFor(bits, Math.min(BLOCK, count - block * BLOCK));
  }
  if (head + words * 4 !== coded.length) throw new DistributedError(DAMAGED);
}

/** Throws unless the last word of so many bits has zeros behind them: there is one way to pack. */
function checkFill(last: number, bits: number): void {
  const used = bits & 31;
  if (used > 0 && last >>> used !== 0) throw new DistributedError(DAMAGED);
}

/** Reads the numbers of a block, of 1 to 32 bits each, from the word `at` on. The word that is read
 *  is kept in a variable: a quarter less time than looking each number's up. */
function unpackNarrow(
  coded: Int32Array,
  at: number,
  words: Int32Array,
  { from, until, stride }: Place,
  { bits, zeros }: Format,
): void {
  const mask = below(-1, bits);
  let word = coded[at];
  let used = 0;
  for (let i = from; i < until; i += stride) {
    let code = word >>> used;
    used += bits;
    if (used >= 32) {
      used -= 32;
      word = coded[++at];
      if (used > 0) code |= word << (bits - used);
    }
    code &= mask;
    const value = (code >>> 1) ^ -(code & 1);
    words[i] = zeros < 32 ? value << zeros : 0;
    if (stride === 2)
      words[i + 1] = zeros < 32 ? (value >> 1) >> (31 - zeros) : value << (zeros - 32);
  }
}

/** The same of more bits, of numbers of two words. */
function unpackWide(
  coded: Int32Array,
  at: number,
  words: Int32Array,
  { from, until }: Place,
  { bits, zeros }: Format,
): void {
  for (let i = from, bit = 0; i < until; i += 2, bit += bits) {
    const low = bitsAt(coded, at, bit, 32);
    const high = bitsAt(coded, at, bit + 32, bits - 32);
    const sign = -(low & 1);
    const small = ((low >>> 1) | (high << 31)) ^ sign;
    words[i] = zeros < 32 ? small << zeros : 0;
    words[i + 1] = highShifted(small, (high >>> 1) ^ sign, zeros);
  }
}

/** The high word of a number shifted to the left. */
function highShifted(low: number, high: number, shift: number): number {
  if (shift >= 32) return low << (shift - 32);
  return (high << shift) | ((low >>> 1) >>> (31 - shift));
}

/** `count` bits, 1 to 32, from bit `bit` of the words from `first` on. */
function bitsAt(words: Int32Array, first: number, bit: number, count: number): number {
  const at = first + (bit >> 5);
  const shift = bit & 31;
  const word = words[at] >>> shift;
  return below(shift + count > 32 ? word | (words[at + 1] << (32 - shift)) : word, count);
}
