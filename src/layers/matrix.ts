// A weight matrix W [out, in] at work: y = x W^T + b, dx = dy W, dW += dy^T x, db += sum of dy.
// What layers that multiply are made of. x [rows, in] and dy [rows, out] are int16 operands; sums
// are int32 and exact, dW an exact int64 sum.
//
// The int16 working copy has 13 bits or as many as keep every sum of products inside int32: 4095 *
// (largest L1 norm of a row or column) < 2^31 is checked on the copy itself, so a product with any
// operand of at most 4095 is exact in both directions. (A static bound would allow 11 bits at K =
// 512, where the measured norm allows all 13.)

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
import { gradientTooLarge } from '../ops/gradient.ts';
import { rowSumMax } from '../ops/large-vocabulary.ts';
import { largestMaster } from '../ops/range.ts';
import type { Run } from '../ops/run.ts';
import type { AddProduct, Columns, MatrixShape } from './columns.ts';
import type { Preparation } from './layer.ts';
import { weightFraction } from './weight-fraction.ts';

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
  /** @internal */
  protected readonly weight: readonly Parameter[];
  /** @internal */
  protected readonly bias: readonly Parameter[] | undefined;
  /** int16 [out, in]. Without a backward pass it is needed while a layer is prepared only.
   *  @internal */
  protected readonly copy: Scratch;
  /** @internal */
  protected readonly forwardPanels: Pointer;
  /** @internal */
  protected readonly backwardPanels: Pointer;
  /** @internal */
  protected readonly columnSums: Pointer;
  private readonly biasCopy: Pointer;
  /** @internal */
  protected readonly transposed: Scratch;
  /** @internal */
  protected readonly panels: Scratch;
  /** @internal */
  protected fraction!: number; // prepare sets both
  private inputFraction!: number;

  constructor(
    at: Planner,
    /** As given. */
    readonly shape: MatrixShape,
  ) {
    const { out, into, rows, name, deviation, bias, shares, bytes = packedBytes } = shape;
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
    this.forwardPanels = at.own(bytes(into, out));
    this.backwardPanels = at.own(forward ? 0 : bytes(out, into));
    this.columnSums = at.own(into * 4);
    this.biasCopy = at.own(out * 4);
    this.sums = at.scratch('sums', rows * Math.max(out, into) * 4);
    this.operand = at.scratch('operand', rows * out * 2);
    const trained = this.weight.some(({ frozen }) => !frozen) ? rows : 0;
    this.transposed = at.scratch('transposed', trained * out * 2);
    this.panels = at.scratch('panels', bytes(trained, into));
  }

  /** Of the L1 norm of a row: what is added to the sums. `max`: of |copy|. @internal */
  room = (_run: Run, _max: number): number => 0;

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
    this.inputFraction = x.fraction;
    const { out, into } = this.shape;
    const { kernels } = run;
    if (copy) this.round(run);
    const { at } = this.copy;
    if (forward) kernels.pack_nt_i16(at, into, into, out, this.forwardPanels);
    if (backward) kernels.pack_nn_i16(at, into, out, into, this.backwardPanels);
  }

  /** Makes the copy, of as many bits as keep its sums exact. @internal */
  protected round(run: Run): void {
    const { out, into, isLarge } = this.shape;
    const { at } = this.copy;
    const { kernels } = run;
    const { master } = this.weight[run.block % this.weight.length];
    const n = out * into;
    const max = kernels.max_abs_i32(master, n, 1, n);
    weightFraction(this.shape, max, (shift) => {
      kernels.quantize_i32i16(master, at, n, shift, OPERAND_MAX);
      this.fraction = MASTER_FRACTION - shift;
      const sum = isLarge
        ? rowSumMax(kernels, at, out, into, this.columnSums)
        : kernels.l1_max_i16(at, out, into, this.columnSums);
      return sum + this.room(run, max / 2 ** shift + 1) <= OPERAND_L1_MAX;
    });
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
    const shift = this.sumsFraction - BRANCH_FRACTION;
    const { kernels, counts } = run;
    const round = kernels.requantize_i32i32;
    counts.saturated += round(y, out, y, out, x.rows, out, shift, BRANCH_LIMIT, bias);
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

  /** @internal */
  protected backwardInput(run: Run, dy: Gradient, rows: number, dx: Gradient): void {
    const { out, into } = this.shape;
    const { backwardPanels: w } = this;
    run.kernels.gemm_i16i16i32(dy.at, out, w, panelStride(out), dx.at, into, rows, into, out);
    dx.exponent = dy.exponent - this.fraction;
  }

  /** dW (and db) += the exact sums over this sequence's rows, on the static grid of 28 fraction
   *  bits, unless they are frozen. One thread at a time adds to a weight's gradient. */
  private backwardWeight(run: Run, dy: Gradient, x: Tensor): void {
    const { out } = this.shape;
    const { gradient, lock } = this.weight[run.block % this.weight.length];
    const bias = this.bias?.[run.block % this.bias.length];
    const biasShift = dy.exponent + WEIGHT_GRADIENT_FRACTION;
    const shift = biasShift - x.fraction;
    if (shift > MAX_FLUSH_SHIFT) throw gradientTooLarge(); // a wide x (layer-norm.ts)
    const add = gradient === 0 ? undefined : this.gradientProduct(run, dy.at, x, gradient);
    run.team.exclusive(lock, () => {
      add?.(shift);
      if (bias !== undefined && bias.gradient !== 0)
        run.kernels.sum_rows_i16i64(dy.at, out, x.rows, out, bias.gradient, biasShift);
    });
  }

  /** Packs dy^T and x: what adds their product, shifted, to the gradient. @internal */
  protected gradientProduct(run: Run, dy: Pointer, x: Tensor, gradient: Pointer): AddProduct {
    const { out, into } = this.shape;
    const { kernels } = run;
    const { rows } = x;
    const [a, b] = [this.transposed.at, this.panels.at];
    const [stride, chunk] = [panelStride(rows), OPERAND_PRODUCTS];
    kernels.transpose_i16(dy, out, rows, out, a, rows);
    kernels.pack_nn_i16(x.at, into, rows, into, b);
    return (shift) =>
      kernels.gemm_i16i16i64(a, rows, b, stride, gradient, into, out, into, rows, chunk, shift);
  }
}
