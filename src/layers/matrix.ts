// A weight matrix W [out, in] at work: y = x W^T + b, dx = dy W, dW += dy^T x, db += sum of dy.
// What layers that multiply are made of. x [rows, in] and dy [rows, out] are int16 operands; sums
// are int32 and exact, dW an exact int64 sum.
//
// The int16 working copy has 13 bits or as many as keep every sum of products inside int32: 4095 *
// (largest L1 norm of a row or column) < 2^31 is checked on the copy itself, so a product with any
// operand of at most 4095 is exact in both directions. (A static bound would allow only 20 - log2 K
// bits: 11 at K = 512, where the measured norm allows all 13.)

import { OverflowError } from '../core/errors.ts';
import { type Pointer, packedBytes, panelStride } from '../kernels/kernels.ts';
import {
  BRANCH_FRACTION,
  BRANCH_LIMIT,
  MASTER_FRACTION,
  MAX_FLUSH_SHIFT,
  OPERAND_L1_MAX,
  OPERAND_MAX,
  OPERAND_PRODUCTS,
  WEIGHT_GRADIENT_FRACTION,
} from '../memory/formats.ts';
import type { Parameter } from '../memory/parameter.ts';
import type { Planner, Scratch } from '../memory/planner.ts';
import type { Gradient, Range, Tensor } from '../memory/tensor.ts';
import { gradientTooLarge, shiftToFit } from '../ops/gradient.ts';
import { rowSumMax } from '../ops/large-vocabulary.ts';
import { largestMaster } from '../ops/range.ts';
import type { Run } from '../ops/run.ts';
import type { Columns, MatrixShape } from './columns.ts';
import type { Preparation } from './layer.ts';

/** Fewest fraction bits of a working copy: 4095 * 2^-8 = 16, the range of the master weights. */
export const MIN_WEIGHT_FRACTION = 8;
/** Most guard bits of a bias that is added before rounding to int16 (requantize_i32i16). */
const GUARD_BITS = 6;

/** A matrix of weights: y = W x + b, as layers use it, forward and backward.
 *  @example
 *  const run = new Run(createWasmBackend({ pages: 4 }));
 *  const layout = { rank: 0, threads: 1, sequences: 1, fraction: 9 };
 *  const at = Planner.create(new Arena(run.backend.base), layout);
 *  const shape = { out: 2, into: 3, rows: 1, name: '', deviation: 0, bias: false };
 *  const matrix = new Matrix(at, shape);
 *  const x = new Tensor({ kind: 'operand', rows: 1, columns: 3 });
 *  Object.assign(x, { at: at.own(6), rows: 1, fraction: 8 });
 *  const [y, [weight]] = [at.own(8), at.finish([])];
 *  run.view(weight.master, 6).set([1, 2, 3, 4, 5, 6].map((w) => w * 2 ** 24));
 *  run.int16.fill(256, x.at / 2, x.at / 2 + 3); // x is [1, 1, 1]
 *  matrix.prepare(run, x, { copy: true, forward: true, backward: true });
 *  matrix.multiply(run, x, y);
 *  console.log(Array.from(run.view(y, 2), (raw) => raw / 2 ** matrix.sumsFraction)); // [ 6, 15 ]
 */
export class Matrix {
  /** Kept by bundlers. @internal */
  static readonly name: string = 'Matrix';
  /** int32 [rows, max(out, into)]: `roundColumns` reads it. */
  readonly sums: Scratch;
  /** int16 [rows, out] for gradients that arrive as int32. */
  readonly operand: Scratch;
  private readonly weight: readonly Parameter[];
  private readonly bias: readonly Parameter[] | undefined;
  /** int16 [out, in]. Without a backward pass it is needed while a layer is prepared only. */
  private readonly copy: Scratch;
  private readonly forwardPanels: Pointer;
  private readonly backwardPanels: Pointer;
  private readonly columnSums: Pointer;
  private readonly biasCopy: Pointer;
  private readonly transposed: Scratch;
  private readonly panels: Scratch;
  private fraction!: number; // prepare sets both
  private inputFraction!: number;

