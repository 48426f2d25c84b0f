// The other half of a block: y = W2 GELU(W1 LN z), on one sequence.

import type { Device } from '../kernels/device.ts';
import type { Pointer } from '../kernels/kernels.ts';
import { type Scaled, toOperand } from '../ops/gradient.ts';
import { type NormSaved, layoutNormSaved } from '../ops/layer-norm.ts';
import { LOCK } from '../ops/locks.ts';
import { type Preparation, layoutWeight } from '../ops/weight.ts';
import type { Arena } from '../tensor/arena.ts';
import { GELU_INPUT_FRACTION, NORM_FRACTION, OPERAND_MAX, PROBABILITY_MAX } from '../tensor/formats.ts';
import { LayerNorm } from './layer-norm.ts';
import { Linear } from './linear.ts';
import type { ParameterStore } from './parameters.ts';
import type { BlockShape, Place, Sublayer, SublayerScratch } from './sublayer.ts';

interface MlpSaved {
  readonly norm: NormSaved;
  readonly up: Pointer;
  readonly activated: Pointer;
}

export class Mlp implements Sublayer {
  private readonly norm: LayerNorm;
  private readonly up: Linear;
  private readonly down: Linear;
  /** int16 [T, hidden]. */
  private readonly dWide: Pointer;
  /** Fraction bits of the GELU's output. */
  private activated = 0;

  constructor(arena: Arena, private readonly shape: BlockShape, private readonly shared: SublayerScratch) {
    const { context: T, channels: C, hidden } = shape;
    this.norm = new LayerNorm(arena, C, shared.norm);
    this.up = new Linear(arena, layoutWeight(arena, hidden, C), LOCK.up, shared.linear);
    this.down = new Linear(arena, layoutWeight(arena, C, hidden), LOCK.down, shared.linear);
    this.dWide = arena.allocate('workspace', T * hidden * 2);
  }

  layout(arena: Arena): MlpSaved {
    const { context: T, channels: C, hidden } = this.shape;
    return { norm: layoutNormSaved(arena, T, C), up: arena.allocate('states', T * hidden * 2), activated: arena.allocate('states', T * hidden * 2) };
  }

  prepare(d: Device, store: ParameterStore, block: string, what: Preparation): void {
    this.norm.prepare(d, store, `${block}.norm2`);
    this.up.load(store, `${block}.up`);
    this.down.load(store, `${block}.down`);
    this.up.prepare(d, what);
    this.down.prepare(d, what);
    this.activated = this.up.fractionOf(d, 0, this.shape.hidden, this.norm.scale(d));
  }

  forward(d: Device, { x, shift, before, rows }: Place, saved: MlpSaved, y: Pointer): void {
    const { hidden } = this.shape;
    this.norm.forward(d, x, shift, before, saved.norm, rows);
    this.up.sums(d, saved.norm.out, rows);
    this.up.round(d, saved.up, 0, hidden, NORM_FRACTION, GELU_INPUT_FRACTION, PROBABILITY_MAX, rows);
    d.counts.saturated += d.kernels.gelu_forward_i16i16(saved.up, saved.activated, rows * hidden, GELU_INPUT_FRACTION - this.activated);
    this.down.forwardBranch(d, saved.activated, this.activated, y, rows);
  }

  backward(d: Device, dy: Scaled, { rows }: Place, saved: MlpSaved, dz: Pointer): Scaled {
    const { channels: C, hidden } = this.shape, { dWide, shared: { dOut, linear: { sums } } } = this;
    const dDown: Scaled = { at: dOut, exponent: toOperand(d, dy, dOut, rows, C, OPERAND_MAX) };
    const { exponent } = this.down.backward(d, dDown, saved.activated, this.activated, sums, rows);
    d.kernels.gelu_backward_i32(sums, saved.up, sums, rows * hidden);
    const dUp: Scaled = { at: dWide, exponent: toOperand(d, { at: sums, exponent: exponent + 1 }, dWide, rows, hidden, OPERAND_MAX) };
    const dNorm = this.up.backward(d, dUp, saved.norm.out, NORM_FRACTION, sums, rows);
    return { at: dz, exponent: this.norm.backward(d, dNorm, saved.norm, dz, rows) };
  }
}
