// What layers say of inputs that they cannot take, and how they take integers of a batch.

import { integers, MAX_LENGTH, typed } from '../core/check.ts';
import { UsageError } from '../core/errors.ts';
import type { Type } from '../memory/tensor.ts';

export const describe = ({ kind, rows, columns }: Type): string => `${kind} ${rows} x ${columns}`;

export function refuse(layer: string, input: Type, expected: string): never {
  throw new UsageError(`${layer} is given ${describe(input)}, expected ${expected}`);
}

/** Rows of integers, `width` apart, of which row s holds lengths[s]. */
export interface IntegerRows {
  readonly values: Int32Array;
  readonly lengths: Int32Array;
}

export interface RowsShape {
  readonly count: number;
  readonly width: number;
  /** Smallest and largest value. */
  readonly low: number;
  readonly high: number;
}

/** Rows of integers in a batch, and what it calls them. */
export interface GivenRows {
  readonly name: string;
  readonly values: unknown;
}

/** A copy of rows of integers, which nobody can change any more; what is beyond a row's length is
 *  0. lengths: of each row, 1..width; both may have more than `count`. Without them all rows are
 *  full. Throws UsageError. */
export function takeRows(
  { name, values: given }: GivenRows,
  lengths: GivenRows | undefined,
  { count, width, low, high }: RowsShape,
): IntegerRows {
  const size = count * width;
  if (lengths === undefined) {
    const values = integers(name, given, low, high, size);
    return { values, lengths: new Int32Array(count).fill(width) };
  }
  const all = typed(lengths.name, lengths.values, 'Int32Array', count, MAX_LENGTH);
  const rows = integers(lengths.name, all.subarray(0, count), 1, width, count);
  const from = typed(name, given, 'Int32Array', size, MAX_LENGTH);
  const values = new Int32Array(size);
  rows.forEach((length, s) => {
    const row = from.subarray(s * width, s * width + length);
    values.set(integers(`${name} row ${s}`, row, low, high, length), s * width);
  });
  return { values, lengths: rows };
}
