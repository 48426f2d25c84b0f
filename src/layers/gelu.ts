// GELU (Hendrycks, Gimpel 2016), the exact one by the error function, in fixed point.

import { GELU_INPUT_FRACTION } from '../memory/formats.ts';
import type { Gradient, Tensor } from '../memory/tensor.ts';
import { activationFraction } from '../ops/range.ts';
import type { Run } from '../ops/run.ts';
import { refuse } from './check.ts';
import type { Layer, Planned } from './layer.ts';

/** GELU: fine to operand of the same shape, with as many fraction bits as its input's range allows.
 *  @example
 *  console.log(gelu().output({ kind: 'fine', rows: 2, columns: 8 }, 'operand').kind); // operand
 */
export function gelu(): Layer {
  return {
    takes: ['fine'],
    output({ kind, rows, columns }) {
      if (kind !== 'fine') refuse('gelu', { kind, rows, columns }, 'fine');
      return { kind: 'operand', rows, columns };
    },
    plan: () => new PlannedGelu(),
  };
}

class PlannedGelu implements Planned<undefined> {
  readonly needsInput = true;
  readonly history = [];
  private shift = 0;

  saved(): undefined {
    return undefined;
  }

  prepare(_: Run, x: Tensor, y: Tensor): void {
    y.fraction = activationFraction(x.range);
    y.range.deviation = x.range.deviation;
    y.range.offset = x.range.offset;
    this.shift = GELU_INPUT_FRACTION - y.fraction;
  }

  forward(run: Run, x: Tensor, _: undefined, y: Tensor): void {
    y.rows = x.rows;
    run.counts.saturated += run.kernels.gelu_forward_i16i16(x.at, y.at, x.size, this.shift);
  }

  backward(run: Run, dy: Gradient, x: Tensor, _: undefined, dx: Gradient | undefined): void {
    if (dx === undefined) return;
    run.kernels.gelu_backward_i32(dy.at, x.at, dx.at, x.size);
    dx.exponent = dy.exponent + 1;
  }
}
