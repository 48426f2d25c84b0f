// Low-rank adapters (Hu et al., "LoRA", ICLR 2022) in integers: y = x (W + B A)^T with W frozen. A
// [r, in] is drawn by the generator and never trained, as in LoRA-FA (Zhang et al. 2023): its
// entries are +-2^-k, so that it is never stored and its product has no multiplication that could
// round. B [out, r] begins as zeros and is a parameter as any other.
//
//   u = x A^T        exact, then an operand of 13 bits whose format depends on the weights alone
//   y's sums += u B^T        exact, rounded half up to their format, before they are rounded
//   dB += dy^T u             exact, int64
//   dx += (dy B) A
//
// Where B is 0 nothing is added, so a model begins bit for bit as the one whose weights it has. The
// added sums are a function of state and weights, as all of a block is: what rebuilds states finds
// them again.

import { fields, list, text, whole } from '../core/check.ts';
import { sha256 } from '../core/digest.ts';
import { UsageError } from '../core/errors.ts';
import { PURPOSE, philox4x32 } from '../core/random.ts';
import { type Pointer, packedBytes, panelStride } from '../kernels/kernels.ts';
import { OPERAND_L1_MAX, OPERAND_MAX, OPERAND_PRODUCTS } from '../memory/formats.ts';
import type { Parameter } from '../memory/parameter.ts';
import type { Planner, Scratch } from '../memory/planner.ts';
import { type Gradient, type Range, Tensor } from '../memory/tensor.ts';
import { toOperand } from '../ops/gradient.ts';
import { activationFraction } from '../ops/range.ts';
import type { Run } from '../ops/run.ts';
import { Columns, type MatrixShape } from './columns.ts';
import type { Preparation } from './layer.ts';
import { Matrix } from './matrix.ts';
import { canStream, StreamedMatrix } from './streamed.ts';

/** Largest rank: 128 products of two operands of 13 bits fit int32, in u B^T and in (dy B) A. */
export const LORA_RANK_MAX = OPERAND_PRODUCTS;
/** Most columns of a matrix with an adapter: so many operands, each with a sign, fit int32. */
export const LORA_COLUMNS_MAX = OPERAND_L1_MAX;

/** What of the L1 norm of a row of W, 524,416 at most, its adapter may need, in the same units:
 *  with 4095 times both below 2^31, the sums with the adapter's stay exact. |b|_1 <= sqrt(r) |b|_2;
 *  `norm` is the largest |b|_2 of a row of B's copy, rounded down; `shift` bits are cut from u B^T.
 *  One more is for what that rounds.
 *  @example
 *  console.log(loraRoom(4, 1000, 3)); // 252
 */
export const loraRoom = (rank: number, norm: number, shift: number): number =>
  norm === 0 ? 0 : Math.ceil((Math.sqrt(rank) * (norm + 1)) / 2 ** shift) + 1;

/** The binary digits of A's entries: +-2^-k with 2^-k at most 1 / sqrt(in), so that u is about as
 *  large as x. */
export function loraShift(into: number): number {
  let k = 1;
  while (4 ** k < into) k++;
  return k;
}

/** Of a low-rank adapter. */
export interface LoraOptions {
  /** r, 1..128. */
  rank: number;
  /** The matrices that get one, by the last part of their names before `.weight`: qkv, projection,
   *  up, down of a transformer. */
  on: readonly string[];
  /** Seed of A: 0 .. 2^53 - 1 (1). */
  seed?: number | undefined;
}

/** The options, all of them. */
export type FullLora = {
  readonly rank: number;
  readonly on: readonly string[];
  readonly seed: number;
};

const SUFFIX = '.lora.weight';

/** The name of the matrix that a tensor is the adapter of; undefined if it is none.
 *  @example
 *  console.log(loraOf('block.0.qkv.lora.weight'), loraOf('block.0.qkv.weight'));
 *  // block.0.qkv.weight undefined
 */
export const loraOf = (path: string): string | undefined =>
  text('path', path).endsWith(SUFFIX) ? `${path.slice(0, -SUFFIX.length)}.weight` : undefined;

/** Signs of A [rank, into] of the adapter at `path`, as int16 1 and -1: bit i of the words that the
 *  generator has for seed, path and i. The path counts by the first 64 bits of its SHA-256. 0 in
 *  columns that are `idle`. */
export function loraSigns(
  path: string,
  into: number,
  { rank, seed }: FullLora,
  idle: readonly number[] = [],
): Int16Array {
  const signs = new Int16Array(rank * into);
  const digest = new DataView(sha256([new TextEncoder().encode(path)]).buffer);
  const [high, low] = [digest.getUint32(0), digest.getUint32(4)];
  const upper = Math.floor(seed / 2 ** 32);
  for (let i = 0; i < signs.length; i += 128)
    philox4x32(i / 128, low, high, PURPOSE.adapter, seed, upper).forEach((word, w) => {
      const from = i + 32 * w;
      const to = Math.min(signs.length, from + 32);
      for (let j = from; j < to; j++) signs[j] = 1 - 2 * ((word >>> (j - from)) & 1);
    });
  for (const column of idle) for (let r = 0; r < rank; r++) signs[r * into + column] = 0;
  return signs;
}

