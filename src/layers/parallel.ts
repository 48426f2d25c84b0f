// Two layers side by side: y = a(x) + b(x), each within +-1024, so |h| of a block with one of them
// is at most 3 * 2^26 (formats.ts, BRANCH_SUM_LIMIT). The second output and two gradients need
// room: a layer's own, or, where many work in turn as in a stack of flows, that of what backward
// needs.

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
export const parallel = (a: Layer, b: Layer): Layer => sideBySide('parallel', a, b);

/** The same with its room where what backward needs is kept: layers that work in turn share it. */
export const sumOf = (a: Layer, b: Layer): Layer => sideBySide('a sum', a, b);

function sideBySide(name: 'parallel' | 'a sum', a: Layer, b: Layer): Layer {
  const output = (input: Type): Type => {
    const [first, second] = [a, b].map((layer) => layer.output(input, 'branch'));
    if (first.kind !== 'branch') refuse(name, first, 'branch');
    const same = second.kind === 'branch' && second.columns === first.columns;
    if (!same || second.rows !== first.rows) refuse(name, second, 'the same of both');
    return first;
  };
  return {
    takes: a.takes,
    output,
    plan: (at, input) =>
      new Parallel(
        name === 'parallel' ? at : undefined,
        [a, b].map((layer) => layer.plan(at, input, 'branch')),
        input,
        output(input),
      ),
  };
}

/** The second output, and the gradients of the input: int32. */
interface Room {
  readonly other: Pointer;
  readonly gradients: readonly Pointer[];
}

/** What each layer keeps, and room if there is none of its own. */
interface ParallelSaved {
  readonly parts: readonly unknown[];
  readonly room: Room;
}

class Parallel implements Planned<ParallelSaved> {
  readonly needsInput: boolean;
  readonly history: Planned['history'];
  private readonly other: Tensor;
  private readonly room: Room | undefined;
  private readonly roomOf: (allocate: (bytes: number) => Pointer) => Room;
  private readonly gradients: readonly Gradient[];

  constructor(
    at: Planner | undefined,
    private readonly layers: readonly Planned[],
    { rows, columns }: Type,
    output: Type,
  ) {
    this.needsInput = layers.some((layer) => layer.needsInput);
    const all = layers.map(({ history }) => history);
    const canFollow = all.every((each) => each !== undefined);
    this.history = canFollow ? all.flatMap((each) => each ?? []) : undefined;
    this.other = new Tensor(output);
    this.roomOf = (allocate) => ({
      other: allocate(rows * output.columns * 4),
      gradients: layers.map(() => allocate(rows * columns * 4)),
    });
    this.room = at && this.roomOf((bytes) => at.own(bytes));
    this.gradients = layers.map(() => ({ at: 0, exponent: 0 }));
  }

  saved(arena: Arena): ParallelSaved {
    const parts = this.layers.map((layer) => layer.saved(arena));
    const allocate = (bytes: number): Pointer => arena.allocate('states', bytes);
    return { parts, room: this.room ?? this.roomOf(allocate) };
  }

  prepare(run: Run, x: Tensor, y: Tensor, what: Preparation): void {
    this.layers[0].prepare(run, x, y, what);
    this.layers[1].prepare(run, x, this.other, what);
  }

  forward(run: Run, x: Tensor, { parts, room }: ParallelSaved, y: Tensor): void {
    const { layers, other } = this;
    other.at = room.other;
    layers[0].forward(run, x, parts[0], y);
    layers[1].forward(run, x, parts[1], other);
    run.kernels.combine_i32(y.at, 1, 0, other.at, 1, 0, 0, 0, y.at, y.size);
  }

  backward(
    run: Run,
    dy: Gradient,
    x: Tensor,
    { parts, room }: ParallelSaved,
    dx: Gradient | undefined,
  ): void {
    const { layers, gradients } = this;
    for (const [i, gradient] of gradients.entries()) {
      gradient.at = room.gradients[i];
      layers[i].backward(run, dy, x, parts[i], dx === undefined ? undefined : gradient);
    }
    if (dx !== undefined) run.sum.of(x.size).add(gradients[0]).add(gradients[1]).into(dx);
  }
}