  constructor(
    at: Planner,
    /** As given. */
    readonly shape: MatrixShape,
  ) {
    const { out, into, rows, name, deviation, bias, shares } = shape;
    this.weight =
      shares === undefined
        ? at.parameter({
            name: `${name}weight`,
            shape: [out, into],
            init: { deviation },
            decays: true,
          })
        : at.find(shares);
    for (const parameter of this.weight) parameter.rows += rows;
    const init = { value: 0 };
    if (bias) this.bias = at.parameter({ name: `${name}bias`, shape: [out], init, decays: false });
    const { forward } = at.layout;
    this.copy = forward ? at.scratch(name, out * into * 2) : { at: at.own(out * into * 2) };
    this.forwardPanels = at.own(packedBytes(into, out));
    this.backwardPanels = at.own(forward ? 0 : packedBytes(out, into));
    this.columnSums = at.own(into * 4);
    this.biasCopy = at.own(out * 4);
    this.sums = at.scratch('sums', rows * Math.max(out, into) * 4);
    this.operand = at.scratch('operand', rows * out * 2);
    const trained = this.weight.some(({ frozen }) => !frozen) ? rows : 0;
    this.transposed = at.scratch('transposed', trained * out * 2);
    this.panels = at.scratch('panels', packedBytes(trained, into));
  }

  /** Of the L1 norm of a row: what is added to the sums. @internal */
  room = (_run: Run): number => 0;

  /** Working copies of the weights of run.block, for inputs of x's format.
   *  @example
   *  const run = new Run(createWasmBackend({ pages: 4 }));
   *  const layout = { rank: 0, threads: 1, sequences: 1, fraction: 9 };
   *  const at = Planner.create(new Arena(run.backend.base), layout);
   *  const shape = { out: 2, into: 3, rows: 1, name: '', deviation: 0, bias: false };
   *  const matrix = new Matrix(at, shape);
   *  const x = new Tensor({ kind: 'operand', rows: 1, columns: 3 });
   *  Object.assign(x, { at: at.own(6), rows: 1, fraction: 8 });
   *  const [y, [weight]] = [at.own(8), at.finish([])];
   *  run.view(weight.master, 6).set([1, 2, 3, 4, 5, 6].map((w) => w * 2 ** 24));
   *  run.int16.fill(256, x.at / 2, x.at / 2 + 3); // x is [1, 1, 1]
   *  matrix.prepare(run, x, { copy: true, forward: true, backward: true });
   *  matrix.multiply(run, x, y);
   *  console.log(Array.from(run.view(y, 2), (raw) => raw / 2 ** matrix.sumsFraction)); // [ 6, 15 ]
   */
  prepare(run: Run, x: Tensor, { copy, forward, backward }: Preparation): void {
    const { out, into } = this.shape;
    this.inputFraction = x.fraction;
    if (copy) this.round(run);
    if (forward) run.kernels.pack_nt_i16(this.copy.at, into, into, out, this.forwardPanels);
    if (backward) run.kernels.pack_nn_i16(this.copy.at, into, out, into, this.backwardPanels);
  }

  private round(run: Run): void {
    const { out, into, isLarge } = this.shape;
    const { at } = this.copy;
    const { kernels } = run;
    const { master } = this.weight[run.block % this.weight.length];
    const n = out * into;
    const max = kernels.max_abs_i32(master, n, 1, n);
    for (let shift = max > OPERAND_MAX ? shiftToFit(max, OPERAND_MAX) : 0; ; shift++) {
      if (MASTER_FRACTION - shift < MIN_WEIGHT_FRACTION)
        throw new OverflowError(
          `a ${out} x ${into} weight matrix is too large for exact sums ` +
            `(largest |w| ${max / 2 ** MASTER_FRACTION})`,
          'lower the learning rate',
        );
      kernels.quantize_i32i16(master, at, n, shift, OPERAND_MAX);
      this.fraction = MASTER_FRACTION - shift;
      const sum = isLarge
        ? rowSumMax(kernels, at, out, into, this.columnSums)
        : kernels.l1_max_i16(at, out, into, this.columnSums);
      if (sum + this.room(run) <= OPERAND_L1_MAX) return;
    }
  }

  /** Writes the range of columns from .. to of y for inputs of range x.
   *  @example
   *  const run = new Run(createWasmBackend({ pages: 4 }));
   *  const layout = { rank: 0, threads: 1, sequences: 1, fraction: 9 };
   *  const at = Planner.create(new Arena(run.backend.base), layout);
   *  const shape = { out: 2, into: 3, rows: 1, name: '', deviation: 0, bias: false };
   *  const matrix = new Matrix(at, shape);
   *  const x = new Tensor({ kind: 'operand', rows: 1, columns: 3 });
   *  Object.assign(x, { at: at.own(6), rows: 1, fraction: 8 });
   *  const [y, [weight]] = [at.own(8), at.finish([])];
   *  run.view(weight.master, 6).set([1, 2, 3, 4, 5, 6].map((w) => w * 2 ** 24));
   *  run.int16.fill(256, x.at / 2, x.at / 2 + 3); // x is [1, 1, 1]
   *  matrix.prepare(run, x, { copy: true, forward: true, backward: true });
   *  const range = { deviation: 0, offset: 0 };
   *  matrix.range(run, new Columns(0, 2, 4095), { deviation: 1, offset: 0 }, range);
   *  console.log(range.deviation > 8.7, range.offset); // true 0
   */
  range(run: Run, { from, to }: Columns, x: Range, y: Range): void {
    const { into } = this.shape;
    const rows = this.copy.at + from * into * 2;
    const norm = run.kernels.row_norm_max_i16(rows, to - from, into) / 2 ** this.fraction;
    const bias = this.biasOf(run);
    y.deviation = norm * x.deviation;
    y.offset = largestMaster(run, bias === 0 ? 0 : bias + from * 4, to - from);
  }

