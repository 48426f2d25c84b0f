// AdamW with gradient-norm clipping on the exact int64 gradients of the summed loss. beta = 1 -
// 2^-k. A parameter's moments m and r have 30 fraction bits in a unit of 2^scale of the mean loss's
// gradient, an integer that follows what they have to hold: 0 as long as no gradient's norm is
// above 1, so also whenever clip is 1. Clipping does not decide it.

import type { Device } from '../kernels/device.ts';
import type { Pointer } from '../kernels/kernels.ts';
import type { ParameterStore, StoredParameter } from '../nn/parameters.ts';
import { bits } from '../ops/gradient.ts';
import type { Arena } from '../tensor/arena.ts';
import { OPTIMIZER_FRACTION, WEIGHT_GRADIENT_FRACTION, WEIGHT_LIMIT } from '../tensor/formats.ts';
import type { CheckedOptions } from './options.ts';
import {
  CORRECTION_FRACTION,
  correctedRate,
  learningRate,
  secondCorrection,
  squareRoot,
} from './schedule.ts';

/** beta1 = 1 - 2^-3 = 0.875, beta2 = 1 - 2^-7 = 0.9922: measured a little better than 0.9 and 0.99
 *  (docs/decisions.md). */
export const BETA1_SHIFT = 3;
export const BETA2_SHIFT = 7;
/** Adam's epsilon on the gradient of the mean loss, 1e-8 in steps of 2^-50; and how many bits it
 *  has too many, with its correction. */
const EPSILON = BigInt(Math.round(1e-8 * 2 ** (OPTIMIZER_FRACTION + 20)));
const EPSILON_FRACTION = CORRECTION_FRACTION + 20n;
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

/** What a step knows of a parameter: its scale, bits of the largest moment and gradient. */
interface Found {
  readonly scale: number;
  readonly moments: number;
  readonly gradient: number;
}

/** Scales that can be: the smallest clipping norm is 2^-20; a gradient has at most 64 bits and 1 at
 *  least 29 (1 token). */
export const MIN_SCALE = -20;
export const MAX_SCALE = 36;

/** The scale of a parameter's moments in a step. The gradient in units of `unit` is below
 *  2^(gradient - unit + 1) by its bits, and at most 2^top by the norm, so with 2^-scale of it at
 *  most 1; m and r, means of such, stay within 1 too. Down to `low` it comes back as far as the
 *  moments allow without losing a bit. */
export const nextScale = (
  { scale, moments, gradient }: Found,
  unit: number,
  top: number,
  low: number,
): number =>
  Math.max(
    Math.min(top, gradient - unit + 1),
    Math.min(scale, Math.max(low, scale - OPTIMIZER_FRACTION + moments)),
  );

export class Optimizer {
  /** Of each thread and parameter, int32: bits of the largest gradient, of the largest moment
   *  (2^8); the first thread's upper half is the scale. int64: sum of squares. */
  private readonly words: Pointer;
  private readonly sums: Pointer;
  /** int64 [64] of each thread (adamw_i64). */
  private readonly scratch: Pointer;

  constructor(
    arena: Arena,
    private readonly options: CheckedOptions<unknown>,
    private readonly parameters: number,
  ) {
    this.words = arena.allocate('workspace', options.threads * parameters * 4);
    this.sums = arena.allocate('workspace', options.threads * parameters * 8);
    this.scratch = arena.allocate('workspace', options.threads * SCRATCH);
  }

  /** The scale of parameter i's moments: they have OPTIMIZER_FRACTION less this fraction bits. */
  scale(d: Device, i: number): number {
    return d.int32[this.words / 4 + i] >> 16;
  }

  setScale(d: Device, i: number, scale: number): void {
    d.int32[this.words / 4 + i] = scale << 16;
  }

