// 2^-t in integers, for the weights of tokens. Nothing here reaches a weight of a model, but a
// choice is to be the same everywhere, so there are integers only: two tables of 26 bits, whose
// product a double holds exactly.

/** Fraction bits of a distance. */
export const DISTANCE_BITS = 15;
/** Of a weight: 2^-0 is 2^30. */
export const WEIGHT_BITS = 30;
const TABLE_BITS = 26;
const LOW_BITS = 8;
/** Of the roots that the tables are made of. */
const PRECISION = 120n;

/** floor(sqrt(n)). */
function squareRoot(n: bigint): bigint {
  let x = 1n << BigInt(Math.ceil(n.toString(2).length / 2));
  for (;;) {
    const next = (x + n / x) >> 1n;
    if (next >= x) return x;
    x = next;
  }
}

/** 2^-(i step / 2^15) for i = 0 .. count - 1, rounded to 26 bits. */
function powers(step: number, count: number): Float64Array {
  let root = 1n << (PRECISION - 1n); // 2^-1
  for (let exponent = DISTANCE_BITS; 2 ** exponent > step; exponent--)
    root = squareRoot(root << PRECISION);
  let power = 1n << PRECISION;
  const half = 1n << (PRECISION - BigInt(TABLE_BITS) - 1n);
  return Float64Array.from({ length: count }, () => {
    const rounded = Number((power + half) >> (PRECISION - BigInt(TABLE_BITS)));
    power = (power * root) >> PRECISION;
    return rounded;
  });
}

/** What a product of both tables is multiplied with: 2^-(52 - 30 + n). */
const UNITS = Float64Array.from(
  { length: WEIGHT_BITS + 1 },
  (_, n) => 2 ** -(2 * TABLE_BITS - WEIGHT_BITS + n),
);

let tables: { readonly low: Float64Array; readonly high: Float64Array } | undefined;

/** floor(2^30 2^-(t / 2^15)) for a whole t >= 0, within 2^-25 of it, relatively, and one step. */
export function weightOf(t: number): number {
  tables ??= {
    low: powers(1, 2 ** LOW_BITS),
    high: powers(2 ** LOW_BITS, 2 ** (DISTANCE_BITS - LOW_BITS)),
  };
  if (t >= (WEIGHT_BITS + 1) * 2 ** DISTANCE_BITS) return 0;
  const fraction = t & (2 ** DISTANCE_BITS - 1);
  const low = tables.low[fraction & (2 ** LOW_BITS - 1)];
  const high = tables.high[fraction >> LOW_BITS];
  return Math.floor(low * high * UNITS[t >> DISTANCE_BITS]); // at most 2^52, exactly
}