  private biasOf(run: Run): Pointer {
    const { bias } = this;
    return bias === undefined ? 0 : bias[run.block % bias.length].master;
  }

  /** Sets the fraction bits of some columns of y, and makes their part of the bias ready.
   *  @example
   *  const run = new Run(createWasmBackend({ pages: 4 }));
   *  const layout = { rank: 0, threads: 1, sequences: 1, fraction: 9 };
   *  const at = Planner.create(new Arena(run.backend.base), layout);
   *  const shape = { out: 2, into: 3, rows: 1, name: '', deviation: 0, bias: false };
   *  const matrix = new Matrix(at, shape);
   *  const x = new Tensor({ kind: 'operand', rows: 1, columns: 3 });
   *  Object.assign(x, { at: at.own(6), rows: 1, fraction: 8 });
   *  const [y, [weight]] = [at.own(8), at.finish([])];
   *  run.view(weight.master, 6).set([1, 2, 3, 4, 5, 6].map((w) => w * 2 ** 24));
   *  run.int16.fill(256, x.at / 2, x.at / 2 + 3); // x is [1, 1, 1]
   *  matrix.prepare(run, x, { copy: true, forward: true, backward: true });
   *  const columns = new Columns(0, 2, 4095);
   *  matrix.format(run, columns, 7);
   *  matrix.multiply(run, x, matrix.sums.at);
   *  matrix.roundColumns(run, columns, y, 1);
   *  console.log(Array.from(run.int16.subarray(y / 2, y / 2 + 2), (raw) => raw / 2 ** 7));
   *  // [ 6, 15 ]
   */
  format(run: Run, columns: Columns, fraction: number): void {
    columns.fraction = fraction;
    columns.shift = this.inputFraction + this.fraction - fraction;
    this.prepareBias(run, columns, fraction + Math.min(GUARD_BITS, columns.shift));
  }

  /** Makes the bias ready for y as a branch.
   *  @example
   *  const run = new Run(createWasmBackend({ pages: 4 }));
   *  const layout = { rank: 0, threads: 1, sequences: 1, fraction: 9 };
   *  const at = Planner.create(new Arena(run.backend.base), layout);
   *  const shape = { out: 2, into: 3, rows: 1, name: '', deviation: 0, bias: false };
   *  const matrix = new Matrix(at, shape);
   *  const x = new Tensor({ kind: 'operand', rows: 1, columns: 3 });
   *  Object.assign(x, { at: at.own(6), rows: 1, fraction: 8 });
   *  const [y, [weight]] = [at.own(8), at.finish([])];
   *  run.view(weight.master, 6).set([1, 2, 3, 4, 5, 6].map((w) => w * 2 ** 24));
   *  run.int16.fill(256, x.at / 2, x.at / 2 + 3); // x is [1, 1, 1]
   *  matrix.prepare(run, x, { copy: true, forward: true, backward: true });
   *  matrix.formatBranch(run, new Columns(0, 2, 4095));
   *  matrix.branch(run, x, y);
   *  console.log(Array.from(run.view(y, 2), (raw) => raw / 2 ** 16)); // [ 6, 15 ]
   */
  formatBranch(run: Run, all: Columns): void {
    this.prepareBias(run, all, BRANCH_FRACTION);
  }

  private prepareBias(run: Run, { from, to }: Columns, fraction: number): void {
    const master = this.biasOf(run);
    if (master === 0) return;
    const shift = MASTER_FRACTION - fraction;
    const out = this.biasCopy + from * 4;
    run.kernels.combine_i32(master + from * 4, 1, shift, 0, 0, 0, 0, 0, out, to - from);
  }

