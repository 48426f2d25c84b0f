// The few neurons of an MLP whose values leave every 13-bit format, with products of their own:
// y = W2 (2^j GELU(2^i (W1 x + b))), where i and j are whole numbers of each neuron, so that rows
// of W1 and columns of W2 are of one size. (Dettmers et al., "LLM.int8()", 2022, split matrices of
// trained transformers so; massive activations: Sun et al., arXiv 2402.17762.)
//
// Inside, u = W1 x + b is int32 with 16 fraction bits within +-1024. GELU(u) = max(u, 0) -
// g(|u|), g from the kernel with 11 fraction bits. The activation p, 16 fraction bits within
// +-128, goes into W2 as two operands, p = 2^-5 high + 2^-16 low with |high| <= 4095 and low in
// -1024 .. 1023, so no bit of it is lost.

import { list, whole } from '../core/check.ts';
import { OverflowError } from '../core/errors.ts';
import type { Pointer } from '../kernels/kernels.ts';
import type { Arena } from '../memory/arena.ts';
import {
  BRANCH_LIMIT,
  MAX_FLUSH_SHIFT,
  MIN_FLUSH_SHIFT,
  OPERAND_MAX,
  WEIGHT_GRADIENT_FRACTION,
} from '../memory/formats.ts';
import type { Planner } from '../memory/planner.ts';
import { type Gradient, Tensor, type Type } from '../memory/tensor.ts';
import { toOperand } from '../ops/gradient.ts';
import type { Run } from '../ops/run.ts';
import { refuse } from './check.ts';
import { Columns } from './columns.ts';
import type { Layer, Planned, Preparation } from './layer.ts';
import { Matrix } from './matrix.ts';

/** Fraction bits of u and of the activation, of its high operand, and of what GELU's kernel reads.
 */
const FINE = 16;
const HIGH = 5;
const LOW_BITS = FINE - HIGH;
const GELU_BITS = 11;
/** Largest |u| that GELU's kernel reads: beyond, its slope is 0 or 1. */
const GELU_MAX = 32767;
/** Largest |p|. */
const ACTIVATION_MAX = OPERAND_MAX * 2 ** LOW_BITS + 2 ** (LOW_BITS - 1) - 1;
/** Largest exponent of the gradient that comes in: with the 5 fraction bits of the high operand it
 *  is what a flush into a weight's gradient can shift (formats.ts). */
export const MOST_EXPONENT = MAX_FLUSH_SHIFT - WEIGHT_GRADIENT_FRACTION + HIGH;
/** Smallest one with which a flush of the low operand's can shift; below, it adds nothing that is
 *  kept. */
const LEAST_EXPONENT = MIN_FLUSH_SHIFT - WEIGHT_GRADIENT_FRACTION + FINE;
/** Only the format of the input changes. */
const NOTHING: Preparation = { copy: false, forward: false, backward: false };

/** Of one neuron: i of its row of W1, j of its column of W2. */
export type NeuronScale = readonly [row: number, column: number];

/** What a layer of outlier neurons is made of. */
export interface OutlierOptions {
  /** Number of neurons, 1..1024. */
  readonly count: number;
  /** Whether W1 has biases. */
  readonly bias: boolean;
  /** Of each block of a stack, the scales of its neurons; those that are not there are 2^0. */
  readonly scales: readonly (readonly NeuronScale[])[];
}

/** An MLP of a few neurons with wide formats: operand to branch of the same shape. Its parameters
 *  are outlier.up.weight [n, C] (and bias) and outlier.down.weight [C, n], 0 at first.
 *  @example
 *  const layer = outliers({ count: 2, bias: false, scales: [[[0, 0], [3, -2]]] });
 *  console.log(layer.output({ kind: 'operand', rows: 2, columns: 8 }, 'branch').kind); // branch
 */
