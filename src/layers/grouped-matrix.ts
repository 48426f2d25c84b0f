// A matrix of weights in groups: group g of the outputs sees group g of the inputs alone. W [out,
// in / groups], x [rows, in], group after group. Operands are int16.

import { type Pointer, packedBytes, panelStride } from '../kernels/kernels.ts';
import {
  MASTER_FRACTION,
  OPERAND_L1_MAX,
  OPERAND_MAX,
  OPERAND_PRODUCTS,
} from '../memory/formats.ts';
import type { Planner, Scratch } from '../memory/planner.ts';
import type { Gradient, Tensor } from '../memory/tensor.ts';
import type { Run } from '../ops/run.ts';
import type { AddProduct, MatrixShape } from './columns.ts';
import type { Preparation } from './layer.ts';
import { Matrix } from './matrix.ts';
import { weightFraction } from './weight-fraction.ts';

/** Products of each group alone. `shape.into`: the inputs of a group. */
export class GroupedMatrix extends Matrix {
  /** Packed weights of one group after the other. */
  readonly forwards: Pointer;
  readonly backwards: Pointer;
  /** Packed columns of x of one group after the other. */
  readonly inputs: Scratch;

  constructor(
    at: Planner,
    shape: MatrixShape,
    readonly groups: number,
  ) {
    super(at, { ...shape, bytes: () => 0 });
    const { into, rows } = shape;
    const { forward } = at.layout;
    this.forwards = at.own(groups * packedBytes(into, this.outputs));
    this.backwards = at.own(forward ? 0 : groups * packedBytes(this.outputs, into));
    const trained = this.weight.some(({ frozen }) => !frozen) ? groups : 0;
    this.inputs = at.scratch('panels', trained * packedBytes(rows, into));
  }

  /** Outputs of a group. */
  get outputs(): number {
    return this.shape.out / this.groups;
  }

  override prepare(run: Run, x: Tensor, what: Preparation): void {
    const { into } = this.shape;
    const { groups, outputs } = this;
    super.prepare(run, x, { copy: what.copy, forward: false, backward: false });
    const { pack_nt_i16: packTransposed, pack_nn_i16: pack } = run.kernels;
    for (let g = 0; g < groups; g++) {
      const at = this.copy.at + g * outputs * into * 2;
      const [to, back] = [g * packedBytes(into, outputs), g * packedBytes(outputs, into)];
      if (what.forward) packTransposed(at, into, into, outputs, this.forwards + to);
      if (what.backward) pack(at, into, outputs, into, this.backwards + back);
    }
  }

  /** As Matrix does, with the sums of a group's rows and columns. @internal */
  protected override round(run: Run): void {
    const { into } = this.shape;
    const { groups, outputs, columnSums, copy } = this;
    const { kernels } = run;
    const { master } = this.weight[run.block % this.weight.length];
    const n = groups * outputs * into;
    weightFraction(this.shape, kernels.max_abs_i32(master, n, 1, n), (shift) => {
      kernels.quantize_i32i16(master, copy.at, n, shift, OPERAND_MAX);
      this.fraction = MASTER_FRACTION - shift;
      for (let g = 0; g < groups; g++) {
        const at = copy.at + g * outputs * into * 2;
        if (kernels.l1_max_i16(at, outputs, into, columnSums) > OPERAND_L1_MAX) return false;
      }
      return true;
    });
  }

  override multiply(run: Run, x: Tensor, to: Pointer): void {
    const { out, into } = this.shape;
    const { groups, outputs } = this;
    const stride = panelStride(into);
    const bytes = packedBytes(into, outputs);
    const gemm = run.kernels.gemm_i16i16i32;
    for (let g = 0; g < groups; g++) {
      const [a, c] = [x.at + g * into * 2, to + g * outputs * 4];
      const panels = this.forwards + g * bytes;
      gemm(a, groups * into, panels, stride, c, out, x.rows, outputs, into);
    }
  }

  /** @internal */
  protected override backwardInput(run: Run, dy: Gradient, rows: number, dx: Gradient): void {
    const { out, into } = this.shape;
    const { groups, outputs } = this;
    const stride = panelStride(outputs);
    const bytes = packedBytes(outputs, into);
    const gemm = run.kernels.gemm_i16i16i32;
    for (let g = 0; g < groups; g++) {
      const [a, c] = [dy.at + g * outputs * 2, dx.at + g * into * 4];
      const panels = this.backwards + g * bytes;
      gemm(a, out, panels, stride, c, groups * into, rows, into, outputs);
    }
    dx.exponent = dy.exponent - this.fraction;
  }

  /** @internal */
  protected override gradientProduct(
    run: Run,
    dy: Pointer,
    x: Tensor,
    gradient: Pointer,
  ): AddProduct {
    const { out, into } = this.shape;
    const { groups, outputs, inputs } = this;
    const { kernels } = run;
    const { rows } = x;
    const [a, b] = [this.transposed.at, inputs.at];
    const [stride, bytes] = [panelStride(rows), packedBytes(rows, into)];
    kernels.transpose_i16(dy, out, rows, out, a, rows);
    for (let g = 0; g < groups; g++)
      kernels.pack_nn_i16(x.at + g * into * 2, groups * into, rows, into, b + g * bytes);
    const add = kernels.gemm_i16i16i64;
    return (shift) => {
      for (let g = 0; g < groups; g++) {
        const from = a + g * outputs * rows * 2;
        const to = gradient + g * outputs * into * 8;
        const panels = b + g * bytes;
        add(from, rows, panels, stride, to, into, outputs, into, rows, OPERAND_PRODUCTS, shift);
      }
    };
  }
}