  /** Updates every weight from the gradients summed over `tokens` tokens; `step` is 0-based. Every
   *  thread of the team runs it on its part of each parameter; all return the same report. */
  update(d: Device, store: ParameterStore, tokens: number, step: number): UpdateReport {
    const found = this.look(d, store),
      norm = squareRoot(this.squares(d, store, found)); // summed loss, WEIGHT_GRADIENT_FRACTION
    const { clip: given, weightDecay } = this.options,
      one = BigInt(tokens) << BigInt(WEIGHT_GRADIENT_FRACTION);
    const clip = given === 'none' ? norm << 20n : BigInt(Math.round(given * 2 ** 20)) * one,
      isClipped = norm << 20n > clip;
    const unit = isClipped ? ((norm * one) << 20n) / clip : one,
      top = exponent(isClipped ? clip >> 20n : norm, one),
      low = isClipped ? Math.min(0, top) : 0;
    const rate = learningRate(this.options, step),
      corrected = Number(correctedRate(rate, step, BETA1_SHIFT, BETA2_SHIFT));
    const decay = Number((rate * BigInt(Math.round(weightDecay * 2 ** 32))) >> 32n),
      epsilon = EPSILON * secondCorrection(step, BETA2_SHIFT);
    store.all.forEach((p, i) => {
      const shift = Math.max(0, found[i].gradient - 30),
        { from, to } = d.team.range(p.size, UNIT),
        scale = nextScale(found[i], digits(unit), top, low);
      const { factor, factorShift } = ratio(unit, OPTIMIZER_FRACTION - scale + shift),
        m = p.m + from * 4,
        r = p.r + from * 4;
      if (scale !== found[i].scale) {
        for (const at of [m, r])
          d.kernels.combine_i32(
            at,
            1,
            Math.min(31, scale - found[i].scale),
            0,
            0,
            0,
            0,
            0,
            at,
            to - from,
          );
        if (d.team.rank === 0) this.setScale(d, i, scale);
      }
      d.counts.saturated += d.kernels.adamw_i64(
        p.master + from * 4,
        p.gradient + from * 8,
        m,
        r,
        to - from,
        shift,
        factor,
        factorShift,
        BETA1_SHIFT,
        BETA2_SHIFT,
        corrected,
        Math.max(1, Number(epsilon >> (EPSILON_FRACTION + BigInt(scale)))),
        p.kind === 'matrix' || p.kind === 'embedding' ? decay : 0,
        WEIGHT_LIMIT,
        this.scratch + d.team.rank * SCRATCH,
      );
    });
    return {
      gradientNorm: Number(norm) / (tokens * 2 ** WEIGHT_GRADIENT_FRACTION),
      learningRate: Number(rate) / 2 ** 32,
    };
  }

  /** What all threads together find of each parameter. */
  private look(d: Device, store: ParameterStore): Found[] {
    const { rank, size } = d.team,
      first = this.words / 4;
    const scales = store.all.map((_, i) => this.scale(d, i));
    store.all.forEach((p, i) => {
      const { from, to } = d.team.range(p.size, UNIT),
        at = first + rank * this.parameters + i;
      const moments = this.canShrink(scales[i])
        ? this.largestMoment(d, p, from, to)
        : OPTIMIZER_FRACTION;
      d.int32[at] =
        (d.int32[at] & -65536) |
        (moments << 8) |
        d.kernels.max_bits_i64(p.gradient + from * 8, to - from);
    });
    d.team.barrier();
    return scales.map((scale, i) => {
      let moments = 0,
        gradient = 0;
      for (let member = 0; member < size; member++) {
        const word = d.int32[first + member * this.parameters + i];
        moments = Math.max(moments, (word >> 8) & 255);
        gradient = Math.max(gradient, word & 255);
      }
      return { scale, moments, gradient };
    });
  }

  /** Whether a scale may be smaller after this step: then the moments are looked at. */
  private canShrink(scale: number): boolean {
    const { clip } = this.options;
    return scale > 0 || (clip !== 'none' && clip < 1);
  }

  private largestMoment(d: Device, p: StoredParameter, from: number, to: number): number {
    const n = to - from,
      largest = (at: Pointer): number => d.kernels.max_abs_i32(at + from * 4, n, 1, n);
    return bits(Math.max(largest(p.m), largest(p.r)));
  }

  /** Sum of the squares of all gradients, 2 * WEIGHT_GRADIENT_FRACTION fraction bits, each element
   *  rounded to 20 bits below its tensor's largest. */
  private squares(d: Device, store: ParameterStore, found: readonly Found[]): bigint {
    const { rank, size } = d.team,
      shift = (i: number): number => Math.max(0, found[i].gradient - 20),
      first = this.sums / 8;
    store.all.forEach((p, i) => {
      const at = first + rank * this.parameters + i;
      let sum = 0n;
      for (let { from, to } = d.team.range(p.size, UNIT); from < to; from += SQUARES) {
        d.kernels.sum_squares_i64(
          p.gradient + from * 8,
          Math.min(SQUARES, to - from),
          shift(i),
          at * 8,
        );
        sum += d.int64[at];
      }
      d.int64[at] = sum;
    });
    d.team.barrier();
    let total = 0n;
    for (let member = 0; member < size; member++)
      for (let i = 0; i < this.parameters; i++)
        total += d.int64[first + member * this.parameters + i] << BigInt(2 * shift(i));
    return total;
  }
}

const digits = (value: bigint): number => value.toString(2).length;

/** Smallest e with a <= 2^e b. */
function exponent(a: bigint, b: bigint): number {
  const e = digits(a) - digits(b);
  return a << 64n <= b << BigInt(64 + e) ? e : e + 1;
}

/** 2^power / unit = factor * 2^-factorShift with factor below 2^31 and factorShift in 1..62. */
function ratio(unit: bigint, power: number): { factor: number; factorShift: number } {
  let factorShift = Math.min(62, Math.max(1, digits(unit) + 30 - power));
  let factor = (1n << BigInt(power + factorShift)) / unit;
  if (factor >= 1n << 31n) factor = (1n << BigInt(power + --factorShift)) / unit;
  return { factor: Number(factor), factorShift };
}
