// AdamW with gradient-norm clipping on the exact int64 gradients of the summed loss. The clipped gradient of the mean loss, in
// units of the clipping norm, has norm at most 1 and becomes a 30-bit integer; Adam does not see the unit. beta = 1 - 2^-k.

import type { Device } from '../kernels/device.ts';
import type { Pointer } from '../kernels/kernels.ts';
import type { ParameterStore } from '../nn/parameters.ts';
import type { Arena } from '../tensor/arena.ts';
import { OPTIMIZER_FRACTION, WEIGHT_GRADIENT_FRACTION, WEIGHT_LIMIT } from '../tensor/formats.ts';
import type { CheckedOptions } from './options.ts';
import { CORRECTION_FRACTION, correctedRate, learningRate, secondCorrection, squareRoot } from './schedule.ts';

/** beta1 = 1 - 2^-3 = 0.875, beta2 = 1 - 2^-7 = 0.9922: measured a little better than 0.9 and 0.99 (docs/decisions.md). */
export const BETA1_SHIFT = 3;
export const BETA2_SHIFT = 7;
/** Adam's epsilon on the gradient of the mean loss. */
const EPSILON = 1e-8;
/** Elements of one call of sum_squares_i64: 2^20 squared, 2^22 times, is 2^62. */
const SQUARES = 2 ** 22;
/** Bytes that adamw_i64 overwrites. */
const SCRATCH = 512;
/** Threads share a parameter in multiples of this many elements: whole cache lines. */
const UNIT = 64;

export interface UpdateReport {
  /** Norm of the gradient of the mean loss, before clipping. */
  gradientNorm: number;
  learningRate: number;
}

export class Optimizer {
  /** Of each thread and parameter: bits of the largest gradient (int32), sum of squares (int64). */
  private readonly bits: Pointer;
  private readonly sums: Pointer;
  /** int64 [64] of each thread (adamw_i64). */
  private readonly scratch: Pointer;

  constructor(arena: Arena, private readonly options: CheckedOptions<unknown>, private readonly parameters: number) {
    this.bits = arena.allocate('workspace', options.threads * parameters * 4);
    this.sums = arena.allocate('workspace', options.threads * parameters * 8);
    this.scratch = arena.allocate('workspace', options.threads * SCRATCH);
  }

  /** Updates every weight from the gradients summed over `tokens` tokens; `step` is 0-based. Every thread of the team runs it on its
   *  part of each parameter; all return the same report. */
  update(d: Device, store: ParameterStore, tokens: number, step: number): UpdateReport {
    const bits = this.largestBits(d, store), norm = squareRoot(this.squares(d, store, bits)); // summed loss, WEIGHT_GRADIENT_FRACTION
    const clip = BigInt(Math.round(this.options.clip * 2 ** 20)) * BigInt(tokens) << BigInt(WEIGHT_GRADIENT_FRACTION - 20);
    const unit = norm > clip ? norm : clip;
    const rate = learningRate(this.options, step), corrected = Number(correctedRate(rate, step, BETA1_SHIFT, BETA2_SHIFT));
    const decay = Number(rate * BigInt(Math.round(this.options.weightDecay * 2 ** 32)) >> 32n);
    const epsilon = Math.max(1, Number(BigInt(Math.round((EPSILON / this.options.clip) * 2 ** (OPTIMIZER_FRACTION + 20))) * secondCorrection(step, BETA2_SHIFT) >> (CORRECTION_FRACTION + 20n)));
    store.all.forEach((p, i) => {
      const shift = Math.max(0, bits[i] - 30), { from, to } = d.team.range(p.size, UNIT);
      const { factor, factorShift } = ratio(unit, OPTIMIZER_FRACTION + shift);
      d.counts.saturated += d.kernels.adamw_i64(p.master + from * 4, p.gradient + from * 8, p.m + from * 4, p.r + from * 4, to - from, shift, factor, factorShift,
        BETA1_SHIFT, BETA2_SHIFT, corrected, epsilon, p.kind === 'matrix' || p.kind === 'embedding' ? decay : 0, WEIGHT_LIMIT, this.scratch + d.team.rank * SCRATCH);
    });
    return { gradientNorm: Number(norm) / (tokens * 2 ** WEIGHT_GRADIENT_FRACTION), learningRate: Number(rate) / 2 ** 32 };
  }

  /** Binary digits of each parameter's largest gradient. */
  private largestBits(d: Device, store: ParameterStore): number[] {
    const { rank, size } = d.team, own = this.bits / 4 + rank * this.parameters;
    store.all.forEach((p, i) => {
      const { from, to } = d.team.range(p.size, UNIT);
      d.int32[own + i] = d.kernels.max_bits_i64(p.gradient + from * 8, to - from);
    });
    d.team.barrier();
    return store.all.map((_, i) => {
      let most = 0;
      for (let member = 0; member < size; member++) most = Math.max(most, d.int32[this.bits / 4 + member * this.parameters + i]);
      return most;
    });
  }

  /** Sum of the squares of all gradients, 2 * WEIGHT_GRADIENT_FRACTION fraction bits, each element rounded to 20 bits below its
   *  tensor's largest. */
  private squares(d: Device, store: ParameterStore, bits: readonly number[]): bigint {
    const { rank, size } = d.team, shift = (i: number): number => Math.max(0, bits[i] - 20), first = this.sums / 8;
    store.all.forEach((p, i) => {
      const at = first + rank * this.parameters + i;
      let sum = 0n;
      for (let { from, to } = d.team.range(p.size, UNIT); from < to; from += SQUARES) {
        d.kernels.sum_squares_i64(p.gradient + from * 8, Math.min(SQUARES, to - from), shift(i), at * 8);
        sum += d.int64[at];
      }
      d.int64[at] = sum;
    });
    d.team.barrier();
    let total = 0n;
    for (let member = 0; member < size; member++)
      for (let i = 0; i < this.parameters; i++) total += d.int64[first + member * this.parameters + i] << BigInt(2 * shift(i));
    return total;
  }
}

/** 2^power / unit = factor * 2^-factorShift with factor below 2^31 and factorShift in 1..62. */
function ratio(unit: bigint, power: number): { factor: number; factorShift: number } {
  let factorShift = Math.min(62, Math.max(1, unit.toString(2).length + 30 - power));
  let factor = (1n << BigInt(power + factorShift)) / unit;
  if (factor >= 1n << 31n) factor = (1n << BigInt(power + --factorShift)) / unit;
  return { factor: Number(factor), factorShift };
}
