// A matrix of weights whose products are of 8 bit operands (kernels/int8.ts): x and dy rounded by
// rows, W by its rows on the way forward and by its columns on the way back, x by its columns for
// dW. x and W go to the nearest, gradients by chance to one of the two numbers beside them, right
// on average: a bias of every small gradient would add up. The draws are a function of seed, step,
// sample, matrix and block, so what is computed of a sample depends on no other.
//
// Rows have powers of two for scales, with which rounding by chance is exactly right on average;
// columns whole factors, which use more of the 7 bits that are theirs.

import { PURPOSE } from '../core/random.ts';
import {
  INT8_COLUMN_MAX,
  INT8_OPERAND_MAX,
  type Int8Build,
  type Int8Kernels,
} from '../kernels/int8.ts';
import { int8PackedBytes, int8RowBytes } from '../kernels/int8-layout.ts';
import { attachInt8 } from '../kernels/int8-wasm.ts';
import type { Backend, Pointer } from '../kernels/kernels.ts';
import { OPERAND_L1_MAX, OPERAND_MAX } from '../memory/formats.ts';
import type { Planner, Scratch } from '../memory/planner.ts';
import type { Gradient, Tensor } from '../memory/tensor.ts';
import type { Run } from '../ops/run.ts';
import type { AddProduct, MatrixShape } from './columns.ts';
import type { Preparation } from './layer.ts';
import { Matrix } from './matrix.ts';

/** Purposes of the generator are below it; a matrix of a block has its own. */
const PURPOSES = 16;
/** Blocks of a stack, for the same. */
const BLOCKS = 1024;

/** Largest L1 norm of a column of b' for which 4096 * it fits int32: 524,287. */
export const INT8_L1_MAX = Math.floor((2 ** 31 - 1) / INT8_OPERAND_MAX);

/** By how much rounding to 8 bits can raise the L1 norm of k weights of at most `max`, each by at
 *  most 9/16 of its factor; and what 4096 allows less than 4095.
 *  @example
 *  console.log(int8Room(128, 4095)); // 4809
 */
export const int8Room = (k: number, max: number): number =>
  Math.ceil((k * 9 * Math.ceil(Math.min(max, OPERAND_MAX) / INT8_COLUMN_MAX)) / 16) +
  OPERAND_L1_MAX -
  INT8_L1_MAX;

/** Of each back end, those of each build. */
const attached = {
  relaxed: new WeakMap<Backend, Int8Kernels>(),
  pairs: new WeakMap<Backend, Int8Kernels>(),
  baseline: new WeakMap<Backend, Int8Kernels>(),
};

/** The back end's own, or those of a build, made once. */
function int8Kernels({ backend }: Run, build: Int8Build): Int8Kernels {
  const known = attached[build];
  const found = known.get(backend) ?? backend.int8?.(build) ?? attachInt8(backend, build);
  known.set(backend, found);
  return found;
}

/** Bytes of noise of a row. */
const filled = (k: number): number => Math.ceil(k / 32) * 32;

/** A matrix of weights, multiplied with 8 bit operands. */
export class Int8Matrix extends Matrix {
  /** Packed rows of x, dy or dy^T. */
  readonly left: Scratch;
  /** A byte for each element of dy, rows filled up to 32. */
  readonly noise: Scratch;
  /** 32 columns of dy, in the place of what other matrices transpose. */
  readonly line: Scratch;

  constructor(
    at: Planner,
    shape: MatrixShape,
    readonly build: Int8Build,
  ) {
    super(at, { ...shape, bytes: (k, n) => int8PackedBytes(build, k, n) });
    const { out, into, rows } = shape;
    const bytes = (count: number, k: number): number => count * int8RowBytes(build, k);
    const { forward } = at.layout;
    const back = forward ? 0 : Math.max(bytes(rows, out), bytes(out, rows));
    this.left = at.scratch('int8 rows', Math.max(bytes(rows, into), back));
    this.line = at.scratch('transposed', forward ? 0 : rows * 64);
    this.noise = at.scratch('int8 noise', forward ? 0 : rows * filled(out));
    this.room = (_, max) => int8Room(Math.max(out, into), max);
  }

  override prepare(run: Run, x: Tensor, what: Preparation): void {
    const { out, into } = this.shape;
    const { at } = this.copy;
    const kernels = int8Kernels(run, this.build);
    super.prepare(run, x, { copy: what.copy, forward: false, backward: false });
    if (what.forward) kernels.pack_nt_i8(at, into, into, out, this.forwardPanels);
    if (what.backward) kernels.pack_nn_i8(at, into, out, into, this.backwardPanels);
  }

  override multiply(run: Run, x: Tensor, to: Pointer): void {
    const { out, into } = this.shape;
    const { at } = this.left;
    const kernels = int8Kernels(run, this.build);
    kernels.pack_rows_i8(x.at, into, x.rows, into, at, 0);
    kernels.gemm_i8i8i32(at, this.forwardPanels, to, out, x.rows, out, into);
  }

  override backward(run: Run, dy: Gradient, x: Tensor, dx: Gradient | undefined): void {
    this.draw(run, x.rows);
    super.backward(run, dy, x, dx);
  }

  /** Fresh noise: the rows of dy use it, and its columns, whose products meet nowhere. */
  draw(run: Run, rows: number): void {
    const { out } = this.shape;
    const { pass, sample, block } = run;
    const words = (rows * filled(out)) / 4;
    const place = this.weight[0].lock * BLOCKS + block;
    const purpose = PURPOSE.operands + PURPOSES * place;
    const high = Math.floor(pass.seed / 2 ** 32);
    const { at } = this.noise;
    run.kernels.random_u32(at, 4, sample, pass.step, purpose, pass.seed, high);
    int8Kernels(run, this.build).spread_u32(at, words);
  }

  /** @internal */
  protected override backwardInput(run: Run, dy: Gradient, rows: number, dx: Gradient): void {
    const { out, into } = this.shape;
    const { at } = this.left;
    const kernels = int8Kernels(run, this.build);
    kernels.pack_rows_i8(dy.at, out, rows, out, at, this.noise.at);
    kernels.gemm_i8i8i32(at, this.backwardPanels, dx.at, into, rows, into, out);
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
    const { rows } = x;
    const [a, b] = [this.left.at, this.panels.at];
    const kernels = int8Kernels(run, this.build);
    kernels.pack_columns_i8(dy, out, rows, out, a, this.noise.at, this.line.at);
    kernels.pack_nn_i8(x.at, into, rows, into, b);
    return (shift) => kernels.gemm_i8i8i64(a, b, gradient, into, out, into, rows, shift);
  }
}
