// ReLU: max(0, x), exact in any format. Its loops are plain TypeScript: integers are integers.

import type { Gradient, Tensor } from '../memory/tensor.ts';
import type { Run } from '../ops/run.ts';
import { refuse } from './check.ts';
import type { Layer, Planned } from './layer.ts';

/** ReLU, max(0, x): operand to operand of the same shape and fraction bits.
 *  @example
 *  console.log(relu().output({ kind: 'operand', rows: 2, columns: 8 }, 'operand').kind); // operand
 */
export function relu(): Layer {
  return {
    takes: ['operand'],
    output(input) {
      if (input.kind !== 'operand') refuse('relu', input, 'operand');
      return input;
    },
    plan: () => new Relu(),
  };
}

class Relu implements Planned<undefined> {
  readonly needsInput = true;
  readonly history = [];

  saved(): undefined {
    return undefined;
  }

  prepare(_: Run, x: Tensor, y: Tensor): void {
    y.fraction = x.fraction;
    y.range.deviation = x.range.deviation;
    y.range.offset = x.range.offset;
  }

  forward({ int16 }: Run, x: Tensor, _: undefined, y: Tensor): void {
    const from = x.at / 2;
    const to = y.at / 2;
    const n = x.size;
    y.rows = x.rows;
    for (let i = 0; i < n; i++) int16[to + i] = Math.max(0, int16[from + i]);
  }

  /** dx = dy where x > 0, else 0. */
  backward(run: Run, dy: Gradient, x: Tensor, _: undefined, dx: Gradient | undefined): void {
    if (dx === undefined) return;
    const { int16, int32 } = run;
    const of = x.at / 2;
    const from = dy.at / 4;
    const to = dx.at / 4;
    const n = x.size;
    for (let i = 0; i < n; i++) int32[to + i] = int16[of + i] > 0 ? int32[from + i] : 0;
    dx.exponent = dy.exponent;
  }
}
