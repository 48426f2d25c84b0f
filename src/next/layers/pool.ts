// One row of a sequence instead of all of them.

import type { Gradient, Tensor, Type } from '../memory/tensor.ts';
import { clearGradient } from '../ops/gradient.ts';
import type { Run } from '../ops/run.ts';
import { refuse } from './check.ts';
import type { Layer, Planned } from './layer.ts';

/** Row `index` of a state alone: the class token of a vision transformer. */
export function row(index = 0): Layer {
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
