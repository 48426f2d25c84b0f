// How wide the output of a layer norm is. As an operand it has 13 bits within +-16; a channel that
// is larger is multiplied by 2^-a, and the column of the matrix that reads it by 2^a. But that
// matrix has 13 bits too, or fewer where its columns are long (layers/matrix.ts): a wide column
// takes bits from all others. An output of the range +-16 * 2^k needs k less of each a, and has k
// fraction bits fewer. Both roundings are predicted for every k, as a part of the square of each
// token's output, and the least sum is taken.

import { fits, OPERAND, OPERAND_SUM } from './ranges.ts';
import { type Rows, raise } from './real.ts';

/** Most that k may be (layers/rescaled.ts). */
const MOST_WIDE = 4;
/** Fraction bits of the output for k = 0, of master weights, and the fewest of a matrix. */
const OUTPUT_FRACTION = 8;
const MASTER_FRACTION = 24;
const LEAST_FRACTION = 8;

/** A layer norm's output. */
export interface Width {
  /** The largest |value| of each channel. */
  readonly most: Float64Array;
  /** k, and a of each channel. */
  readonly wide: number;
  readonly powers: Int8Array;
  /** The largest |w| 2^a of each row of the matrix that reads it. */
  readonly rows: Float64Array;
}

/** How large some outputs are. */
interface Sizes {
  readonly most: Float64Array;
  /** Means over tokens: of each channel's share in a token's sum of squares, and of 1 / that. */
  readonly shares: Float64Array;
  readonly inverse: number;
}

function sizesOf(outputs: readonly Rows[]): Sizes {
  const { columns } = outputs[0];
  const tokens = outputs.reduce((sum, { rows }) => sum + rows, 0);
  const most = new Float64Array(columns);
  const shares = new Float64Array(columns);
  let inverse = 0;
  for (const output of outputs) {
    raise(most, output);
    for (let at = 0; at < output.values.length; at += columns) {
      const row = output.values.subarray(at, at + columns);
      const square = row.reduce((sum, value) => sum + value * value, 0);
      if (square === 0) continue;
      inverse += 1 / square / tokens;
      for (let c = 0; c < columns; c++) shares[c] += (row[c] * row[c]) / square / tokens;
    }
  }
  return { most, shares, inverse };
}

/** Rows of a matrix whose columns are multiplied by factors: the largest |w| of each. */
function widthOfRows(weight: Float32Array, factors: Float64Array): Float64Array {
  const columns = factors.length;
  return Float64Array.from({ length: weight.length / columns }, (_, row) => {
    const at = row * columns;
    let most = 0;
    for (let c = 0; c < columns; c++) most = Math.max(most, Math.abs(weight[at + c]) * factors[c]);
    return most;
  });
}

/** Without the rows that are left out: the largest sum of |w| of a row and of a column, and the
 *  sums of squares of each column, w as it is. */
function sumsOf(weight: Float32Array, factors: Float64Array, left: ReadonlySet<number>) {
  const columns = factors.length;
  const sums = new Float64Array(columns);
  const squares = new Float64Array(columns);
  let longest = 0;
  for (let row = 0; row < weight.length / columns; row++) {
    if (left.has(row)) continue;
    let sum = 0;
    for (let c = 0; c < columns; c++) {
      const w = weight[row * columns + c];
      sum += Math.abs(w) * factors[c];
      sums[c] += Math.abs(w);
      squares[c] += w * w;
    }
    longest = Math.max(longest, sum);
  }
  sums.forEach((sum, c) => {
    longest = Math.max(longest, sum * factors[c]);
  });
  return { longest, squares };
}

/** Fraction bits of a matrix of such a largest |w| and sum. */
function fractionOf(largest: number, longest: number): number {
  let fraction = MASTER_FRACTION;
  while (largest * 2 ** fraction > OPERAND || longest * 2 ** fraction > OPERAND_SUM) fraction--;
  return fraction;
}

/** Chooses the width of a layer norm's output by the matrix that reads it. `outliers` gives, of the
 *  largest |w| 2^a of the rows, those that the matrix has not. */
export function widthOf(
  outputs: readonly Rows[],
  weight: Float32Array,
  outliers: (rows: Float64Array) => readonly number[],
): Width {
  const { most, shares, inverse } = sizesOf(outputs);
  const tried = (wide: number): Width & { error: number } => {
    const powers = fits(most.map((value) => value * 2 ** -wide));
    const factors = Float64Array.from(powers, (a) => 2 ** a);
    const rows = widthOfRows(weight, factors);
    const left = new Set(outliers(rows));
    const { longest, squares } = sumsOf(weight, factors, left);
    const kept = rows.filter((_, row) => !left.has(row));
    const fraction = fractionOf(
      kept.reduce((a, b) => Math.max(a, b), 0),
      longest,
    );
    const ofOutput = inverse * 4 ** (wide - OUTPUT_FRACTION);
    const error = factors.reduce((sum, factor, c) => {
      const square = factor * factor;
      const mean = squares[c] / kept.length;
      return sum + ofOutput * square * mean + (4 ** -fraction / square) * shares[c];
    }, 0);
    const isHeld = fraction >= LEAST_FRACTION;
    return { most, wide, powers, rows, error: isHeld ? error : Infinity };
  };
  const all = Array.from({ length: MOST_WIDE + 1 }, (_, wide) => tried(wide));
  return all.reduce((best, one) => (one.error < best.error ? one : best));
}
