// What flows between layers, and its gradient. A tensor is one sequence's: rows x columns,
// contiguous. Its layout is fixed when a model is planned; its fraction bits may depend on the
// weights and are written by `prepare`.

import type { Pointer } from '../kernels/kernels.ts';

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

export type Kind = keyof typeof ELEMENT_BYTES;

/** What a layer takes or gives: the most rows that a sequence has of it, and the elements of a row.
 */
export interface Type {
  readonly kind: Kind;
  readonly rows: number;
  readonly columns: number;
}

/** How large values are in real units, of weights alone: every sample has the same formats.
 *  An element's standard deviation is at most `deviation` around something of at most `offset`. */
export interface Range {
  deviation: number;
  offset: number;
}

/** A tensor of the sequence that is at hand. One object serves all sequences in turn: whoever moves
 *  to another one sets `at` and `rows`. Value of an element: raw * 2^-fraction. */
export class Tensor {
  at: Pointer = 0;
  rows = 0;
  fraction = 0;
  readonly range: Range = { deviation: 0, offset: 0 };
  /** Of a state: branches that were added to it, int32 with 16 fraction bits; 0: none. */
  before: Pointer = 0;

  constructor(readonly type: Type) {}

  /** Elements of the sequence at hand. */
  get size(): number {
    return this.rows * this.type.columns;
  }
}

/** Bytes of the longest sequence's tensor. */
export const tensorBytes = ({ kind, rows, columns }: Type): number =>
  rows * columns * ELEMENT_BYTES[kind];

/** A gradient of one sequence, int32 or int16 as its place says: value = raw * 2^exponent. */
export interface Gradient {
  at: Pointer;
  exponent: number;
}