  /** Raw int32 sums [rows, out] at `to`; fraction bits: sumsFraction.
   *  @example
   *  const run = new Run(createWasmBackend({ pages: 4 }));
   *  const layout = { rank: 0, threads: 1, sequences: 1, fraction: 9 };
   *  const at = Planner.create(new Arena(run.backend.base), layout);
   *  const shape = { out: 2, into: 3, rows: 1, name: '', deviation: 0, bias: false };
   *  const matrix = new Matrix(at, shape);
   *  const x = new Tensor({ kind: 'operand', rows: 1, columns: 3 });
   *  Object.assign(x, { at: at.own(6), rows: 1, fraction: 8 });
   *  const [y, [weight]] = [at.own(8), at.finish([])];
   *  run.view(weight.master, 6).set([1, 2, 3, 4, 5, 6].map((w) => w * 2 ** 24));
   *  run.int16.fill(256, x.at / 2, x.at / 2 + 3); // x is [1, 1, 1]
   *  matrix.prepare(run, x, { copy: true, forward: true, backward: true });
   *  matrix.multiply(run, x, y);
   *  console.log(Array.from(run.view(y, 2), (raw) => raw / 2 ** matrix.sumsFraction)); // [ 6, 15 ]
   */
  multiply(run: Run, x: Tensor, to: Pointer): void {
    const { out, into } = this.shape;
    const stride = panelStride(into);
    run.kernels.gemm_i16i16i32(x.at, into, this.forwardPanels, stride, to, out, x.rows, out, into);
  }

  /** Fraction bits of what `multiply` gives. */
  get sumsFraction(): number {
    return this.inputFraction + this.fraction;
  }

  /** Some columns of y [rows, out], int16, from the sums that `multiply` left in this.sums.
   *  @example
   *  const run = new Run(createWasmBackend({ pages: 4 }));
   *  const layout = { rank: 0, threads: 1, sequences: 1, fraction: 9 };
   *  const at = Planner.create(new Arena(run.backend.base), layout);
   *  const shape = { out: 2, into: 3, rows: 1, name: '', deviation: 0, bias: false };
   *  const matrix = new Matrix(at, shape);
   *  const x = new Tensor({ kind: 'operand', rows: 1, columns: 3 });
   *  Object.assign(x, { at: at.own(6), rows: 1, fraction: 8 });
   *  const [y, [weight]] = [at.own(8), at.finish([])];
   *  run.view(weight.master, 6).set([1, 2, 3, 4, 5, 6].map((w) => w * 2 ** 24));
   *  run.int16.fill(256, x.at / 2, x.at / 2 + 3); // x is [1, 1, 1]
   *  matrix.prepare(run, x, { copy: true, forward: true, backward: true });
   *  const columns = new Columns(0, 2, 4095);
   *  matrix.format(run, columns, 7);
   *  matrix.multiply(run, x, matrix.sums.at);
   *  matrix.roundColumns(run, columns, y, 1);
   *  console.log(Array.from(run.int16.subarray(y / 2, y / 2 + 2), (raw) => raw / 2 ** 7));
   *  // [ 6, 15 ]
   */
  roundColumns(run: Run, columns: Columns, y: Pointer, rows: number): void {
    const { out } = this.shape;
    const { from, to, shift, bound } = columns;
    const bias = this.bias === undefined ? 0 : this.biasCopy + from * 4;
    const sums = this.sums.at + from * 4;
    const at = y + from * 2;
    const n = to - from;
    const { kernels, counts } = run;
    counts.saturated += kernels.requantize_i32i16(sums, out, at, out, rows, n, shift, bound, bias);
  }

  /** y int32 with 16 fraction bits, clamped to +-1024.
   *  @example
   *  const run = new Run(createWasmBackend({ pages: 4 }));
   *  const layout = { rank: 0, threads: 1, sequences: 1, fraction: 9 };
   *  const at = Planner.create(new Arena(run.backend.base), layout);
   *  const shape = { out: 2, into: 3, rows: 1, name: '', deviation: 0, bias: false };
   *  const matrix = new Matrix(at, shape);
   *  const x = new Tensor({ kind: 'operand', rows: 1, columns: 3 });
   *  Object.assign(x, { at: at.own(6), rows: 1, fraction: 8 });
   *  const [y, [weight]] = [at.own(8), at.finish([])];
   *  run.view(weight.master, 6).set([1, 2, 3, 4, 5, 6].map((w) => w * 2 ** 24));
   *  run.int16.fill(256, x.at / 2, x.at / 2 + 3); // x is [1, 1, 1]
   *  matrix.prepare(run, x, { copy: true, forward: true, backward: true });
   *  matrix.formatBranch(run, new Columns(0, 2, 4095));
   *  matrix.branch(run, x, y);
   *  console.log(Array.from(run.view(y, 2), (raw) => raw / 2 ** 16)); // [ 6, 15 ]
   */
  branch(run: Run, x: Tensor, y: Pointer): void {
    const { out } = this.shape;
    const bias = this.bias === undefined ? 0 : this.biasCopy;
    this.multiply(run, x, y);
    run.counts.saturated += run.kernels.requantize_i32i32(
      y,
      out,
      y,
      out,
      x.rows,
      out,
      this.sumsFraction - BRANCH_FRACTION,
      BRANCH_LIMIT,
      bias,
    );
  }

