// What layers say of inputs that they cannot take, and how they take integers of a batch.

import {
  type Filled,
  refuse as fail,
  fields,
  having,
  MAX_LENGTH,
  real,
  typed,
  whole,
} from '../core/check.ts';
import { UsageError } from '../core/errors.ts';
import type { Type } from '../memory/tensor.ts';
import type { Layer } from './layer.ts';

export const describe = ({ kind, rows, columns }: Type): string => `${kind} ${rows} x ${columns}`;

export function refuse(layer: string, input: Type, expected: string): never {
  throw new UsageError(`${layer} is given ${describe(input)}, expected ${expected}`);
}

/** Largest standard deviation of initial weights: eight of them are the +-128 of a weight. */
const MOST_DEVIATION = 16;

/** The default of `lengths`: all rows of a sample are there. */
export const allRows = (): never => whole('lengths', undefined, 1, MAX_LENGTH) as never;

/** Options of a layer, an input or a loss with their defaults, each checked by what its default is:
 *  without one it is a size; '' is none. */
export function layerOptions<T extends object>(
  given: T,
  defaults: { readonly [K in keyof Filled<T>]: T[K] | undefined },
): Filled<T> {
  const options = fields('options', given, defaults);
  for (const [name, value] of Object.entries(options)) {
    const normal = defaults[name as keyof T];
    if (normal === undefined) whole(name, value, 1, MAX_LENGTH);
    else if (typeof normal === 'number') real(name, value, 0, MOST_DEVIATION);
    else if (typeof value !== typeof normal) fail(name, value, `a ${typeof normal}`);
  }
  return options;
}

/** Throws UsageError for what is no layer, such as one that was not called. */
export function asLayer(name: string, value: unknown): Layer {
  return having<Layer>(name, value, ['output', 'plan'], 'takes');
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

/** A copy of a batch's rows of integers, `width` apart, of which row s holds lengths[s]. Nobody
 *  else can change it; its memory is used again for the next batch of that size. */
export class IntegerRows {
  values = new Int32Array(0);
  lengths = new Int32Array(0);

  /** Copies rows; what is beyond a row's length is 0. lengths: of each row, 1..width; both may have
   *  more than `count`. Without them all rows are full. Throws UsageError. */
  take(given: GivenRows, lengths: GivenRows | undefined, shape: RowsShape): void {
    const { count, width } = shape;
    const size = count * width;
    this.clear(count, width);
    if (lengths === undefined) {
      const all = typed(given.name, given.values, 'Int32Array', size);
      copy(given.name, all, 0, this.values, shape);
      this.lengths.fill(width);
      return;
    }
    const all = typed(lengths.name, lengths.values, 'Int32Array', count, MAX_LENGTH);
    copy(lengths.name, all, 0, this.lengths, { low: 1, high: width });
    const from = typed(given.name, given.values, 'Int32Array', size, MAX_LENGTH);
    for (let s = 0; s < count; s++) {
      const at = s * width;
      const row = this.values.subarray(at, at + this.lengths[s]);
      copy(`${given.name} row ${s}`, from, at, row, shape);
    }
  }

  /** One row, which may be a short one. Throws UsageError. */
  takeOne(name: string, value: unknown, shape: RowsShape): void {
    const { width } = shape;
    const given = typed(name, value, 'Int32Array', 1, width);
    this.clear(1, width);
    this.lengths[0] = given.length;
    copy(name, given, 0, this.values.subarray(0, given.length), shape);
  }

  private clear(count: number, width: number): void {
    this.values = sized(this.values, count * width).fill(0);
    this.lengths = sized(this.lengths, count);
  }
}

const sized = (array: Int32Array<ArrayBuffer>, length: number): Int32Array<ArrayBuffer> =>
  array.length === length ? array : new Int32Array(length);

/** Copies the numbers from `at` on and looks at the copy: others may change what they were given
 *  in, and a subclass may have a `subarray` of its own. */
function copy(
  name: string,
  from: Int32Array,
  at: number,
  to: Int32Array,
  { low, high }: { readonly low: number; readonly high: number },
): void {
  for (let i = 0; i < to.length; i++) to[i] = from[at + i];
  for (let i = 0; i < to.length; i++)
    if (to[i] < low || to[i] > high) whole(`${name}[${i}]`, to[i], low, high);
}
