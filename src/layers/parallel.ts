// Two layers side by side: y = a(x) + b(x), each within +-1024, so |h| of a block with one of them
// is at most 3 * 2^26 (formats.ts, BRANCH_SUM_LIMIT).

import type { Pointer } from '../kernels/kernels.ts';
import type { Arena } from '../memory/arena.ts';
import type { Planner } from '../memory/planner.ts';
import { type Gradient, Tensor, type Type } from '../memory/tensor.ts';
import type { Run } from '../ops/run.ts';
import { refuse } from './check.ts';
import type { Layer, Planned, Preparation } from './layer.ts';

/** The sum of what two layers make of one input: branch of the same shape from both. Throws
 *  UsageError for layers that give something else.
 *  @example
 *  const layer = parallel(linear(8, { name: 'a' }), linear(8, { name: 'b' }));
 *  console.log(layer.output({ kind: 'operand', rows: 2, columns: 4 }, 'branch').columns); // 8
 */
export function parallel(a: Layer, b: Layer): Layer {
  const output = (input: Type): Type => {
    const [first, second] = [a, b].map((layer) => layer.output(input, 'branch'));
    if (first.kind !== 'branch') refuse('parallel', first, 'branch');
    const same = second.kind === 'branch' && second.columns === first.columns;
    if (!same || second.rows !== first.rows) refuse('parallel', second, 'the same of both');
    return first;
  };
  return {
    takes: a.takes,
    output,
    plan: (at, input) =>
      new Parallel(
        at,
        [a, b].map((layer) => layer.plan(at, input, 'branch')),
        input,
        output(input),
      ),
  };
}

class Parallel implements Planned<readonly unknown[]> {
  readonly needsInput: boolean;
  readonly history: Planned['history'];
  private readonly other: Tensor;
  /** int32: the second output, then the gradients of the input. */
  private readonly branch: Pointer;
  private readonly gradients: readonly Gradient[];

  constructor(
    at: Planner,
    private readonly layers: readonly Planned[],
    { rows, columns }: Type,
    output: Type,
  ) {
    this.needsInput = layers.some((layer) => layer.needsInput);
    const all = layers.map(({ history }) => history);
    const canFollow = all.every((each) => each !== undefined);
    this.history = canFollow ? all.flatMap((each) => each ?? []) : undefined;
    this.other = new Tensor(output);
    this.branch = at.own(rows * output.columns * 4);
    this.gradients = layers.map(() => ({ at: at.own(rows * columns * 4), exponent: 0 }));
  }

  saved(arena: Arena): readonly unknown[] {
    return this.layers.map((layer) => layer.saved(arena));
  }

  prepare(run: Run, x: Tensor, y: Tensor, what: Preparation): void {
    this.layers[0].prepare(run, x, y, what);
    this.layers[1].prepare(run, x, this.other, what);
  }

  forward(run: Run, x: Tensor, saved: readonly unknown[], y: Tensor): void {
    const { layers, other, branch } = this;
    other.at = branch;
    layers[0].forward(run, x, saved[0], y);
    layers[1].forward(run, x, saved[1], other);
    run.kernels.combine_i32(y.at, 1, 0, branch, 1, 0, 0, 0, y.at, y.size);
  }

  backward(
    run: Run,
    dy: Gradient,
    x: Tensor,
    saved: readonly unknown[],
    dx: Gradient | undefined,
  ): void {
    const { layers, gradients } = this;
    const [first, second] = dx === undefined ? [] : gradients;
    layers[0].backward(run, dy, x, saved[0], first);
    layers[1].backward(run, dy, x, saved[1], second);
    if (dx !== undefined) run.sum.of(x.size).add(gradients[0]).add(gradients[1]).into(dx);
  }
}
