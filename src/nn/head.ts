// The end of the model on one sequence: final layer norm, logits = a W^T with W the token embedding (tied) or a matrix of its
// own, cross entropy; and back to the gradient of the last state. Logits stay int32 sums: they are never rounded.

import type { Device } from '../kernels/device.ts';
import type { Pointer } from '../kernels/kernels.ts';
import { type Scaled, toOperand } from '../ops/gradient.ts';
import { layoutLinearScratch, linearSums } from '../ops/linear.ts';
import { type NormSaved, layoutNormScratch } from '../ops/layer-norm.ts';
import { LOCK } from '../ops/locks.ts';
import { layoutWeight } from '../ops/weight.ts';
import type { Arena } from '../tensor/arena.ts';
import { BRANCH_FRACTION, LOGIT_GRADIENT_FRACTION, NORM_FRACTION, OPERAND_MAX } from '../tensor/formats.ts';
import { LayerNorm } from './layer-norm.ts';
import { Linear } from './linear.ts';
import type { ParameterStore } from './parameters.ts';

export interface HeadShape {
  readonly context: number;
  readonly channels: number;
  readonly vocabulary: number;
  /** Parameter whose rows the logits are products with: the token embedding (tied), or a matrix of its own. */
  readonly matrix: string;
}

/** floor(log2(e) * 2^62): distances of logits are measured in powers of two. */
const LOG2E_Q62 = 6653256548922161245n;

export class Head {
  private readonly norm: LayerNorm;
  private readonly linear: Linear;
  private readonly saved: NormSaved;
  private readonly sums: Pointer;
  private readonly losses: Pointer;
  private readonly dLogits: Pointer;

  constructor(arena: Arena, private readonly shape: HeadShape) {
    const { context: T, channels: C, vocabulary: V } = shape;
    const scratch = layoutLinearScratch(arena, T, Math.max(V, C));
    this.norm = new LayerNorm(arena, C, layoutNormScratch(arena, T, C));
    this.linear = new Linear(arena, layoutWeight(arena, V, C), LOCK.embeddings, scratch);
    this.sums = scratch.sums;
    this.saved = { out: arena.allocate('workspace', T * C * 2), xhat: arena.allocate('workspace', T * C * 2), rstd: arena.allocate('workspace', T * 4) };
    this.losses = arena.allocate('workspace', T * 4);
    this.dLogits = arena.allocate('workspace', T * V * 2);
  }

  prepare(d: Device, store: ParameterStore, backward: boolean): void {
    this.norm.prepare(d, store, 'norm');
    this.linear.load(store, this.shape.matrix);
    this.linear.prepare(d, { copy: true, forward: true, backward });
  }

  /** Raw logits int32 [rows, V] of the state x (l fraction bits); returns their address and fraction bits. */
  logits(d: Device, x: Pointer, l: number, rows: number): { at: Pointer; fraction: number } {
    this.norm.forward(d, x, BRANCH_FRACTION - l, 0, this.saved, rows);
    linearSums(d, this.saved.out, this.linear.weight, this.sums, rows);
    return { at: this.sums, fraction: NORM_FRACTION + this.linear.weight.fraction };
  }

  /** Sum of the rows' losses in nats, 16 fraction bits, of what `logits` gave. targets: int32[rows] in memory. The logits become
   *  p - onehot if `backward`. */
  loss(d: Device, { at, fraction }: { at: Pointer; fraction: number }, targets: Pointer, rows: number, backward: boolean): number {
    const { vocabulary: V } = this.shape, scale = Number(LOG2E_Q62 >> BigInt(15 + fraction)); // log2(e) * 2^(47 - fraction): distances with 15 fraction bits
    d.kernels.cross_entropy_i32(at, V, targets, backward ? at : 0, V, this.losses, rows, V, scale);
    let sum = 0;
    for (const loss of d.view(this.losses, rows)) sum += loss;
    return sum;
  }

  /** After loss(..., true): dx int32 [rows, C] of the loss summed over rows; adds to the weights' gradients. Returns its exponent. */
  backward(d: Device, dx: Pointer, rows: number): number {
    const { vocabulary: V } = this.shape;
    const dLogits: Scaled = { at: this.dLogits, exponent: toOperand(d, { at: this.sums, exponent: -LOGIT_GRADIENT_FRACTION }, this.dLogits, rows, V, OPERAND_MAX) };
    return this.norm.backward(d, this.linear.backward(d, dLogits, this.saved.out, NORM_FRACTION, this.sums, rows), this.saved, dx, rows);
  }
}