export function outliers({ count, bias, scales }: OutlierOptions): Layer {
  whole('outlier neurons', count, 1, 1024);
  const checked = list('scales', scales, (block, neurons) =>
    list(
      block,
      neurons as NeuronScale[],
      (neuron, pair): NeuronScale => {
        const [row, column] = list(
          neuron,
          pair as NeuronScale,
          (of, n) => whole(of, n, -24, 24),
          2,
        );
        return [whole(`${neuron}[0]`, row, -24, 4), column];
      },
      0,
      count,
    ),
  );
  const output = (input: Type): Type => {
    if (input.kind !== 'operand') refuse('outlier neurons', input, 'operand');
    return { ...input, kind: 'branch' };
  };
  return {
    takes: ['operand'],
    output,
    plan: (at, input) => new Outliers(at, output(input), { count, bias, scales: checked }),
  };
}

/** What backward needs of a sequence: u int32 [T, n], both operands int16 [T, n]. */
interface OutlierSaved {
  readonly u: Pointer;
  readonly high: Pointer;
  readonly low: Pointer;
}

/** The scales of a block as factors. */
interface Factors {
  readonly row: Float64Array;
  readonly column: Float64Array;
  /** 2^(i + j - most). */
  readonly both: Float64Array;
  readonly most: number;
}

function factorsOf(count: number, scales: readonly NeuronScale[]): Factors {
  const all = Array.from({ length: count }, (_, i) => scales[i] ?? [0, 0]);
  const most = Math.max(...all.map(([i, j]) => i + j));
  return {
    row: Float64Array.from(all, ([i]) => 2 ** i),
    column: Float64Array.from(all, ([, j]) => 2 ** j),
    both: Float64Array.from(all, ([i, j]) => 2 ** (i + j - most)),
    most,
  };
}

class Outliers implements Planned<OutlierSaved> {
  readonly needsInput = true;
  /** Every row is a function of that row of x. */
  readonly history = [];
  private readonly up: Matrix;
  private readonly down: Matrix;
  private readonly all: Columns;
  private readonly high: Tensor;
  private readonly low: Tensor;
  /** int32 [T, C]: what the low operand adds. */
  private readonly part: Pointer;
  /** int16 [T, n]: what GELU's kernel reads, and what it gives. */
  private readonly argument: Pointer;
  private readonly gap: Pointer;
  private readonly flow: Gradient;
  private readonly dOut: Gradient = { at: 0, exponent: 0 };
  private readonly dHidden: Gradient = { at: 0, exponent: 0 };
  private readonly blocks: readonly Factors[];
  private readonly none: Factors;
  private factors: Factors;

  constructor(
    at: Planner,
    type: Type,
    private readonly options: OutlierOptions,
  ) {
    const { count, bias, scales } = options;
    const { rows, columns: C } = type;
    this.blocks = scales.map((each) => factorsOf(count, each));
    this.none = factorsOf(count, []);
    this.factors = this.none;
    const shape = { rows, deviation: 0 };
    this.up = new Matrix(at, { ...shape, out: count, into: C, name: 'outlier.up.', bias });
    const down = { ...shape, out: C, into: count, name: 'outlier.down.', bias: false };
    this.down = new Matrix(at, { ...down, rows: 2 * rows }); // both operands add to its gradient
    this.all = new Columns(0, count, OPERAND_MAX);
    this.high = new Tensor({ kind: 'operand', rows, columns: count });
    this.low = new Tensor(this.high.type);
    this.high.fraction = HIGH;
    this.low.fraction = FINE;
    this.part = at.own(rows * C * 4);
    this.argument = at.own(rows * count * 2);
    this.gap = at.own(rows * count * 2);
    this.flow = { at: at.own(rows * count * 4), exponent: 0 };
  }

  saved(arena: Arena): OutlierSaved {
    const { rows, columns } = this.high.type;
    const [u, high, low] = [4, 2, 2].map((bytes) =>
      arena.allocate('states', rows * columns * bytes),
    );
    return { u, high, low };
  }

  prepare(run: Run, x: Tensor, _: Tensor, what: Preparation): void {
    const { up, down, all, high } = this;
    this.factors = this.blocks[run.block] ?? this.none;
    up.prepare(run, x, what);
    up.formatBranch(run, all);
    down.prepare(run, high, what);
  }

