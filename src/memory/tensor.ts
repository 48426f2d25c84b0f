// What flows between layers, and its gradient. A tensor is one sequence's: rows x columns,
// contiguous. Its layout is fixed when a model is planned; its fraction bits may depend on the
// weights and are written by `prepare`.

import type { Pointer } from './arena.ts';
import { BRANCH_FRACTION } from './formats.ts';

/** Bytes an element of each kind of tensor.
 *  - `ids`: int32 token ids.
 *  - `operand`: int16 within +-4095, what a matrix product takes.
 *  - `fine`: int16 with all its bits, what an activation function takes.
 *  - `branch`: int32 with 16 fraction bits within +-1024, what is added to a residual stream.
 *  - `state`: int32 with l fraction bits: the residual stream.
 *  - `sums`: int32 products that were not rounded: logits. */
export const ELEMENT_BYTES = {
  ids: 4,
  operand: 2,
  fine: 2,
  branch: 4,
  state: 4,
  sums: 4,
} as const;

/** The kinds of tensors: ids, operand, fine, branch, state, sums. */
export type Kind = keyof typeof ELEMENT_BYTES;

/** What a layer takes or gives: the most rows that a sequence has of it, and the elements of a row.
 */
export interface Type {
  /** Its format. */
  readonly kind: Kind;
  /** The most rows of a sequence. */
  readonly rows: number;
  /** Elements of a row. */
  readonly columns: number;
}

/** How large values are in real units, of weights alone: every sample has the same formats.
 *  An element's standard deviation is at most `deviation` around something of at most `offset`. */
export interface Range {
  /** Around something of at most `offset`. */
  deviation: number;
  /** 0, or what a bias adds. */
  offset: number;
}

/** A tensor of the sequence that is at hand. One object serves all sequences in turn: whoever moves
 *  to another one sets `at` and `rows`. Value of an element: raw * 2^-fraction.
 *  @example
 *  const x = new Tensor({ kind: 'operand', rows: 8, columns: 4 });
 *  x.rows = 3; // a shorter sequence
 *  console.log(x.size); // 12
 */
export class Tensor {
  /** Kept by bundlers. @internal */
  static readonly name: string = 'Tensor';
  /** Its address. */
  at: Pointer = 0;
  /** Of the sequence at hand. */
  rows = 0;
  /** Fraction bits; `prepare` writes them. */
  fraction = 0;
  /** How large its values are; `prepare` writes it. */
  readonly range: Range = { deviation: 0, offset: 0 };
  /** Of a state: branches that were added to it, int32 with 16 fraction bits; 0: none. */
  before: Pointer = 0;

  constructor(
    /** Its format and most rows. */
    readonly type: Type,
  ) {
    if (type.kind === 'branch') this.fraction = BRANCH_FRACTION;
  }

  /** Elements of the sequence at hand. */
  get size(): number {
    return this.rows * this.type.columns;
  }
}

/** Bytes of the longest sequence's tensor.
 *  @example
 *  console.log(tensorBytes({ kind: 'operand', rows: 8, columns: 4 })); // 64
 */
export const tensorBytes = ({ kind, rows, columns }: Type): number =>
  rows * columns * ELEMENT_BYTES[kind];

/** A gradient of one sequence, int32 or int16 as its place says: value = raw * 2^exponent. */
export interface Gradient {
  /** Its address. */
  at: Pointer;
  /** Value = raw * 2^exponent. */
  exponent: number;
}
