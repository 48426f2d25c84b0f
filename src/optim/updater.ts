// The update of a step: the norm of the exact int64 gradients of the summed loss, clipping, and for
// each parameter a format in which its optimizer gets the gradient of the mean loss.
//
// A parameter's slots have 30 fraction bits in a unit of 2^scale of that gradient, an integer that
// follows what they have to hold: 0 as long as no gradient's norm is above 1, so also whenever clip
// is 1. Clipping does not decide it.

import type { Pointer } from '../kernels/kernels.ts';
import { OPTIMIZER_FRACTION, WEIGHT_GRADIENT_FRACTION } from '../memory/formats.ts';
import type { Parameter } from '../memory/parameter.ts';
import type { Planner } from '../memory/planner.ts';
import { bits } from '../ops/gradient.ts';
import type { Run } from '../ops/run.ts';
import type { Optimizer, Part } from './optimizer.ts';
import { squareRoot } from './schedule.ts';

/** Elements of one call of sum_squares_i64: 2^20 squared, 2^22 times, is 2^62. */
const SQUARES = 2 ** 22;
/** Threads share a parameter in multiples of this many elements: whole cache lines. */
const UNIT = 64;

/** What a step knows of a parameter: its scale, bits of the largest slot and gradient. */
interface Found {
  readonly scale: number;
  readonly moments: number;
  readonly gradient: number;
}

/** Scales that can be: the smallest clipping norm is 2^-20; a gradient has at most 64 bits and 1 at
 *  least 29 (1 prediction). */
export const MIN_SCALE = -20;
export const MAX_SCALE = 36;

/** How a step's gradients are clipped: they are divided by `unit` (a gradient of the summed loss of
 *  that raw size becomes 1) and are then at most 2^top; scales come back down to `low`. */
interface Clip {
  readonly unit: bigint;
  readonly top: number;
  readonly low: number;
}

/** The scale of a parameter's slots in a step. The gradient in units of `unit` is below 2^(gradient
 *  - bits(unit) + 1) by its bits, and at most 2^top by the norm, so with 2^-scale of it at most 1;
 *  slots, means of such, stay within 1 too. Down to `low` it comes back as far as the slots allow
 *  without losing a bit. */
export const nextScale = (found: Found, unitBits: number, top: number, low: number): number => {
  const { scale, moments, gradient } = found;
  const least = Math.max(low, scale - OPTIMIZER_FRACTION + moments);
  return Math.max(Math.min(top, gradient - unitBits + 1), Math.min(scale, least));
};

export interface UpdateOptions {
  /** Predictions that the loss is the sum of. */
  readonly predictions: number;
  /** 0-based. */
  readonly step: number;
  /** Learning rate, 32 fraction bits. */
  readonly rate: bigint;
}

export class Updater {
  /** Of each thread and parameter, int32: bits of the largest gradient, of the largest slot (2^8);
   *  the first thread's upper half is the scale. int64: sum of squares. */
  private readonly words: Pointer;
  private readonly squareSums: Pointer;
  private readonly scratch: Pointer;

  /** clip: largest norm of the gradient of the mean loss. */
  constructor(
    at: Planner,
    private readonly optimizer: Optimizer,
    private readonly parameters: readonly Parameter[],
    private readonly clip: number | 'none',
  ) {
    const count = at.layout.threads * parameters.length;
    this.words = at.allocate('workspace', count * 4);
    this.squareSums = at.allocate('workspace', count * 8);
    this.scratch = at.own(optimizer.scratchBytes);
  }

  /** The scale of parameter i's slots: they have 30 less this fraction bits. */
  scaleOf(run: Run, i: number): number {
    return run.int32[this.words / 4 + i] >> 16;
  }

  putScale(run: Run, i: number, scale: number): void {
    run.int32[this.words / 4 + i] = scale << 16;
  }

  /** Updates every weight. Every thread of the team runs it on its part of each parameter; all
   *  return the same norm of the gradient of the mean loss. */
  update(run: Run, { predictions, step, rate }: UpdateOptions): number {
    const found = this.look(run);
    const norm = squareRoot(this.sumOfSquares(run, found)); // of the summed loss, 28 fraction bits
    const clip = this.clipping(norm, predictions);
    this.parameters.forEach((parameter, i) => {
      const part = this.part(run, parameter, found[i], clip);
      if (part.scale !== found[i].scale) this.rescale(run, i, part, found[i].scale);
      run.counts.saturated += this.optimizer.update(run, part, { step, rate });
    });
    return Number(norm) / (predictions * 2 ** WEIGHT_GRADIENT_FRACTION);
  }

