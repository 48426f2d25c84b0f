// A learned row in front of a sequence (Dosovitskiy et al., ICLR 2021), and learned positions added
// to a state: together the first state of a vision transformer.

import { BRANCH_FRACTION, MASTER_FRACTION } from '../memory/formats.ts';
import type { Parameter } from '../memory/parameter.ts';
import type { Gradient, Tensor, Type } from '../memory/tensor.ts';
import type { Run } from '../ops/run.ts';
import { layerOptions, refuse } from './check.ts';
import { embeddingShift } from './embedding.ts';
import type { Layer, Planned } from './layer.ts';
import { DEVIATION } from './linear.ts';

/** Of learned rows. */
export interface RowOptions {
  /** Name of the parameter: `name.weight`. */
  name?: string | undefined;
  /** Standard deviation of its initial values (0.02). */
  deviation?: number | undefined;
}

/** A learned row in front of the others: branch [T, C] to state [T + 1, C].
 *  @example
 *  console.log(classToken().output({ kind: 'branch', rows: 4, columns: 8 }, 'state').rows); // 5
 */
export function classToken(options: RowOptions = {}): Layer {
  const { name, deviation } = layerOptions(options, { name: 'class', deviation: DEVIATION });
  return {
    takes: ['branch'],
    output(input) {
      if (input.kind !== 'branch') refuse('class token', input, 'branch');
      return { kind: 'state', rows: input.rows + 1, columns: input.columns };
    },
    plan(at, input) {
      const spec = { name: `${name}.weight`, shape: [1, input.columns], init: { deviation } };
      return new ClassToken(input, at.parameter({ ...spec, decays: true })[0]);
    },
  };
}

/** Adds rows of int32 to rows of a parameter's gradient, if it has one. */
function addRows(run: Run, dy: Gradient, rows: number, into: Parameter): void {
  const { gradient, lock, shape } = into;
  const shift = embeddingShift(dy.exponent);
  if (gradient === 0) return;
  run.team.exclusive(lock, () =>
    run.kernels.embedding_backward_i32i64(0, dy.at, 0, gradient, rows, shape[1], shift),
  );
}

class ClassToken implements Planned<undefined> {
  readonly needsInput = false;

  constructor(
    private readonly input: Type,
    private readonly token: Parameter,
  ) {}

  saved(): undefined {
    return undefined;
  }

  rowsOf(rows: number): number {
    return rows + 1;
  }

  prepare(run: Run, _x: Tensor, y: Tensor): void {
    y.fraction = run.stateFraction;
  }

  forward(run: Run, x: Tensor, _: undefined, y: Tensor): void {
    const { columns: C } = this.input;
    const { combine_i32: combine } = run.kernels;
    y.rows = x.rows + 1;
    combine(this.token.master, 1, MASTER_FRACTION - y.fraction, 0, 0, 0, 0, 0, y.at, C);
    combine(x.at, 1, BRANCH_FRACTION - y.fraction, 0, 0, 0, 0, 0, y.at + C * 4, x.size);
  }

  backward(run: Run, dy: Gradient, x: Tensor, _: undefined, dx: Gradient | undefined): void {
    const { columns: C } = this.input;
    addRows(run, dy, 1, this.token);
    if (dx === undefined) return;
    run.bytes.copyWithin(dx.at, dy.at + C * 4, dy.at + C * 4 + x.size * 4);
    dx.exponent = dy.exponent;
  }
}

/** Learned positions, added to a state [T, C] in place.
 *  @example
 *  console.log(positions().output({ kind: 'state', rows: 4, columns: 8 }, 'state').rows); // 4
 */
export function positions(options: RowOptions = {}): Layer {
  const { name, deviation } = layerOptions(options, { name: 'position', deviation: DEVIATION });
  return {
    takes: ['state'],
    output(input) {
      if (input.kind !== 'state') refuse('positions', input, 'state');
      return input;
    },
    plan(at, { rows, columns }) {
      const spec = { name: `${name}.weight`, shape: [rows, columns], init: { deviation } };
      const parameter = at.parameter({ ...spec, decays: true })[0];
      return new Positions(parameter);
    },
  };
}

class Positions implements Planned<undefined> {
  readonly needsInput = false;

  constructor(private readonly position: Parameter) {}

  saved(): undefined {
    return undefined;
  }

  prepare(_run: Run, x: Tensor, y: Tensor): void {
    y.fraction = x.fraction;
  }

  forward(run: Run, x: Tensor, _: undefined, y: Tensor): void {
    const shift = MASTER_FRACTION - x.fraction;
    y.rows = x.rows;
    const { master } = this.position;
    run.kernels.combine_i32(x.at, 1, 0, master, 1, shift, 0, 0, y.at, x.size);
  }

  backward(run: Run, dy: Gradient, x: Tensor, _: undefined, dx: Gradient | undefined): void {
    addRows(run, dy, x.rows, this.position);
    if (dx === undefined || dx === dy) return;
    run.bytes.copyWithin(dx.at, dy.at, dy.at + x.size * 4);
    dx.exponent = dy.exponent;
  }
}
