// Tables of symbols: sizes that sum to 2^24, from logits or from counts, in integers. Doubles hold
// every product (below 2^53), and a quotient is put right by its remainder.

import { fields, list, typed, whole } from '../core/check.ts';
import { weightsOf } from '../generate/sampling.ts';
import { UsageError } from '../index.ts';
import { type RangeDecoder, type RangeEncoder, TOTAL } from './range-coder.ts';

/** Most symbols of a table. */
export const MAX_SYMBOLS = 65536;
/** Weights are below 2^29 + 1, so that times 2^24 - n they stay below 2^53. */
const MAX_WEIGHT = 2 ** 29;
/** Places between two of which a table of known sizes knows the symbol. */
const PLACES = 2 ** 12;

/** floor(a / b) for integers 0 <= a < 2^53 - 2^30, 0 < b < 2^46. The double may be the integer
 *  above: then the product is beyond a. */
function divide(a: number, b: number): number {
  const q = Math.floor(a / b);
  return q * b > a ? q - 1 : q;
}

/** Writes sizes 1 + floor(weight (2^24 - n) / sum) in place of weights. What is missing from 2^24
 *  goes to the largest, of several to the first. */
export function sizesInPlace(weights: Float64Array): void {
  const n = weights.length;
  const share = TOTAL - n;
  let sum = 0;
  let largest = 0;
  for (let i = 0; i < n; i++) {
    sum += weights[i];
    if (weights[i] > weights[largest]) largest = i;
  }
  let left = share;
  for (let i = 0; i < n; i++) {
    const extra = divide(weights[i] * share, sum);
    left -= extra;
    weights[i] = 1 + extra;
  }
  weights[largest] += left;
}

/** Writes the sizes that logits say: of the softmax's p, 1 + floor(p (2^24 - n)), what is missing
 *  from 2^24 added to the likeliest symbol, of several to the first. */
export function logitSizes(logits: Int32Array, fraction: number, sizes: Float64Array): void {
  let largest = logits[0];
  for (let i = 1; i < logits.length; i++) if (logits[i] > largest) largest = logits[i];
  const weight = weightsOf(largest, fraction, 1);
  // 29 bits of 30: then a product with 2^24 is below 2^53
  for (let i = 0; i < logits.length; i++) sizes[i] = Math.floor(weight(logits[i]) / 2);
  sizesInPlace(sizes);
}

/** The symbol in whose place a target is, and where the place begins. */
export function findSymbol(sizes: Float64Array, target: number): { symbol: number; start: number } {
  let start = 0;
  let symbol = 0;
  while (start + sizes[symbol] <= target) start += sizes[symbol++];
  return { symbol, start };
}

/** What a table is made of. */
export interface LogitOptions {
  /** Fraction bits of the logits, 0..30: a logit is raw / 2^fraction. */
  fraction: number;
}

/** A table of symbols that does not change: sizes that sum to 2^24, each at least 1.
 *  @example
 *  const table = FrequencyTable.fromCounts([3, 1, 0]);
 *  const encoder = new RangeEncoder();
 *  for (const symbol of [0, 0, 1, 2]) table.encode(encoder, symbol);
 *  const decoder = new RangeDecoder(encoder.finish());
 *  console.log([0, 0, 0, 0].map(() => table.decode(decoder))); // [ 0, 0, 1, 2 ]
 */
export class FrequencyTable {
  /** Kept by bundlers. @internal */
  static readonly name: string = 'FrequencyTable';
  /** Where the symbols begin, and 2^24. */
  private readonly starts: Uint32Array;
  /** The symbol of every 2^12th place, where a search begins. */
  private readonly first: Uint16Array;

  private constructor(sizes: Float64Array) {
    this.starts = new Uint32Array(sizes.length + 1);
    for (let i = 0; i < sizes.length; i++) this.starts[i + 1] = this.starts[i] + sizes[i];
    this.first = new Uint16Array(TOTAL / PLACES);
    let symbol = 0;
    for (let i = 0; i < this.first.length; i++) {
      while (this.starts[symbol + 1] <= i * PLACES) symbol++;
      this.first[i] = symbol;
    }
  }