  /** Adds to the gradients of weight and bias, and dx int32 [rows, in] unless it is absent. dy:
   *  int16. While another thread adds to the weight's gradient, this one does that second.
   *  @example
   *  const run = new Run(createWasmBackend({ pages: 4 }));
   *  const layout = { rank: 0, threads: 1, sequences: 1, fraction: 9 };
   *  const at = Planner.create(new Arena(run.backend.base), layout);
   *  const shape = { out: 2, into: 3, rows: 1, name: '', deviation: 0, bias: false };
   *  const matrix = new Matrix(at, shape);
   *  const x = new Tensor({ kind: 'operand', rows: 1, columns: 3 });
   *  Object.assign(x, { at: at.own(6), rows: 1, fraction: 8 });
   *  const [y, [weight]] = [at.own(8), at.finish([])];
   *  run.view(weight.master, 6).set([1, 2, 3, 4, 5, 6].map((w) => w * 2 ** 24));
   *  run.int16.fill(256, x.at / 2, x.at / 2 + 3); // x is [1, 1, 1]
   *  matrix.prepare(run, x, { copy: true, forward: true, backward: true });
   *  run.int16.fill(256, y / 2, y / 2 + 2); // dL/dy is [1, 1]
   *  matrix.backward(run, { at: y, exponent: -8 }, x, undefined);
   *  const gradient = run.int64.subarray(weight.gradient / 8, weight.gradient / 8 + 6);
   *  console.log(Array.from(gradient, (raw) => Number(raw) / 2 ** 28)); // [ 1, 1, 1, 1, 1, 1 ]
   */
  backward(run: Run, dy: Gradient, x: Tensor, dx: Gradient | undefined): void {
    const isSecond = dx !== undefined && run.team.isHeld(this.weight[0].lock);
    if (!isSecond) this.backwardWeight(run, dy, x);
    if (dx !== undefined) this.backwardInput(run, dy, x.rows, dx);
    if (isSecond) this.backwardWeight(run, dy, x);
  }

  private backwardInput(run: Run, dy: Gradient, rows: number, dx: Gradient): void {
    const { out, into } = this.shape;
    const { backwardPanels: w } = this;
    run.kernels.gemm_i16i16i32(dy.at, out, w, panelStride(out), dx.at, into, rows, into, out);
    dx.exponent = dy.exponent - this.fraction;
  }

  /** dW (and db) += the exact sums over this sequence's rows, on the static grid of 28 fraction
   *  bits, unless they are frozen. One thread at a time adds to a weight's gradient. */
  private backwardWeight(run: Run, dy: Gradient, x: Tensor): void {
    const { out, into } = this.shape;
    const { rows } = x;
    const { gradient, lock } = this.weight[run.block % this.weight.length];
    const bias = this.bias?.[run.block % this.bias.length];
    const transposed = this.transposed.at;
    const panels = this.panels.at;
    if (gradient !== 0) {
      run.kernels.transpose_i16(dy.at, out, rows, out, transposed, rows);
      run.kernels.pack_nn_i16(x.at, into, rows, into, panels);
    }
    const shift = dy.exponent - x.fraction + WEIGHT_GRADIENT_FRACTION;
    if (shift > MAX_FLUSH_SHIFT) throw gradientTooLarge(); // a wide x (layer-norm.ts)
    run.team.exclusive(lock, () => {
      if (gradient !== 0)
        run.kernels.gemm_i16i16i64(
          transposed,
          rows,
          panels,
          panelStride(rows),
          gradient,
          into,
          out,
          into,
          rows,
          OPERAND_PRODUCTS,
          shift,
        );
      if (bias === undefined || bias.gradient === 0) return;
      const biasShift = dy.exponent + WEIGHT_GRADIENT_FRACTION;
      run.kernels.sum_rows_i16i64(dy.at, out, rows, out, bias.gradient, biasShift);
    });
  }
}