  forward(run: Run, x: Tensor, saved: OutlierSaved, y: Tensor): void {
    const { up, down, low, high, part } = this;
    const { kernels } = run;
    y.rows = x.rows;
    up.branch(run, x, saved.u);
    this.activate(run, x.rows, saved);
    this.move(x.rows, saved);
    down.prepare(run, high, NOTHING);
    down.branch(run, high, y.at);
    down.prepare(run, low, NOTHING);
    down.branch(run, low, part);
    kernels.combine_i32(y.at, 1, 0, part, 1, 0, 0, 0, y.at, y.size);
    const { rows } = y;
    const C = y.type.columns;
    const clamped = kernels.requantize_i32i32(y.at, C, y.at, C, rows, C, 0, BRANCH_LIMIT, 0);
    run.counts.saturated += clamped;
  }

  private move(rows: number, saved: OutlierSaved): void {
    this.high.at = saved.high;
    this.low.at = saved.low;
    this.high.rows = rows;
    this.low.rows = rows;
  }

  /** What GELU's kernel reads: u with 11 fraction bits, clamped; with `sign` -1: -|u|. */
  private arguments(run: Run, n: number, u: Pointer, sign: number): void {
    const { count } = this.options;
    const { row } = this.factors;
    for (let i = 0; i < n; i++) {
      const raw = Math.floor((run.int32[u / 4 + i] * row[i % count] + 16) / 32);
      const bounded = Math.max(-GELU_MAX, Math.min(GELU_MAX, raw));
      run.int16[this.argument / 2 + i] = sign < 0 ? -Math.abs(bounded) : bounded;
    }
  }

  /** The two operands of every activation. */
  private activate(run: Run, rows: number, { u, high, low }: OutlierSaved): void {
    const { count } = this.options;
    const { row, column } = this.factors;
    const { int16, int32 } = run;
    const n = rows * count;
    this.arguments(run, n, u, -1);
    run.kernels.gelu_forward_i16i16(this.argument, this.gap, n, 0); // never below -0.17
    for (let i = 0; i < n; i++) {
      const positive = Math.max(0, int32[u / 4 + i]) * row[i % count];
      const value = positive + int16[this.gap / 2 + i] * 2 ** (FINE - GELU_BITS);
      const scaled = Math.floor(value * column[i % count] + 0.5);
      const p = Math.max(-ACTIVATION_MAX, Math.min(ACTIVATION_MAX, scaled));
      if (p !== scaled) run.counts.saturated++;
      const top = Math.floor((p + 2 ** (LOW_BITS - 1)) / 2 ** LOW_BITS);
      int16[high / 2 + i] = top;
      int16[low / 2 + i] = p - top * 2 ** LOW_BITS;
    }
  }

  backward(run: Run, dy: Gradient, x: Tensor, saved: OutlierSaved, dx: Gradient | undefined): void {
    const { up, down, high, low, flow, dOut, dHidden } = this;
    const { rows } = x;
    const n = rows * this.options.count;
    this.move(rows, saved);
    dOut.at = down.operand.at;
    toOperand(run, dy, dOut, rows * up.shape.into);
    if (dOut.exponent > MOST_EXPONENT)
      throw new OverflowError(
        `a gradient of outlier neurons is larger than 2^${MOST_EXPONENT + 12}`,
        'lower the learning rate or lengthen the warm-up',
      );
    down.backward(run, dOut, high, flow);
    if (dOut.exponent >= LEAST_EXPONENT) down.backward(run, dOut, low, undefined);
    this.multiplyScales(run, n);
    this.arguments(run, n, saved.u, 1);
    run.kernels.gelu_backward_i32(flow.at, this.argument, flow.at, n);
    flow.exponent++;
    dHidden.at = up.operand.at;
    toOperand(run, flow, dHidden, n);
    up.backward(run, dHidden, x, dx);
  }

  /** The gradient of W1 x + b from that of p, but for GELU's slope: times 2^(i + j). */
  private multiplyScales(run: Run, n: number): void {
    const { flow, options, factors } = this;
    const { both, most } = factors;
    for (let i = 0; i < n; i++) {
      const at = flow.at / 4 + i;
      run.int32[at] = Math.floor(run.int32[at] * both[i % options.count] + 0.5);
    }
    flow.exponent += most;
  }
}