  /** Of how often each symbol is to come: whole numbers 0 .. 2^29, 2 to 65536 of them and not all
   *  of them 0. One that is not to come has a size of 1 too. Throws UsageError.
   *  @example
   *  console.log(FrequencyTable.fromCounts([1, 1, 2]).size(2)); // 8388608
   */
  static fromCounts(counts: ArrayLike<number>): FrequencyTable {
    const count = (name: string, value: unknown): number =>
      whole(name, value as number, 0, MAX_WEIGHT);
    const weights = Float64Array.from(list('counts', counts, count, 2, MAX_SYMBOLS));
    if (!weights.some((weight) => weight > 0))
      throw new UsageError('counts are all 0', 'give one that is to come a 1');
    sizesInPlace(weights);
    return new FrequencyTable(weights);
  }

  /** Of a row of logits, int32: p = softmax(raw / 2^fraction), size = 1 + floor(p (2^24 - n)), what
   *  is missing from 2^24 added to the likeliest symbol, of several to the first. The exponential
   *  is in integers, within 2^-14 of the exact one. Throws UsageError.
   *  @example
   *  const table = FrequencyTable.fromLogits(Int32Array.of(0, 1 << 20), { fraction: 20 });
   *  console.log(table.size(0)); // 4512104
   */
  static fromLogits(logits: Int32Array, options: LogitOptions): FrequencyTable {
    const { fraction } = fields<LogitOptions>('options', options, { fraction: undefined } as never);
    whole('fraction', fraction, 0, 30);
    typed('logits', logits, 'Int32Array', 2, MAX_SYMBOLS);
    const sizes = new Float64Array(logits.length);
    logitSizes(logits, fraction, sizes);
    return new FrequencyTable(sizes);
  }

  /** Number of symbols. */
  get symbols(): number {
    return this.starts.length - 1;
  }

  /** A symbol's part of 2^24. Throws UsageError for one that is not in the table.
   *  @example
   *  console.log(FrequencyTable.fromCounts([1, 1]).size(0) === 2 ** 23); // true
   */
  size(symbol: number): number {
    const at = whole('symbol', symbol, 0, this.symbols - 1);
    return this.starts[at + 1] - this.starts[at];
  }

  /** The symbol in whose place a target is. Throws UsageError for one beyond 0 .. 2^24 - 1.
   *  @example
   *  console.log(FrequencyTable.fromCounts([1, 1]).symbolAt(2 ** 23)); // 1
   */
  symbolAt(target: number): number {
    whole('target', target, 0, TOTAL - 1);
    return this.symbolBehind(target);
  }

  private symbolBehind(target: number): number {
    const { starts } = this;
    let symbol = this.first[Math.floor(target / PLACES)];
    while (starts[symbol + 1] <= target) symbol++;
    return symbol;
  }

  /** Codes a symbol. Throws UsageError for one that is not in the table.
   *  @example
   *  const encoder = new RangeEncoder();
   *  FrequencyTable.fromCounts([1, 1]).encode(encoder, 1);
   *  console.log(encoder.finish()); // Uint8Array(1) [ 128 ]
   */
  encode(encoder: RangeEncoder, symbol: number): void {
    const { starts } = this;
    whole('symbol', symbol, 0, starts.length - 2);
    encoder.put(starts[symbol], starts[symbol + 1] - starts[symbol]);
  }

  /** The next symbol. Throws CodecError (truncated) if the bytes ended before it.
   *  @example
   *  const decoder = new RangeDecoder(Uint8Array.of(128));
   *  console.log(FrequencyTable.fromCounts([1, 1]).decode(decoder)); // 1
   */
  decode(decoder: RangeDecoder): number {
    const { starts } = this;
    const symbol = this.symbolBehind(decoder.target());
    decoder.skip(starts[symbol], starts[symbol + 1] - starts[symbol]);
    return symbol;
  }
}
