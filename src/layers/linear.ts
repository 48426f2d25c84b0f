// y = x W^T (+ b). What y is depends on what takes it: an operand, the input of an activation
// function, a branch, or sums that are never rounded (logits).

import { MAX_LENGTH, whole } from '../core/check.ts';
import {
  GELU_INPUT_FRACTION,
  LARGE_VOCABULARY,
  OPERAND_L1_MAX,
  OPERAND_MAX,
  PROBABILITY_MAX,
} from '../memory/formats.ts';
import type { Planner, Scratch } from '../memory/planner.ts';
import type { Gradient, Kind, Tensor, Type } from '../memory/tensor.ts';
import { gradientTooLarge, toOperand } from '../ops/gradient.ts';
import { rowSumMax, toDitheredOperand } from '../ops/large-vocabulary.ts';
import { activationFraction } from '../ops/range.ts';
import type { Run } from '../ops/run.ts';
import { layerOptions, refuse } from './check.ts';
import { Columns } from './columns.ts';
import type { Layer, Planned, Preparation } from './layer.ts';
import type { Matrix } from './matrix.ts';
import { matrixOf } from './matrix-of.ts';

/** Standard deviation of initial matrices and embeddings (GPT-2). */
export const DEVIATION = 0.02;

/** What is not the same of all linear layers. */
export interface LinearOptions {
  /** Name of its parameters: `name.weight`, `name.bias`. */
  name?: string | undefined;
  /** Adds a bias (false). */
  bias?: boolean | undefined;
  /** Standard deviation of the initial weights (0.02). */
  deviation?: number | undefined;
  /** Path of a parameter to share instead of a weight of its own, such as an embedding's. */
  shares?: string | undefined;
}

/** A linear layer of `out` outputs a row: W x + b, W [out, in]. It takes operand and gives what is
 *  asked for: operand, fine, branch, sums; with its sums exact. Throws UsageError if a shared
 *  weight has another shape.
 *  @example
 *  console.log(linear(3).output({ kind: 'operand', rows: 2, columns: 4 }, 'branch').columns); // 3
 */
export function linear(out: number, options: LinearOptions = {}): Layer {
  whole('outputs', out, 1, MAX_LENGTH);
  const defaults = { name: 'linear', bias: false, deviation: DEVIATION, shares: '' };
  const { name, bias, deviation, shares } = layerOptions<LinearOptions>(options, defaults);
  const kinds: Kind[] = ['operand', 'fine', 'branch', ...(bias ? [] : ['sums' as const])];
  const output = (input: Type, wanted: Kind): Type => {
    if (input.kind !== 'operand') refuse('linear', input, 'operand');
    const kind = kinds.includes(wanted) ? wanted : 'branch';
    return { kind, rows: input.rows, columns: out };
  };
  return {
    takes: ['operand'],
    output,
    plan(at, input, wanted) {
      const { columns: into, rows } = input;
      const { kind } = output(input, wanted);
      const own = { out, into, rows, name: `${name}.`, deviation, bias, kind };
      const isLarge = kind === 'sums' && out >= LARGE_VOCABULARY;
      const shape = { ...own, shares: shares === '' ? undefined : shares, isLarge };
      return new PlannedLinear(at, shape, kind);
    },
  };
}

export class PlannedLinear implements Planned<undefined> {
  readonly needsInput = true;
  readonly history = [];
  private readonly columns: Columns;
  private readonly noise: Scratch;
  private readonly dy: Gradient = { at: 0, exponent: 0 };

  constructor(
    at: Planner,
    shape: ConstructorParameters<typeof Matrix>[1],
    private readonly kind: Kind,
    private readonly matrix: Matrix = matrixOf(at, shape),
  ) {
    this.noise = at.scratch('noise', shape.isLarge ? shape.out * 4 + 12 : 0);
    this.columns = new Columns(0, shape.out, kind === 'fine' ? PROBABILITY_MAX : OPERAND_MAX);
  }

  saved(): undefined {
    return undefined;
  }

  prepare(run: Run, x: Tensor, y: Tensor, what: Preparation): void {
    const { matrix, columns, kind } = this;
    matrix.prepare(run, x, what);
    if (kind === 'branch') matrix.formatBranch(run, columns);
    else if (kind === 'sums') y.fraction = matrix.sumsFraction;
    else {
      matrix.range(run, columns, x.range, y.range);
      y.fraction = kind === 'fine' ? GELU_INPUT_FRACTION : activationFraction(y.range);
      matrix.format(run, columns, y.fraction);
    }
  }

  forward(run: Run, x: Tensor, _: undefined, y: Tensor): void {
    const { matrix, kind } = this;
    y.rows = x.rows;
    if (kind === 'branch') matrix.branch(run, x, y.at);
    else if (kind === 'sums') matrix.multiply(run, x, y.at);
    else {
      matrix.multiply(run, x, matrix.sums.at);
      matrix.roundColumns(run, this.columns, y.at, x.rows);
    }
  }

  backward(run: Run, dy: Gradient, x: Tensor, _: undefined, dx: Gradient | undefined): void {
    const { matrix } = this;
    const { out, isLarge } = matrix.shape;
    this.dy.at = matrix.operand.at;
    const { rows } = x;
    const { at } = this.noise;
    if (isLarge) {
      toDitheredOperand(run, dy, this.dy, { rows, columns: out }, at);
      const sum = rowSumMax(run.kernels, this.dy.at, rows, out, at);
      if (sum > OPERAND_L1_MAX) throw gradientTooLarge();
    } else toOperand(run, dy, this.dy, rows * out);
    matrix.backward(run, this.dy, x, dx);
  }
}
