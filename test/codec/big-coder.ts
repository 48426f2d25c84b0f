// The range coder and its tables in BigInt, with no carry, no renormalised low and no double: the
// interval's begin is one number of any length.

const TOTAL = 2n ** 24n;
const TOP = 2n ** 40n;
const STATE = 2n ** 48n;

export type Place = readonly [start: number, size: number];

/** The bytes of some places in tables that sum to 2^24. */
export function bigEncode(places: readonly Place[]): Uint8Array {
  let low = 0n;
  let range = STATE;
  let count = 0;
  for (const [start, size] of places) {
    const unit = range / TOTAL;
    low += unit * BigInt(start);
    range = start + size === 2 ** 24 ? range - unit * BigInt(start) : unit * BigInt(size);
    for (; range < TOP; count++) {
      low *= 256n;
      range *= 256n;
    }
  }
  // the first multiple of 2^40 in the interval, without its last byte if that is 0
  const top = (low + TOP - 1n) / TOP;
  const digits = top.toString(16).padStart(2 * (count + 1), '0');
  const bytes = Uint8Array.from({ length: count + 1 }, (_, i) =>
    Number.parseInt(digits.slice(2 * i, 2 * i + 2), 16),
  );
  return bytes[count] === 0 ? bytes.slice(0, count) : bytes;
}

/** The sizes of weights: 1 + floor(w (2^24 - n) / sum), the rest to the first of the largest. */
export function bigSizes(weights: readonly bigint[]): number[] {
  const share = TOTAL - BigInt(weights.length);
  const sum = weights.reduce((a, b) => a + b, 0n);
  const sizes = weights.map((weight) => 1n + (weight * share) / sum);
  const largest = weights.reduce((best, w, i) => (w > weights[best] ? i : best), 0);
  sizes[largest] += TOTAL - sizes.reduce((a, b) => a + b, 0n);
  return sizes.map(Number);
}