/** A low-rank adapter of rank r on some of a model's matrices: y = x (W + B A)^T. In the
 *  configuration of a model (`adapter`); then everything but B is frozen, unless `freeze` says
 *  otherwise. Throws UsageError for a rank out of range, and where a model is planned for a name
 *  that none of its matrices has.
 *  @example
 *  const shape = { vocabulary: 4, layers: 2, channels: 8, heads: 2, context: 4 };
 *  const adapter = lora({ rank: 2, on: ['qkv', 'down'] });
 *  const trainer = Trainer.create({ model: gpt({ ...shape, adapter }), batch: 1, steps: 10 });
 *  const { parameters, plan: { bytes } } = trainer;
 *  console.log(parameters, bytes.gradients / 8); // 1768 128
 */
export function lora(given: LoraOptions) {
  const options = fields('options', given, { rank: undefined, on: undefined, seed: 1 });
  const rank = whole('rank', options.rank, 1, LORA_RANK_MAX);
  const on = list('on', options.on, text, 1);
  const seed = whole('seed', options.seed, 0, Number.MAX_SAFE_INTEGER);
  const full: FullLora = { rank, on, seed };
  const fits = (path: string): boolean => loraOf(path) === undefined;
  return {
    name: 'lora',
    options: full,
    fits,
    matrix: (at: Planner, shape: MatrixShape): Matrix | undefined =>
      on.includes(shape.name.slice(0, -1))
        ? new AdaptedMatrix(at, shape, full)
        : streamed(at, shape),
    check(parameters: readonly { readonly path: string }[]): void {
      const paths = parameters.map(({ path }) => path);
      const names = paths.map((path) => path.split('.').at(-2) ?? '');
      const missing = on.find((name) => !paths.some((path) => path.endsWith(`${name}${SUFFIX}`)));
      if (missing !== undefined)
        throw new UsageError(
          `the adapter is on ${JSON.stringify(missing)}, which none of the model's matrices is`,
          `they are ${[...new Set(names)].join(', ')}`,
        );
    },
  };
}

/** A large frozen head that shares its weights, in the memory of some rows of it. */
function streamed(at: Planner, shape: MatrixShape): Matrix | undefined {
  const group = shape.shares === undefined ? [] : at.find(shape.shares);
  if (!canStream(shape, group)) return undefined;
  return new StreamedMatrix(at, shape, group[0]) as unknown as Matrix;
}

/** A matrix with an adapter. */
class AdaptedMatrix extends Matrix {
  readonly part: LowRank;
  readonly extra: Range = { deviation: 0, offset: 0 };

  constructor(at: Planner, shape: MatrixShape, options: FullLora) {
    super(at, shape);
    this.part = new LowRank(at, shape, options);
    this.room = (run) => this.part.room(run, this.sumsFraction);
  }

  override prepare(run: Run, x: Tensor, what: Preparation): void {
    this.part.prepare(run, x, what);
    super.prepare(run, x, what);
  }

  override range(run: Run, columns: Columns, x: Range, y: Range): void {
    super.range(run, columns, x, y);
    y.deviation += this.part.deviation(run, columns, x);
  }

  override multiply(run: Run, x: Tensor, to: Pointer): void {
    super.multiply(run, x, to);
    this.part.add(run, x, to, this.sumsFraction);
  }

  override backward(run: Run, dy: Gradient, x: Tensor, dx: Gradient | undefined): void {
    super.backward(run, dy, x, dx);
    this.part.backward(run, dy, x, dx);
  }
}

/** B and A of one matrix at work. */
class LowRank {
  private readonly b: Matrix;
  private readonly group: readonly Parameter[];
  private readonly u: Tensor;
  private readonly whole: Columns;
  private readonly shift: number;
  private readonly into: number;
  private readonly idle: MatrixShape['idle'];
  /** int16 [r, in]: A's signs; as panels for u and for dx. */
  private readonly signs: Pointer;
  private readonly forwardPanels: Pointer;
  private readonly backwardPanels: Pointer;
  /** int32 [rows, r]; int32 [rows, max(out, in)]. */
  private readonly narrow: Scratch;
  private readonly wide: Scratch;
  private readonly dU: Gradient = { at: 0, exponent: 0 };
  private readonly v: Gradient = { at: 0, exponent: 0 };
  private readonly dX: Gradient = { at: 0, exponent: 0 };
  private readonly found: Range = { deviation: 0, offset: 0 };

