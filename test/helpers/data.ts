// Test data as a function of a seed: numbers that differ from lane to lane, and the extremes that
// random numbers miss. Nothing here is random between runs: a failing case names its seed and can
// be repeated.

import { philox4x32 } from '../../src/core/random.ts';

export type Typed = Uint8Array | Int16Array | Int32Array | Uint32Array | BigInt64Array;

/** The shapes of data that every kernel must stand: `kinds` of `values`. */
export const KINDS = ['random', 'graded', 'zeros', 'max', 'min', 'alternating', 'one-hot'] as const;
export type Kind = (typeof KINDS)[number];

/** A stream of uint32s. */
export class Source {
  private block: number[] = [];
  private counter = 0;
  constructor(
    private readonly seed: number,
    private readonly stream = 0,
  ) {}

  u32(): number {
    if (this.block.length === 0)
      this.block = philox4x32(this.counter++, this.stream, 0, 0, this.seed, 0x7e57);
    return this.block.pop() as number;
  }

  /** A whole number in low..high. */
  between(low: number, high: number): number {
    const span = high - low + 1;
    // 53 random bits: the bias does not matter here
    return low + (((this.u32() % 2 ** 21) * 2 ** 32 + this.u32()) % span);
  }

  pick<T>(from: readonly T[]): T {
    return from[this.between(0, from.length - 1)];
  }
}

/** n whole numbers in low..high (which contains 0) of a kind. `graded` has every magnitude from 1
 *  bit to the full range. */
export function values(seed: number, n: number, kind: Kind, low: number, high: number): number[] {
  const source = new Source(seed);
  const hot = n === 0 ? -1 : source.between(0, n - 1);
  return Array.from({ length: n }, (_, i) => {
    switch (kind) {
      case 'random':
        return source.between(low, high);
      case 'graded': {
        const limit = 2 ** source.between(0, 53) - 1;
        return source.between(Math.max(low, -limit), Math.min(high, limit));
      }
      case 'zeros':
        return 0;
      case 'max':
        return high;
      case 'min':
        return low;
      case 'alternating':
        return i % 2 === 0 ? high : low;
      default: // one-hot
        return i === hot ? high : 0;
    }
  });
}

export const int16s = (
  seed: number,
  n: number,
  kind: Kind,
  bound = 32767,
  low = -bound,
): Int16Array => Int16Array.from(values(seed, n, kind, low, bound));
export const int32s = (
  seed: number,
  n: number,
  kind: Kind,
  bound = 2 ** 31 - 1,
  low = -bound,
): Int32Array => Int32Array.from(values(seed, n, kind, low, bound));

/** n int64s with |value| < 2^bits: low and high words drawn separately, so every bit varies. */
export function int64s(seed: number, n: number, kind: Kind, bits: number): BigInt64Array {
  const high = values(
    seed,
    n,
    kind,
    -(2 ** Math.min(bits - 1, 53)) + 1,
    2 ** Math.min(bits - 1, 53) - 1,
  );
  const source = new Source(seed, 1);
  const low = Math.max(0, bits - 1 - 53);
  return BigInt64Array.from(high, (value) => {
    const fine = value === 0 || low === 0 ? 0n : BigInt(source.between(0, 2 ** low - 1));
    return (BigInt(value) << BigInt(low)) + (value < 0 ? -fine : fine);
  });
}

/** B (k x n, row-major) in packed panels, written from the picture in the contract rather than from
 *  its formula: panel after panel, pair after pair of rows, column after column, the upper and the
 *  lower element of the pair. */
export function packed(B: ArrayLike<number>, k: number, n: number): Int16Array {
  const element = (row: number, column: number): number =>
    row < k && column < n ? B[row * n + column] : 0;
  const out: number[] = [];
  for (let first = 0; first < n; first += 16)
    for (let pair = 0; pair < k; pair += 2)
      for (let column = first; column < first + 16; column++)
        out.push(element(pair, column), element(pair + 1, column));
  return Int16Array.from(out);
}
