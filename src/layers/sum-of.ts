// Two layers side by side as parallel.ts has them, y = a(x) + b(x), with all of their memory where
// what backward needs is kept: many of them that work in turn, in a stack of flows, share it.

import type { Pointer } from '../kernels/kernels.ts';
import type { Arena } from '../memory/arena.ts';
import { type Gradient, Tensor, type Type } from '../memory/tensor.ts';
import type { Run } from '../ops/run.ts';
import { refuse } from './check.ts';
import type { Layer, Planned, Preparation } from './layer.ts';

/** The sum of what two layers make of one input: branch of the same shape from both. Throws
 *  UsageError for layers that give something else. */
export function sumOf(a: Layer, b: Layer): Layer {
  const output = (input: Type): Type => {
    const [first, second] = [a, b].map((layer) => layer.output(input, 'branch'));
    if (first.kind !== 'branch') refuse('a sum', first, 'branch');
    const same = second.kind === 'branch' && second.columns === first.columns;
    if (!same || second.rows !== first.rows) refuse('a sum', second, 'the same of both');
    return first;
  };
  return {
    takes: a.takes,
    output,
    plan: (at, input) =>
      new SumOf(
        [a, b].map((layer) => layer.plan(at, input, 'branch')),
        input,
        output(input),
      ),
  };
}

/** What each keeps, the second output, and the gradients of the input. */
interface SumSaved {
  readonly parts: readonly unknown[];
  readonly other: Pointer;
  readonly gradients: readonly Pointer[];
}

class SumOf implements Planned<SumSaved> {
  readonly needsInput: boolean;
  private readonly other: Tensor;
  private readonly gradients: readonly Gradient[];
  /** Of an output and of an input, as int32. */
  private readonly outBytes: number;
  private readonly inBytes: number;

  constructor(
    private readonly layers: readonly Planned[],
    { rows, columns }: Type,
    output: Type,
  ) {
    this.needsInput = layers.some((layer) => layer.needsInput);
    this.other = new Tensor(output);
    this.outBytes = rows * output.columns * 4;
    this.inBytes = rows * columns * 4;
    this.gradients = layers.map(() => ({ at: 0, exponent: 0 }));
  }

  saved(arena: Arena): SumSaved {
    const { layers, outBytes, inBytes } = this;
    return {
      parts: layers.map((layer) => layer.saved(arena)),
      other: arena.allocate('states', outBytes),
      gradients: layers.map(() => arena.allocate('states', inBytes)),
    };
  }

  prepare(run: Run, x: Tensor, y: Tensor, what: Preparation): void {
    this.layers[0].prepare(run, x, y, what);
    this.layers[1].prepare(run, x, this.other, what);
  }

  forward(run: Run, x: Tensor, { parts, other: at }: SumSaved, y: Tensor): void {
    const { layers, other } = this;
    other.at = at;
    layers[0].forward(run, x, parts[0], y);
    layers[1].forward(run, x, parts[1], other);
    run.kernels.combine_i32(y.at, 1, 0, at, 1, 0, 0, 0, y.at, y.size);
  }

  backward(run: Run, dy: Gradient, x: Tensor, saved: SumSaved, dx: Gradient | undefined): void {
    const { layers, gradients } = this;
    for (const [i, gradient] of gradients.entries()) {
      gradient.at = saved.gradients[i];
      layers[i].backward(run, dy, x, saved.parts[i], dx === undefined ? undefined : gradient);
    }
    if (dx !== undefined) run.sum.of(x.size).add(gradients[0]).add(gradients[1]).into(dx);
  }
}