  constructor(
    at: Planner,
    { out, into, rows, name, idle }: MatrixShape,
    private readonly options: FullLora,
  ) {
    const { rank } = options;
    whole('columns of a matrix with an adapter', into, 1, LORA_COLUMNS_MAX);
    const shape = [out, rank];
    const spec = { name: `${name}lora.weight`, shape, init: { value: 0 }, decays: true };
    this.group = at.parameter(spec);
    const ofB = { out, into: rank, rows, name: `${name}lora.`, deviation: 0, bias: false };
    this.b = new Matrix(at, { ...ofB, shares: this.group[0].path });
    this.u = new Tensor({ kind: 'operand', rows, columns: rank });
    this.u.at = at.own(rows * rank * 2);
    this.v.at = at.own(rows * rank * 2);
    this.whole = new Columns(0, out, OPERAND_MAX);
    this.shift = loraShift(into);
    this.into = into;
    this.idle = idle;
    this.signs = at.own(rank * into * 2);
    this.forwardPanels = at.own(packedBytes(into, rank));
    this.backwardPanels = at.own(packedBytes(rank, into));
    this.narrow = at.scratch('adapter narrow', rows * rank * 4);
    this.wide = at.scratch('adapter wide', rows * Math.max(out, into) * 4);
  }

  /** A and B of block run.block for such inputs. u has a bit less than x and A's entries together:
   *  one to round by. */
  prepare(run: Run, x: Tensor, what: Preparation): void {
    const { u, into, options, group } = this;
    const { rank } = options;
    if (what.copy) {
      const { path } = group[run.block % group.length];
      const signs = loraSigns(path, into, options, this.idle?.[run.block]);
      run.int16.set(signs, this.signs / 2);
      run.kernels.pack_nt_i16(this.signs, into, into, rank, this.forwardPanels);
      run.kernels.pack_nn_i16(this.signs, into, rank, into, this.backwardPanels);
    }
    u.range.deviation = this.normOfA * x.range.deviation;
    u.fraction = Math.min(activationFraction(u.range), x.fraction + this.shift - 1);
    this.b.prepare(run, u, what);
  }

  /** Of a row of A. */
  private get normOfA(): number {
    return Math.sqrt(this.into) / 2 ** this.shift;
  }

  /** The deviation of what is added to some columns of y. */
  deviation(run: Run, columns: Columns, x: Range): number {
    const deviation = this.normOfA * x.deviation;
    this.b.range(run, columns, { deviation, offset: 0 }, this.found);
    return this.found.deviation;
  }

  /** Matrix.room. */
  room(run: Run, sumsFraction: number): number {
    const { b, u, found, options } = this;
    b.range(run, this.whole, { deviation: 1, offset: 0 }, found);
    const norm = found.deviation * 2 ** (b.sumsFraction - u.fraction);
    return loraRoom(options.rank, norm, b.sumsFraction - sumsFraction);
  }

  /** u of x's rows. */
  private project(run: Run, x: Tensor): void {
    const { u, into, narrow, shift } = this;
    const { kernels } = run;
    const { rank } = this.options;
    const { rows } = x;
    const panels = this.forwardPanels;
    const stride = panelStride(into);
    u.rows = rows;
    kernels.gemm_i16i16i32(x.at, into, panels, stride, narrow.at, rank, rows, rank, into);
    const cut = x.fraction + shift - u.fraction;
    const n = rows * rank;
    const clamped = kernels.requantize_i32i16(narrow.at, n, u.at, n, 1, n, cut, OPERAND_MAX, 0);
    run.counts.saturated += clamped;
  }

  /** sums += u B^T in the format of the sums. */
  add(run: Run, x: Tensor, sums: Pointer, sumsFraction: number): void {
    const { b, u, wide } = this;
    this.project(run, x);
    b.multiply(run, u, wide.at);
    const shift = b.sumsFraction - sumsFraction;
    const n = x.rows * b.shape.out;
    run.kernels.combine_i32(sums, 1, 0, wide.at, 1, shift, 0, 0, sums, n);
  }

  /** Adds to B's gradient, and to dx. dy: int16. */
  backward(run: Run, dy: Gradient, x: Tensor, dx: Gradient | undefined): void {
    const { b, u, dU, v, dX, into } = this;
    const { rank } = this.options;
    const { rows } = x;
    this.project(run, x);
    dU.at = this.narrow.at;
    dX.at = this.wide.at;
    b.backward(run, dy, u, dx && dU);
    if (dx === undefined) return;
    toOperand(run, dU, v, rows * rank);
    const panels = this.backwardPanels;
    const stride = panelStride(rank);
    run.kernels.gemm_i16i16i32(v.at, rank, panels, stride, dX.at, into, rows, into, rank);
    dX.exponent = v.exponent - this.shift;
    run.sum
      .of(rows * into)
      .add(dx)
      .add(dX)
      .into(dx);
  }
}
