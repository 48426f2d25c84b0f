// Layer norm (Ba, Kiros, Hinton 2016) of each row, with a gain and maybe a bias. It takes a
// residual state with the branches that were added to it and gives an operand with 8 fraction bits.

import type { Pointer } from '../kernels/kernels.ts';
import type { Arena } from '../memory/arena.ts';
import {
  BRANCH_FRACTION,
  FINE_GRADIENT_MAX,
  GAIN_FRACTION,
  MASTER_FRACTION,
  NORM_FRACTION,
  PROBABILITY_MAX,
  RSTD_FRACTION,
  WEIGHT_GRADIENT_FRACTION,
  XHAT_FRACTION,
  xhatFraction,
} from '../memory/formats.ts';
import type { Parameter } from '../memory/parameter.ts';
import type { Planner, Scratch } from '../memory/planner.ts';
import type { Gradient, Kind, Tensor, Type } from '../memory/tensor.ts';
import { bits, toOperand } from '../ops/gradient.ts';
import { largestMaster } from '../ops/range.ts';
import type { Run } from '../ops/run.ts';
import { layerOptions, refuse } from './check.ts';
import type { Layer, Planned } from './layer.ts';

/** Of a layer norm. */
export interface LayerNormOptions {
  /** Name of its parameters: `name.gain`, `name.bias` (norm). */
  name?: string | undefined;
  /** Adds a bias (false). */
  bias?: boolean | undefined;
}

/** Every row of a state with mean 0 and deviation 1, times a gain: operand of the same shape.
 *  @example
 *  console.log(layerNorm().output({ kind: 'state', rows: 2, columns: 8 }, 'operand').kind);
 *  // operand
 */
export function layerNorm(options: LayerNormOptions = {}): Layer {
  const { name, bias } = layerOptions(options, { name: 'norm', bias: false });
  const takes: Kind[] = ['state', 'branch'];
  return {
    takes,
    output(input) {
      if (!takes.includes(input.kind)) refuse('layer norm', input, takes.join(' or '));
      return { ...input, kind: 'operand' };
    },
    plan: (at, input) => at.within(name, (inner) => new PlannedNorm(inner, input, bias)),
  };
}

/** The normalised rows and 1 / sigma: int16 [rows, C], int32 [rows]. */
export interface NormSaved {
  readonly xhat: Pointer;
  readonly rstd: Pointer;
}

export class PlannedNorm implements Planned<NormSaved> {
  /** Of the copy of the gain. Each bit fewer makes the output's range twice as wide, with one
   *  fraction bit fewer. */
  gainFraction = GAIN_FRACTION;
  readonly needsInput = false;
  readonly history = [];
  private readonly gain: readonly Parameter[];
  private readonly bias: readonly Parameter[] | undefined;
  private readonly gainCopy: Pointer;
  private readonly biasCopy: Pointer;
  /** int16 [rows, C], int64 [2, C]. */
  private readonly operand: Scratch;
  private readonly totals: Scratch;
  private readonly dy: Gradient = { at: 0, exponent: 0 };
  /** Of x-hat. */
  private readonly fraction: number;

  constructor(
    at: Planner,
    private readonly input: Type,
    bias: boolean,
  ) {
    const { rows, columns } = input;
    const shape = [columns];
    this.fraction = xhatFraction(columns);
    this.gain = at.parameter({ name: 'gain', shape, init: { value: 1 }, decays: false });
    // |x-hat| < 2^(15 - fraction), where bound (5) of weight gradients counts on 2^4
    for (const gain of this.gain) gain.rows += rows * 2 ** (XHAT_FRACTION - this.fraction);
    if (bias) this.bias = at.parameter({ name: 'bias', shape, init: { value: 0 }, decays: false });
    this.gainCopy = at.own(columns * 2);
    this.biasCopy = at.own(columns * 4);
    this.operand = at.scratch('norm operand', rows * columns * 2);
    this.totals = at.scratch('norm totals', columns * 16);
  }

  saved(arena: Arena): NormSaved {
    const { rows, columns } = this.input;
    return {
      xhat: arena.allocate('states', rows * columns * 2),
      rstd: arena.allocate('states', rows * 4),
    };
  }

  prepare(run: Run, _: Tensor, y: Tensor): void {
    const { columns: n } = this.input;
    const gain = this.gain[run.block % this.gain.length].master;
    const bias = this.bias?.[run.block % this.bias.length].master ?? 0;
    const { kernels } = run;
    const { biasCopy, fraction, gainFraction } = this;
    const shift = MASTER_FRACTION - gainFraction;
    kernels.quantize_i32i16(gain, this.gainCopy, n, shift, PROBABILITY_MAX);
    if (bias !== 0) kernels.combine_i32(bias, 1, shift - fraction, 0, 0, 0, 0, 0, biasCopy, n);
    const largestGain = kernels.row_norm_max_i16(this.gainCopy, n, 1) / 2 ** gainFraction;
    y.fraction = NORM_FRACTION - GAIN_FRACTION + gainFraction;
    y.range.deviation = largestGain + largestMaster(run, bias, n);
    y.range.offset = 0;
  }

  forward(run: Run, x: Tensor, { xhat, rstd }: NormSaved, y: Tensor): void {
    const bias = this.bias === undefined ? 0 : this.biasCopy;
    y.rows = x.rows;
    run.counts.saturated += run.kernels.layer_norm_forward_i32i16(
      x.at,
      BRANCH_FRACTION - x.fraction,
      x.before,
      this.gainCopy,
      bias,
      y.at,
      xhat,
      rstd,
      x.rows,
      this.input.columns,
      this.fraction,
    );
  }

  /** The shift leaves room for the largest 1 / sigma of the sequence, so dx does not saturate. */
  backward(run: Run, from: Gradient, x: Tensor, saved: NormSaved, dx: Gradient | undefined): void {
    const { columns } = this.input;
    const { rows } = x;
    const { kernels } = run;
    const { dy } = this;
    dy.at = this.operand.at;
    toOperand(run, from, dy, rows * columns, FINE_GRADIENT_MAX);
    const shift = bits(kernels.max_abs_i32(saved.rstd, rows, 1, rows)) + 1;
    const sumGain = this.totals.at;
    const sumBias = this.bias === undefined ? 0 : sumGain + columns * 8;
    const to = dx ?? from;
    run.clear(sumGain, columns * 16);
    run.counts.saturated += kernels.layer_norm_backward_i16i32(
      dy.at,
      saved.xhat,
      this.gainCopy,
      saved.rstd,
      to.at,
      sumGain,
      sumBias,
      rows,
      columns,
      shift,
      this.fraction,
    );
    this.add(run, this.gain, sumGain, dy.exponent - this.fraction);
    if (this.bias !== undefined) this.add(run, this.bias, sumBias, dy.exponent);
    to.exponent = dy.exponent - this.gainFraction - RSTD_FRACTION + shift;
  }

  private add(run: Run, group: readonly Parameter[], sums: Pointer, exponent: number): void {
    const { lock, gradient, size } = group[run.block % group.length];
    if (gradient === 0) return; // frozen
    run.team.exclusive(lock, () =>
      run.kernels.accumulate_i64(sums, gradient, size, exponent + WEIGHT_GRADIENT_FRACTION),
    );
  }
}
