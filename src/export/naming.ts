// A model's weights under another program's names, in the shapes that it wants.

import type { Source } from './source.ts';
import { type OutTensor, sliced, transposed, type Values, weights } from './values.ts';

/** Names tensors of a source. `to` is the other program's name, `own` ours. */
export class Naming {
  constructor(readonly source: Source) {}

  /** A tensor as it is; `shown`: its shape there. */
  tensor(to: string, own: string, shape: readonly number[], shown = shape): OutTensor {
    return { name: to, shape: shown, values: weights(this.source.weight(own, ...shape)) };
  }

  norm(to: string, own: string, size: number): OutTensor[] {
    return [
      this.tensor(`${to}.weight`, `${own}.gain`, [size]),
      { name: `${to}.bias`, shape: [size], values: this.source.bias(`${own}.bias`, size) },
    ];
  }

  /** A matrix [out, in] and its bias. */
  linear(to: string, own: string, rows: number, columns: number): OutTensor[] {
    return this.part(to, own, [rows, columns], 0, rows);
  }

  /** A matrix as [in, out], and its bias. */
  turned(to: string, own: string, rows: number, columns: number): OutTensor[] {
    const [matrix, bias] = this.linear(to, own, rows, columns);
    const values = transposed(this.source.weight(`${own}.weight`, rows, columns));
    return [{ ...matrix, shape: [columns, rows], values }, bias];
  }

  /** `count` rows of a matrix from `first` on, and their biases. */
  part(
    to: string,
    own: string,
    shape: readonly [rows: number, columns: number],
    first: number,
    count: number,
  ): OutTensor[] {
    const [rows, columns] = shape;
    const matrix = this.source.weight(`${own}.weight`, rows, columns);
    const all: Values = this.source.bias(`${own}.bias`, rows);
    const values = weights(matrix, first * columns, count * columns);
    return [
      { name: `${to}.weight`, shape: [count, columns], values },
      { name: `${to}.bias`, shape: [count], values: sliced(all, first, count) },
    ];
  }
}
