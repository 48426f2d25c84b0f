// Lossless coding of gradients and weights: 64 numbers at a time with as many bits as the largest
// of them needs, but for the zeros that all of them end with (gradients are multiples of a power
// of two). The low bits are noise, which no coder makes shorter, and how large numbers are differs
// from row to row: so this takes as many bytes as planes of bytes under deflate did, 3.2 of 8 for
// a gradient, in a fifth of the time (docs/decisions.md).

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

/** Bits that follow each other, the lowest first, written into words. */
class Writer {
  at = 0;
  private pending = 0;
  private filled = 0;

  constructor(private readonly target: Int32Array) {}

  /** `value` has `bits` bits, 1 to 32, and zeros above. */
  put(value: number, bits: number): void {
    const { filled } = this;
    this.pending |= value << filled;
    this.filled += bits;
    if (this.filled < 32) return;
    this.target[this.at++] = this.pending;
    this.filled -= 32;
    this.pending = filled === 0 ? 0 : value >>> (32 - filled);
  }

  /** Ends a word that has begun. */
  end(): void {
    if (this.filled > 0) this.target[this.at++] = this.pending;
    this.filled = 0;
    this.pending = 0;
  }
}

/** How the numbers of a block are kept: bits of each, and zeros that are left out at its end. */
interface Format {
  readonly bits: number;
  readonly zeros: number;
}

function measure(words: Int32Array, stride: number): Format {
  let [low, high, anyLow, anyHigh] = [0, 0, 0, 0];
  for (let i = 0; i < words.length; i += stride) {
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
 *  than the bytes need: 10 MB for a part of 1.2 million weights cost more in collecting it. */
export function packNumbers(numbers: Numbers): Bytes {
  const stride = numbers.BYTES_PER_ELEMENT / 4;
  const words = wordsOf(numbers);
  const blocks = Array.from({ length: blocksOf(numbers.length) }, (_, i) =>
    words.subarray(i * BLOCK * stride, (i + 1) * BLOCK * stride),
  );
  const formats = blocks.map((block) => measure(block, stride));
  const sizes = formats.map(({ bits }, i) => wordsFor(bits, blocks[i].length / stride));
  const head = headBytes(numbers.length);
  const out = new Uint8Array(head + sizes.reduce((sum, size) => sum + size, 0) * 4);
  const writer = new Writer(new Int32Array(out.buffer, head));
  formats.forEach((format, i) => {
    out[2 * i] = format.bits;
    out[2 * i + 1] = format.zeros;
    if (format.bits > 0) packBlock(writer, blocks[i], stride, format);
  });
  return out;
}

function packBlock(to: Writer, words: Int32Array, stride: number, { bits, zeros }: Format): void {
  for (let i = 0; i < words.length; i += stride) {
    const top = stride === 2 ? words[i + 1] : words[i] >> 31;
    const low = lowShifted(words[i], top, zeros);
    const high = zeros < 32 ? top >> zeros : top >> 31;
    const sign = high >> 31;
    to.put(below((low << 1) ^ sign, bits), Math.min(32, bits));
    if (bits > 32) to.put(below(((high << 1) | (low >>> 31)) ^ sign, bits - 32), bits - 32);
  }
  to.end();
}

/** The low word of a number shifted to the right. */
function lowShifted(low: number, high: number, shift: number): number {
  if (shift >= 32) return high >> (shift - 32);
  return shift === 0 ? low : (low >>> shift) | (high << (32 - shift));
}

/** The lowest bits of a word. */
const below = (word: number, bits: number): number =>
  bits >= 32 ? word : word & ((1 << bits) - 1);

const DAMAGED = 'coded numbers are damaged';

/** `count` numbers of `width` bytes from bytes that may be anything: no more memory is taken than
 *  they need. Throws DistributedError. */
export function unpackNumbers(coded: Bytes, count: number, width: 4 | 8): Numbers {
  checkLength(coded, count, width);
  const stride = width / 4;
  const head = headBytes(count);
  const from = wordsOf(coded.slice(head)); // on a word's border
  const numbers = width === 8 ? new BigInt64Array(count) : new Int32Array(count);
  const words = wordsOf(numbers);
  let at = 0;
  for (let first = 0, block = 0; first < count; first += BLOCK, block++) {
    const until = Math.min(count, first + BLOCK);
    const [bits, zeros] = [coded[2 * block], coded[2 * block + 1]];
    const length = wordsFor(bits, until - first);
    const own = from.subarray(at, at + length);
    checkFill(own, bits * (until - first));
    if (bits > 0) unpackBlock(own, words, { first, until, stride }, { bits, zeros });
    at += length;
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

/** Throws unless the last word has zeros behind so many bits: there is one way to pack numbers. */
function checkFill(words: Int32Array, bits: number): void {
  const used = bits & 31;
  if (used > 0 && words[words.length - 1] >>> used !== 0) throw new DistributedError(DAMAGED);
}

interface Place {
  readonly first: number;
  readonly until: number;
  readonly stride: number;
}

function unpackBlock(
  from: Int32Array,
  words: Int32Array,
  { first, until, stride }: Place,
  { bits, zeros }: Format,
): void {
  const lowBits = Math.min(32, bits);
  for (let i = first; i < until; i++) {
    const bit = (i - first) * bits;
    const low = bitsAt(from, bit, lowBits);
    const high = bits > 32 ? bitsAt(from, bit + 32, bits - 32) : 0;
    const sign = -(low & 1);
    const small = ((low >>> 1) | (high << 31)) ^ sign;
    const large = (high >>> 1) ^ sign;
    words[i * stride] = zeros < 32 ? small << zeros : 0;
    if (stride === 2) words[i * 2 + 1] = highShifted(small, large, zeros);
  }
}

/** The high word of a number shifted to the left. */
function highShifted(low: number, high: number, shift: number): number {
  if (shift >= 32) return low << (shift - 32);
  return shift === 0 ? high : (high << shift) | (low >>> (32 - shift));
}

/** `count` bits, 1 to 32, from a bit on. */
function bitsAt(words: Int32Array, bit: number, count: number): number {
  const at = bit >> 5;
  const shift = bit & 31;
  const word = words[at] >>> shift;
  return below(shift + count > 32 ? word | (words[at + 1] << (32 - shift)) : word, count);
}
