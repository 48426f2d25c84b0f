// The first state of a vision transformer: row 0 is the class token, row 1 + i the i-th patch through a linear layer; to each row its
// position is added.

import type { Device } from '../kernels/device.ts';
import type { Pointer } from '../kernels/kernels.ts';
import { embeddingBackward } from '../ops/embedding.ts';
import { type Scaled, toOperand } from '../ops/gradient.ts';
import { layoutLinearScratch } from '../ops/linear.ts';
import { LOCK } from '../ops/locks.ts';
import { layoutWeight } from '../ops/weight.ts';
import type { Arena } from '../tensor/arena.ts';
import { BRANCH_FRACTION, MASTER_FRACTION, OPERAND_MAX, PIXEL_FRACTION } from '../tensor/formats.ts';
import { Linear } from './linear.ts';
import type { ParameterStore } from './parameters.ts';

export class PatchEmbedding {
  private readonly linear: Linear;
  /** int32 [T - 1, C], int16 [T - 1, C]; int32 [T] of zeros; int64 [C] that nobody reads. */
  private readonly sums: Pointer;
  private readonly operand: Pointer;
  private readonly zeros: Pointer;
  private readonly unread: Pointer;

  /** tokens: T; size: numbers of a patch. */
  constructor(arena: Arena, private readonly tokens: number, private readonly channels: number, size: number) {
    const rows = tokens - 1;
    this.linear = new Linear(arena, layoutWeight(arena, channels, size), LOCK.patch, layoutLinearScratch(arena, rows, Math.max(channels, size)));
    this.sums = arena.allocate('workspace', rows * channels * 4);
    this.operand = arena.allocate('workspace', rows * channels * 2);
    this.zeros = arena.allocate('workspace', tokens * 4);
    this.unread = arena.allocate('workspace', channels * 8);
  }

  prepare(d: Device, store: ParameterStore): void {
    this.linear.load(store, 'patch');
    this.linear.prepare(d, { copy: true, forward: true, backward: false });
  }

  /** x_0 int32 [T, C], l fraction bits, from patches int16 [T - 1, size] with PIXEL_FRACTION. */
  forward(d: Device, store: ParameterStore, patches: Pointer, x: Pointer, l: number): void {
    const { channels: C } = this, n = (this.tokens - 1) * C, position = store.get('position.weight').master, shift = MASTER_FRACTION - l;
    this.linear.forwardBranch(d, patches, PIXEL_FRACTION, this.sums, this.tokens - 1);
    d.kernels.combine_i32(store.get('class.weight').master, 1, shift, position, 1, shift, 0, 0, x, C);
    d.kernels.combine_i32(this.sums, 1, BRANCH_FRACTION - l, position + C * 4, 1, shift, 0, 0, x + C * 4, n);
  }

  /** Adds dL/dx_0 to the gradients of positions, class token and patch weights. */
  backward(d: Device, store: ParameterStore, patches: Pointer, dx: Scaled): void {
    const { channels: C } = this, rows = this.tokens - 1, position = store.get('position.weight').gradient;
    const later: Scaled = { at: dx.at + C * 4, exponent: dx.exponent };
    embeddingBackward(d, this.zeros, dx, store.get('class.weight').gradient, position, 1, C);
    embeddingBackward(d, this.zeros, later, this.unread, position + C * 8, rows, C);
    const operand: Scaled = { at: this.operand, exponent: toOperand(d, later, this.operand, rows, C, OPERAND_MAX) };
    this.linear.backwardWeight(d, operand, patches, PIXEL_FRACTION, rows);
  }
}
