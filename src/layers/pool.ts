// One row instead of all of a sequence's: one of them, or their mean.

import { MAX_LENGTH, whole } from '../core/check.ts';
import type { Gradient, Tensor, Type } from '../memory/tensor.ts';
import { bits, clearGradient } from '../ops/gradient.ts';
import type { Run } from '../ops/run.ts';
import { refuse } from './check.ts';
import type { Layer, Planned } from './layer.ts';

/** Row `index` of a state alone, the class token of a vision transformer: state [1, C]. Throws
 *  UsageError if there is none.
 *  @example
 *  console.log(row(0).output({ kind: 'state', rows: 5, columns: 8 }, 'state').rows); // 1
 */
export function row(index = 0): Layer {
  whole('index', index, 0, MAX_LENGTH);
  return {
    takes: ['state'],
    output(input) {
      if (input.kind !== 'state' || index >= input.rows)
        refuse(`row ${index}`, input, `state of more than ${index} rows`);
      return { ...input, rows: 1 };
    },
    plan: (_, input) => new Row(input, index),
  };
}

class Row implements Planned<undefined> {
  readonly needsInput = false;

  constructor(
    private readonly input: Type,
    private readonly index: number,
  ) {}

  saved(): undefined {
    return undefined;
  }

  rowsOf(): number {
    return 1;
  }

  prepare(_run: Run, x: Tensor, y: Tensor): void {
    y.fraction = x.fraction;
  }

  forward(_run: Run, x: Tensor, _: undefined, y: Tensor): void {
    y.at = x.at + this.index * this.input.columns * 4;
    y.rows = 1;
  }

  backward(run: Run, dy: Gradient, x: Tensor, _: undefined, dx: Gradient | undefined): void {
    if (dx === undefined) return;
    const { bytes } = run;
    const width = this.input.columns * 4;
    const at = this.index * width;
    const { exponent } = dy;
    const row = bytes.slice(dy.at, dy.at + width);
    clearGradient(run, dx, x.size);
    bytes.set(row, dx.at + at);
    dx.exponent = exponent;
  }
}

/** The mean of all rows of a state, rounded half up: state [1, C].
 *  @example
 *  console.log(meanPool().output({ kind: 'state', rows: 5, columns: 8 }, 'state').rows); // 1
 */
export function meanPool(): Layer {
  return {
    takes: ['state'],
    output(input) {
      if (input.kind !== 'state') refuse('mean pool', input, 'state');
      return { ...input, rows: 1 };
    },
    plan: (_, input) => new MeanPool(input),
  };
}

class MeanPool implements Planned<undefined> {
  readonly needsInput = false;

  constructor(private readonly input: Type) {}

  saved(): undefined {
    return undefined;
  }

  rowsOf(): number {
    return 1;
  }

  prepare(_run: Run, x: Tensor, y: Tensor): void {
    y.fraction = x.fraction;
  }

  /** y = floor((2 sum + rows) / (2 rows)). |sum| < 2^31 * 2^12, and a quotient that is not whole is
   *  at least 2^-13 from the next whole number: doubles give the exact floor. */
  forward({ int32 }: Run, x: Tensor, _: undefined, y: Tensor): void {
    const { columns } = this.input;
    const { rows } = x;
    const from = x.at / 4;
    const to = y.at / 4;
    y.rows = 1;
    for (let c = 0; c < columns; c++) {
      let sum = 0;
      for (let r = 0; r < rows; r++) sum += int32[from + r * columns + c];
      int32[to + c] = Math.floor((2 * sum + rows) / (2 * rows));
    }
  }

  /** Every row gets dy / rows: with b = floor(log2 rows) the raw numbers are dy * (2^b / rows),
   *  half up, and the exponent is smaller by b. */
  backward({ int32 }: Run, dy: Gradient, x: Tensor, _: undefined, dx: Gradient | undefined): void {
    if (dx === undefined) return;
    const { columns } = this.input;
    const { rows } = x;
    const shift = bits(rows) - 1;
    const factor = 2 ** shift;
    const from = dy.at / 4;
    const to = dx.at / 4;
    // From the last row to the first, since dx may lie where dy does: row 0 is read before it is
    // written.
    for (let c = 0; c < columns; c++) {
      const share = Math.floor((2 * int32[from + c] * factor + rows) / (2 * rows));
      for (let r = rows - 1; r >= 0; r--) int32[to + r * columns + c] = share;
    }
    dx.exponent = dy.exponent - shift;
  }
}
