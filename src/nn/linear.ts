// A linear layer with its working copy: y = x W^T + b. One instance serves every block of a model in turn: `load` and `prepare` bring
// a block's parameters into it. Each thread has an instance.

import type { Device } from '../kernels/device.ts';
import type { Pointer } from '../kernels/kernels.ts';
import type { Arena } from '../tensor/arena.ts';
import { BRANCH_FRACTION, MASTER_FRACTION } from '../tensor/formats.ts';
import type { Scaled } from '../ops/gradient.ts';
import { activationFraction } from '../ops/activation-format.ts';
import { type LinearScratch, linearBackwardInput, linearBackwardWeight, linearForwardBranch, linearRound, linearSums } from '../ops/linear.ts';
import { type Preparation, type WorkingWeight, prepareWeight } from '../ops/weight.ts';
import type { ParameterStore, StoredParameter } from './parameters.ts';

/** Guard bits of a bias added before rounding to int16 (requantize_i32i16). */
const guardBits = (shift: number): number => Math.min(6, shift);

export class Linear {
  private readonly biasCopy: Pointer;
  private weightParameter!: StoredParameter;
  private biasParameter: StoredParameter | undefined;

  /** lock: whose turn it is to add to the weight's gradient (ops/locks.ts). */
  constructor(arena: Arena, readonly weight: WorkingWeight, private readonly lock: number, private readonly scratch: LinearScratch) {
    this.biasCopy = arena.allocate('workspace', weight.rows * 4);
  }

  /** Finds `${name}.weight` and `${name}.bias`. */
  load(store: ParameterStore, name: string): void {
    this.weightParameter = store.get(`${name}.weight`);
    this.biasParameter = store.find(`${name}.bias`);
  }

  /** Makes the working copy and its panels. */
  prepare(d: Device, what: Preparation): void {
    prepareWeight(d, this.weightParameter.master, this.weight, what);
  }

  /** The bias as int32 with `fraction` fraction bits, or 0. */
  private bias(d: Device, fraction: number): Pointer {
    if (this.biasParameter === undefined) return 0;
    d.kernels.combine_i32(this.biasParameter.master, 1, MASTER_FRACTION - fraction, 0, 0, 0, 0, 0, this.biasCopy, this.weight.rows);
    return this.biasCopy;
  }

  /** Fraction bits for rows from .. to of the output when the input is a layer norm's with `scale` (ops/activation-format.ts). */
  fractionOf(d: Device, from: number, to: number, scale: number): number {
    return activationFraction(d, this.weight, from, to, scale, this.biasParameter?.master ?? 0);
  }

  /** The int32 sums of x W^T, in the scratch; then `round` takes columns of them. */
  sums(d: Device, x: Pointer, rows: number): void {
    linearSums(d, x, this.weight, this.scratch.sums, rows);
  }

  /** y (columns from .. to, of all) int16 with `fraction` fraction bits within `bound`; the input had `inputFraction`. */
  round(d: Device, y: Pointer, from: number, to: number, inputFraction: number, fraction: number, bound: number, rows: number): void {
    const shift = inputFraction + this.weight.fraction - fraction;
    linearRound(d, this.weight, this.scratch.sums, y, from, to, shift, bound, this.bias(d, fraction + guardBits(shift)), rows);
  }

  /** y int32 with 16 fraction bits, within +-1024: one half of a block's output. */
  forwardBranch(d: Device, x: Pointer, fraction: number, y: Pointer, rows: number): void {
    linearForwardBranch(d, x, fraction, this.weight, this.bias(d, BRANCH_FRACTION), y, rows);
  }

  /** Adds to the gradients of weight and bias. x is the forward pass's input with its fraction bits. */
  backwardWeight(d: Device, dy: Scaled, x: Pointer, fraction: number, rows: number): void {
    linearBackwardWeight(d, dy, this.weight.rows, x, fraction, this.weight.columns, this.scratch, this.weightParameter.gradient, this.biasParameter?.gradient ?? 0, this.lock, rows);
  }

  /** The same, and the gradient of x: int32 [rows, columns] at dx. While another thread adds to the weight's gradient, this one does that second. */
  backward(d: Device, dy: Scaled, x: Pointer, fraction: number, dx: Pointer, rows: number): Scaled {
    const isSecond = d.team.isHeld(this.lock);
    if (!isSecond) this.backwardWeight(d, dy, x, fraction, rows);
    const exponent = linearBackwardInput(d, dy, this.weight, dx, rows);
    if (isSecond) this.backwardWeight(d, dy, x, fraction, rows);
    return { at: dx, exponent };
  }
}
