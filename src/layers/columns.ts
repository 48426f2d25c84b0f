// What a matrix is, and how columns of its product are rounded.

import type { Kind } from '../memory/tensor.ts';

/** What a matrix is. */
export interface MatrixShape {
  /** Rows of W. */
  readonly out: number;
  /** Columns of W. */
  readonly into: number;
  /** Most rows of x. */
  readonly rows: number;
  /** Name in front of `weight` and `bias`. */
  readonly name: string;
  /** Of the initial weights. */
  readonly deviation: number;
  /** Whether y = W x + b. */
  readonly bias: boolean;
  /** Path of a parameter to share instead of a weight of its own. */
  readonly shares?: string | undefined;
  /** What its products become (whatever is asked for). */
  readonly kind?: Kind | undefined;
  /** Whether rows of dy are short, so that dy W is exact if the rows of W are: of a large head. */
  readonly isLarge?: boolean | undefined;
  /** Of each block, columns that nothing is added to by an adapter (none). */
  readonly idle?: readonly (readonly number[])[] | undefined;
  /** Bytes of a packed right operand, if not those of int16. @internal */
  readonly bytes?: ((k: number, n: number) => number) | undefined;
}

/** Adds a product, shifted, to a gradient. */
export type AddProduct = (shift: number) => void;

/** Columns of y that are rounded to int16 alike; `Matrix.format` writes their format.
 *  @example
 *  const columns = new Columns(0, 8, 4095); // of an operand
 *  console.log(columns.to - columns.from); // 8
 */
export class Columns {
  /** Kept by bundlers. @internal */
  static readonly name: string = 'Columns';
  /** Right shift of the sums. */
  shift!: number;
  /** Fraction bits of the rounded values. */
  fraction!: number;
  constructor(
    /** The first column. */
    readonly from: number,
    /** After the last one. */
    readonly to: number,
    /** Largest |value|, beyond which values are clamped: 4095 or 32767. */
    readonly bound: number,
  ) {}
}
