// AdamW with gradient-norm clipping on the exact int64 gradients of the summed loss. The clipped gradient of the mean loss, in
// units of the clipping norm, has norm at most 1 and becomes a 30-bit integer; Adam does not see the unit. beta = 1 - 2^-k.

import type { Device } from '../kernels/device.ts';
import type { Pointer } from '../kernels/kernels.ts';
import type { ParameterStore, StoredParameter } from '../nn/parameters.ts';
import type { Arena } from '../tensor/arena.ts';
import { OPTIMIZER_FRACTION, WEIGHT_GRADIENT_FRACTION, WEIGHT_LIMIT } from '../tensor/formats.ts';
import type { CheckedOptions } from './options.ts';
import { CORRECTION_FRACTION, correctedRate, learningRate, secondCorrection, squareRoot } from './schedule.ts';

/** beta1 = 1 - 2^-3 = 0.875, beta2 = 1 - 2^-7 = 0.9922: measured a little better than 0.9 and 0.99 (docs/number-formats.md). */
export const BETA1_SHIFT = 3;
export const BETA2_SHIFT = 7;
/** Adam's epsilon on the gradient of the mean loss. */
const EPSILON = 1e-8;
/** Elements of one call of sum_squares_i64 (2^20 squared, 2^23 times: 2^63). */
const SQUARES = 2 ** 23;

export interface UpdateReport {
  /** Norm of the gradient of the mean loss, before clipping. */
  gradientNorm: number;
  learningRate: number;
}

export class Optimizer {
  private readonly sum: Pointer;

  constructor(arena: Arena, private readonly options: CheckedOptions) {
    this.sum = arena.allocate('workspace', 8);
  }

  /** Updates every weight from the gradients summed over `tokens` tokens; `step` is 0-based. */
  update(d: Device, store: ParameterStore, tokens: number, step: number): UpdateReport {
    const bits = store.all.map((p) => d.kernels.max_bits_i64(p.gradient, p.size));
    const norm = squareRoot(store.all.reduce((sum, p, i) => sum + this.squares(d, p, bits[i]), 0n)); // summed loss, WEIGHT_GRADIENT_FRACTION
    const clip = BigInt(Math.round(this.options.clip * 2 ** 20)) * BigInt(tokens) << BigInt(WEIGHT_GRADIENT_FRACTION - 20);
    const unit = norm > clip ? norm : clip;
    const rate = learningRate(this.options, step), corrected = Number(correctedRate(rate, step, BETA1_SHIFT, BETA2_SHIFT));
    const decay = Number(rate * BigInt(Math.round(this.options.weightDecay * 2 ** 32)) >> 32n);
    const epsilon = Math.max(1, Number(BigInt(Math.round((EPSILON / this.options.clip) * 2 ** (OPTIMIZER_FRACTION + 20))) * secondCorrection(step, BETA2_SHIFT) >> (CORRECTION_FRACTION + 20n)));
    store.all.forEach((p, i) => {
      const shift = Math.max(0, bits[i] - 30);
      const { factor, factorShift } = ratio(unit, OPTIMIZER_FRACTION + shift);
      d.counts.saturated += d.kernels.adamw_i64(p.master, p.gradient, p.m, p.r, p.size, shift, factor, factorShift,
        BETA1_SHIFT, BETA2_SHIFT, corrected, epsilon, p.kind === 'matrix' || p.kind === 'embedding' ? decay : 0, WEIGHT_LIMIT);
    });
    const scale = tokens * 2 ** WEIGHT_GRADIENT_FRACTION;
    return { gradientNorm: Number(norm) / scale, learningRate: Number(rate) / 2 ** 32 };
  }

  /** Sum of the squares of one gradient, 2 * WEIGHT_GRADIENT_FRACTION fraction bits, each element rounded to 20 bits below the tensor's largest. */
  private squares(d: Device, p: StoredParameter, bits: number): bigint {
    const shift = Math.max(0, bits - 20);
    let sum = 0n;
    for (let at = 0; at < p.size; at += SQUARES) {
      d.kernels.sum_squares_i64(p.gradient + at * 8, Math.min(SQUARES, p.size - at), shift, this.sum);
      sum += d.int64[this.sum / 8];
    }
    return sum << BigInt(2 * shift);
  }
}

/** 2^power / unit = factor * 2^-factorShift with factor below 2^31 and factorShift in 1..62. */
function ratio(unit: bigint, power: number): { factor: number; factorShift: number } {
  let factorShift = Math.min(62, Math.max(1, unit.toString(2).length + 30 - power));
  let factor = (1n << BigInt(power + factorShift)) / unit;
  if (factor >= 1n << 31n) factor = (1n << BigInt(power + --factorShift)) / unit;
  return { factor: Number(factor), factorShift };
}
