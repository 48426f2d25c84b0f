// A large frozen matrix of weights that is never held as a working copy: every product makes the
// copy and the panels of some rows of W at a time, in memory for so many. A head of 50,257 tokens
// and 768 channels needs 9 MiB so, not 221 MiB, for about a fifth more time of its products. No bit
// is another one: the copy has the format of the whole, and sums of integers have no order.

import { type Pointer, packedBytes, panelStride } from '../kernels/kernels.ts';
import { MASTER_FRACTION, OPERAND_L1_MAX, OPERAND_MAX } from '../memory/formats.ts';
import type { Parameter } from '../memory/parameter.ts';
import type { Planner, Scratch } from '../memory/planner.ts';
import type { Gradient, Tensor } from '../memory/tensor.ts';
import { rowSumMax } from '../ops/large-vocabulary.ts';
import type { Run } from '../ops/run.ts';
import type { MatrixShape } from './columns.ts';
import type { Preparation } from './layer.ts';
import type { Matrix } from './matrix.ts';
import { weightFraction } from './weight-fraction.ts';

/** Rows of W at a time; a multiple of 16, whole panels. */
const CHUNK = 2048;
/** Rows from which on it is worth it. */
const LARGE = 8192;

/** Whether a matrix is large and frozen, gives its sums as they are, and is none of a stack. */
export const canStream = (shape: MatrixShape, group: readonly Parameter[]): boolean =>
  shape.kind === 'sums' && shape.out >= LARGE && group.length === 1 && group[0].frozen;

/** What `linear` asks of a matrix that gives sums. */
export class StreamedMatrix
  implements
    Pick<Matrix, 'shape' | 'operand' | 'prepare' | 'multiply' | 'sumsFraction' | 'backward'>
{
  readonly operand: Scratch;
  sumsFraction = 0;
  private fraction = 0;
  private readonly copy: Pointer;
  private readonly panels: Pointer;
  private readonly columnSums: Pointer;
  private readonly part: Scratch;

  constructor(
    at: Planner,
    readonly shape: MatrixShape,
    private readonly weight: Parameter,
  ) {
    const { out, into, rows } = shape;
    this.operand = at.scratch('operand', rows * out * 2);
    this.part = at.scratch('streamed part', rows * into * 4);
    this.copy = at.own(CHUNK * into * 2);
    this.panels = at.own(Math.max(packedBytes(into, CHUNK), packedBytes(CHUNK, into)));
    this.columnSums = at.own(into * 4);
  }

  prepare(run: Run, x: Tensor, { copy }: Preparation): void {
    if (copy) this.fraction = this.fit(run);
    this.sumsFraction = x.fraction + this.fraction;
  }

  /** Calls `work` for the rows first .. first + count of W, whose copy is made. */
  private each(run: Run, shift: number, work: (first: number, count: number) => void): void {
    const { out, into } = this.shape;
    for (let first = 0; first < out; first += CHUNK) {
      const count = Math.min(CHUNK, out - first);
      const from = this.weight.master + first * into * 4;
      run.kernels.quantize_i32i16(from, this.copy, count * into, shift, OPERAND_MAX);
      work(first, count);
    }
  }

  /** The fraction bits of the copy: those that Matrix finds. */
  private fit(run: Run): number {
    const { out, into } = this.shape;
    const max = run.kernels.max_abs_i32(this.weight.master, out * into, 1, out * into);
    return weightFraction(this.shape, max, (shift) => this.norm(run, shift) <= OPERAND_L1_MAX);
  }

  /** The largest row sum of the copy, as Matrix measures it of a large head. */
  private norm(run: Run, shift: number): number {
    const { into } = this.shape;
    let largest = 0;
    this.each(run, shift, (_, count) => {
      const found = rowSumMax(run.kernels, this.copy, count, into, this.columnSums);
      largest = Math.max(largest, found);
    });
    return largest;
  }

  multiply(run: Run, x: Tensor, to: Pointer): void {
    const { out, into } = this.shape;
    const { kernels } = run;
    const { copy, panels } = this;
    const stride = panelStride(into);
    this.each(run, MASTER_FRACTION - this.fraction, (first, count) => {
      kernels.pack_nt_i16(copy, into, into, count, panels);
      const at = to + first * 4;
      kernels.gemm_i16i16i32(x.at, into, panels, stride, at, out, x.rows, count, into);
    });
  }

  backward(run: Run, dy: Gradient, x: Tensor, dx: Gradient | undefined): void {
    if (dx === undefined) return;
    const { out, into } = this.shape;
    const { kernels } = run;
    const { copy, panels, part } = this;
    const n = x.rows * into;
    this.each(run, MASTER_FRACTION - this.fraction, (first, count) => {
      const stride = panelStride(count);
      const to = first === 0 ? dx.at : part.at;
      kernels.pack_nn_i16(copy, into, count, into, panels);
      const from = dy.at + first * 2;
      kernels.gemm_i16i16i32(from, out, panels, stride, to, into, x.rows, into, count);
      if (first > 0) kernels.combine_i32(dx.at, 1, 0, part.at, 1, 0, 0, 0, dx.at, n);
    });
    dx.exponent = dy.exponent - this.fraction;
  }
}
