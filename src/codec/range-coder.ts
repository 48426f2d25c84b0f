// A range coder (Martin, "Range encoding: an algorithm for removing redundancy from a digitised
// message", 1979; with the carry of Subbotin and of LZMA). All tables sum to 2^24. The state is two
// integers below 2^49, which doubles hold and multiply exactly: no rounding is anywhere, and no
// BigInt in a loop. test/codec/big-coder.ts is the same in BigInt.
//
//   interval  [low, low + range), 0 <= low < 2^48, 2^40 <= range <= 2^48
//   symbol    unit = floor(range / 2^24); low += unit * start; range = unit * size, and of the
//             symbol that ends the table what is left of the range
//   output    while range < 2^40: the byte low / 2^40; both times 2^8
//
// A unit is at least 2^16, so a symbol costs at most log2(1 + 2^-16) = 2.2e-5 bits more than
// -log2(size / 2^24), and 2e-6 on average. The end costs at most one byte more than the state says.

import { whole } from '../core/check.ts';
import { copyOf } from '../core/copy.ts';
import { CodecError } from './errors.ts';

/** Bits of what the sizes of a table sum to. */
export const TOTAL_BITS = 24;
/** What the sizes of a table sum to. */
export const TOTAL: number = 2 ** TOTAL_BITS;

const STATE = 2 ** 48;
const TOP = 2 ** 40;
/** Bytes that a decoder is ahead of the encoder. */
const AHEAD = 6;

/** Checks that a symbol has a place in a table. */
function checkPlace(start: number, size: number): void {
  whole('start', start, 0, TOTAL - 1);
  whole('size', size, 1, TOTAL - start);
}

/** Writes symbols, each as its place in a table whose sizes sum to 2^24.
 *  @example
 *  const encoder = new RangeEncoder();
 *  encoder.encode(0, 2 ** 23); // a half: one bit
 *  encoder.encode(2 ** 23, 2 ** 23);
 *  console.log(encoder.finish()); // Uint8Array(1) [ 64 ]
 */
export class RangeEncoder {
  /** Kept by bundlers. @internal */
  static readonly name: string = 'RangeEncoder';
  private low = 0;
  private range = STATE;
  private bytes = new Uint8Array(64);
  private used = 0;

  /** Bytes that are sure, which a carry may still change. */
  get length(): number {
    return this.used;
  }

  /** Codes a symbol whose place is start .. start + size - 1. Throws UsageError for a place that is
   *  not in 0 .. 2^24 - 1.
   *  @example
   *  const encoder = new RangeEncoder();
   *  encoder.encode(5, 1); // 24 bits
   *  console.log(encoder.length); // 2
   */
  encode(start: number, size: number): void {
    checkPlace(start, size);
    this.put(start, size);
  }

  /** `encode` of a place that is known to be one. @internal */
  put(start: number, size: number): void {
    const unit = Math.floor(this.range / TOTAL);
    const before = unit * start;
    this.low += before;
    this.range = start + size === TOTAL ? this.range - before : unit * size;
    if (this.low >= STATE) this.carry();
    while (this.range < TOP) {
      this.writeByte(Math.floor(this.low / TOP));
      this.low = (this.low % TOP) * 256;
      this.range *= 256;
    }
  }

  /** Ends: the fewest bytes that, with zeros behind them, are in the interval.
   *  @example
   *  const encoder = new RangeEncoder();
   *  console.log(encoder.finish().length); // 0
   */
  finish(): Uint8Array<ArrayBuffer> {
    if (this.low > 0) {
      const top = Math.ceil(this.low / TOP);
      this.low = top * TOP;
      if (this.low >= STATE) this.carry();
      // zeros need no byte: a decoder reads them behind the end
      if (this.low > 0) this.writeByte(Math.floor(this.low / TOP));
    }
    this.low = 0;
    this.range = STATE;
    const bytes = this.bytes.slice(0, this.used);
    this.used = 0;
    return bytes;
  }

  private writeByte(byte: number): void {
    if (this.used === this.bytes.length) {
      const more = new Uint8Array(2 * this.used);
      more.set(this.bytes);
      this.bytes = more;
    }
    this.bytes[this.used++] = byte;
  }

  private carry(): void {
    this.low -= STATE;
    let at = this.used - 1;
    while (this.bytes[at] === 255) this.bytes[at--] = 0;
    this.bytes[at]++;
  }
}

/** Reads what a RangeEncoder wrote.
 *  @example
 *  const decoder = new RangeDecoder(Uint8Array.of(64));
 *  const first = decoder.target() < 2 ** 23;
 *  decoder.take(first ? 0 : 2 ** 23, 2 ** 23);
 *  console.log(first, decoder.target() < 2 ** 23); // true false
 */
export class RangeDecoder {
  /** Kept by bundlers. @internal */
  static readonly name: string = 'RangeDecoder';
  private range = STATE;
  /** Where in the interval the bytes are. */
  private code = 0;
  private at = 0;
  private readonly bytes: Uint8Array;

  /** bytes: those of one `finish`. */
  constructor(bytes: Uint8Array) {
    this.bytes = copyOf('bytes', bytes);
    for (let i = 0; i < AHEAD; i++) this.code = this.code * 256 + this.readByte();
  }

  /** Where in its table the next symbol is: 0 .. 2^24 - 1.
   *  @example
   *  console.log(new RangeDecoder(Uint8Array.of(1, 2, 3)).target() === 0x010203); // true
   */
  target(): number {
    // exact: a quotient that is no integer is 2^-24 from one at least, an ulp is 2^-28 at most
    return Math.min(TOTAL - 1, Math.floor(this.code / Math.floor(this.range / TOTAL)));
  }

  /** Goes on behind a symbol whose place is start .. start + size - 1, `target` among them. Throws
   *  UsageError for a place in which it is not; CodecError (truncated) if the bytes ended before
   *  the symbols did.
   *  @example
   *  const decoder = new RangeDecoder(Uint8Array.of(0, 0, 5));
   *  decoder.take(5, 1);
   *  console.log(decoder.target()); // 0
   */
  take(start: number, size: number): void {
    checkPlace(start, size);
    whole('the target', this.target(), start, start + size - 1, 'take the symbol that is there');
    this.skip(start, size);
  }

  /** `take` of a place that is known to be the right one. @internal */
  skip(start: number, size: number): void {
    const unit = Math.floor(this.range / TOTAL);
    const before = unit * start;
    this.code -= before;
    this.range = start + size === TOTAL ? this.range - before : unit * size;
    while (this.range < TOP) {
      this.code = this.code * 256 + this.readByte();
      this.range *= 256;
    }
    if (this.at > this.bytes.length + AHEAD)
      throw new CodecError('truncated', 'the coded bytes end before what they stand for');
  }

  /** Checks that the bytes end where the symbols do. Throws CodecError (truncated, trailing).
   *  @example
   *  const encoder = new RangeEncoder();
   *  encoder.encode(1, 1);
   *  const decoder = new RangeDecoder(encoder.finish());
   *  decoder.take(1, 1);
   *  decoder.finish();
   *  console.log('all read'); // all read
   */
  finish(): void {
    const left = this.bytes.length + AHEAD - this.at;
    if (left > 1) throw new CodecError('trailing', `${left - 1} bytes follow the coded ones`);
  }

  private readByte(): number {
    const { at } = this;
    this.at++;
    return at < this.bytes.length ? this.bytes[at] : 0;
  }
}