  private clipping(norm: bigint, predictions: number): Clip {
    const one = BigInt(predictions) << BigInt(WEIGHT_GRADIENT_FRACTION);
    const precise = norm << 20n;
    const limit = this.clip === 'none' ? precise : BigInt(Math.round(this.clip * 2 ** 20)) * one;
    if (precise <= limit) return { unit: one, top: exponent(norm, one), low: 0 };
    const top = exponent(limit >> 20n, one);
    return { unit: ((norm * one) << 20n) / limit, top, low: Math.min(0, top) };
  }

  /** This thread's part of a parameter. */
  private part(run: Run, parameter: Parameter, found: Found, { unit, top, low }: Clip): Part {
    const unitOf = this.optimizer.unit?.(parameter) ?? UNIT;
    const { from, to } = run.team.range(parameter.size, unitOf);
    const scale = nextScale(found, digits(unit), top, low);
    const shift = Math.max(0, found.gradient - 30);
    return {
      parameter,
      n: to - from,
      master: parameter.master + from * 4,
      gradient: parameter.gradient + from * 8,
      slots: parameter.slots.map((slot) => slot + from * 4),
      scale,
      shift,
      ...ratio(unit, OPTIMIZER_FRACTION - scale + shift),
      scratch: this.scratch,
    };
  }

  private rescale(run: Run, i: number, { slots, n, scale }: Part, before: number): void {
    const shift = Math.min(31, scale - before);
    for (const at of slots) run.kernels.combine_i32(at, 1, shift, 0, 0, 0, 0, 0, at, n);
    if (run.team.rank === 0) this.putScale(run, i, scale);
  }

  /** What all threads together find of each parameter. */
  private look(run: Run): Found[] {
    const { parameters } = this;
    const { rank, size } = run.team;
    const { int32 } = run;
    const first = this.words / 4;
    const scales = parameters.map((_, i) => this.scaleOf(run, i));
    parameters.forEach((parameter, i) => {
      const at = first + rank * parameters.length + i;
      int32[at] = (int32[at] & -65536) | this.lookAt(run, parameter, scales[i]);
    });
    run.team.barrier();
    return scales.map((scale, i) => {
      let moments = 0;
      let gradient = 0;
      for (let member = 0; member < size; member++) {
        const word = int32[first + member * parameters.length + i];
        moments = Math.max(moments, (word >> 8) & 255);
        gradient = Math.max(gradient, word & 255);
      }
      return { scale, moments, gradient };
    });
  }

  /** Bits of the largest gradient of this thread's part, and 2^8 times those of the largest slot,
   *  which is looked at if the scale may be smaller after this step. */
  private lookAt(run: Run, { gradient, slots, size }: Parameter, scale: number): number {
    const { clip } = this;
    const { from, to } = run.team.range(size, UNIT);
    const n = to - from;
    const canShrink = scale > 0 || (clip !== 'none' && clip < 1);
    let moments = OPTIMIZER_FRACTION;
    if (canShrink) {
      let largest = 0;
      for (const at of slots)
        largest = Math.max(largest, run.kernels.max_abs_i32(at + from * 4, n, 1, n));
      moments = bits(largest);
    }
    return (moments << 8) | run.kernels.max_bits_i64(gradient + from * 8, n);
  }

  /** Sum of the squares of all gradients, 56 fraction bits, each element rounded to 20 bits below
   *  its tensor's largest. */
  private sumOfSquares(run: Run, found: readonly Found[]): bigint {
    const { parameters } = this;
    const { rank, size } = run.team;
    const first = this.squareSums / 8;
    const shift = (i: number): number => Math.max(0, found[i].gradient - 20);
    parameters.forEach((p, i) => {
      const at = first + rank * parameters.length + i;
      let sum = 0n;
      for (let { from, to } = run.team.range(p.size, UNIT); from < to; from += SQUARES) {
        const n = Math.min(SQUARES, to - from);
        run.kernels.sum_squares_i64(p.gradient + from * 8, n, shift(i), at * 8);
        sum += run.int64[at];
      }
      run.int64[at] = sum;
    });
    run.team.barrier();
    let total = 0n;
    for (let member = 0; member < size; member++)
      for (let i = 0; i < parameters.length; i++)
        total += run.int64[first + member * parameters.length + i] << BigInt(2 * shift(i));
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
