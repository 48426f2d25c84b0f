// One pre-layer-norm transformer block without its residual path, on one sequence:
//   h(x) = y1 + y2,  y1 = A(LN x),  y2 = F(LN(x + y1))                                                (docs/reversibility.md)
// A = causal attention with its projections, F = MLP with GELU. x is the int32 residual state with l fraction bits; h is int32
// with 16. `backward` maps dL/dh to dL/dx through h alone; the residual path belongs to the update rule (reversible/).
// One instance serves all blocks of a model: prepare(k) loads block k's weights.

import type { Device } from '../kernels/device.ts';
import type { Pointer } from '../kernels/kernels.ts';
import { type AttentionFormat, type AttentionScratch, type AttentionShape, attentionBackward, attentionForward, layoutAttentionScratch, probabilityBytes } from '../ops/attention.ts';
import { type Scaled, combine, toOperand } from '../ops/gradient.ts';
import { layoutLinearScratch } from '../ops/linear.ts';
import { type NormSaved, layoutNormScratch } from '../ops/layer-norm.ts';
import { Arena, type Purpose } from '../tensor/arena.ts';
import { BRANCH_FRACTION, GELU_INPUT_FRACTION, NORM_FRACTION, OPERAND_MAX, PROBABILITY_MAX } from '../tensor/formats.ts';
import { LayerNorm } from './layer-norm.ts';
import { Linear } from './linear.ts';
import { LOCK } from '../ops/locks.ts';
import { layoutWeight } from '../ops/weight.ts';
import type { ParameterStore } from './parameters.ts';

export interface BlockShape {
  readonly context: number;
  readonly channels: number;
  readonly heads: number;
  readonly hidden: number;
}

/** What the backward pass of a block needs of its forward pass, for one sequence. */
export interface BlockActivations {
  readonly norm1: NormSaved;
  readonly qkv: Pointer;
  readonly probabilities: Pointer;
  readonly attended: Pointer;
  readonly norm2: NormSaved;
  readonly up: Pointer;
  readonly activated: Pointer;
}

function layoutActivations(arena: Arena, { context: T, channels: C, heads, hidden }: BlockShape): BlockActivations {
  const int16 = (n: number): Pointer => arena.allocate('states', n * 2);
  const norm = (): NormSaved => ({ out: int16(T * C), xhat: int16(T * C), rstd: arena.allocate('states', T * 4) });
  return {
    norm1: norm(), qkv: int16(T * 3 * C), probabilities: arena.allocate('states', probabilityBytes(T, heads)), attended: int16(T * C),
    norm2: norm(), up: int16(T * hidden), activated: int16(T * hidden),
  };
}

/** Room for the activations of `count` (block, sequence) pairs, one after the other. */
export class ActivationSlab {
  private readonly at: Pointer;
  private readonly stride: number;

  constructor(arena: Arena, purpose: Purpose, private readonly shape: BlockShape, count: number) {
    const one = new Arena(0);
    layoutActivations(one, shape);
    this.stride = one.total;
    this.at = arena.allocate(purpose, this.stride * count);
  }

  get(index: number): BlockActivations {
    return layoutActivations(new Arena(this.at + index * this.stride), this.shape);
  }
}

export class Block {
  private readonly norm1: LayerNorm;
  private readonly qkv: Linear;
  private readonly projection: Linear;
  private readonly norm2: LayerNorm;
  private readonly up: Linear;
  private readonly down: Linear;
  private readonly attention: AttentionScratch;
  /** int32 [T, C] each: y2 or a gradient; the gradient through the second norm. */
  private readonly branch: Pointer;
  private readonly dMiddle: Pointer;
  /** int16 operands of the backward pass: [T, C], [T, hidden], [T, 3C]. */
  private readonly dOut: Pointer;
  private readonly dWide: Pointer;
  private readonly dQkv: Pointer;
  private readonly sums: Pointer;
  /** Fraction bits of the loaded block's activations. */
  private format: AttentionFormat & { activated: number } = { queryKey: 0, value: 0, activated: 0 };

  constructor(arena: Arena, private readonly shape: BlockShape) {
    const { context: T, channels: C, hidden } = shape, widest = Math.max(3 * C, hidden);
    const linear = layoutLinearScratch(arena, T, widest), norm = layoutNormScratch(arena, T, C);
    this.norm1 = new LayerNorm(arena, C, norm);
    this.norm2 = new LayerNorm(arena, C, norm);
    this.qkv = new Linear(arena, layoutWeight(arena, 3 * C, C), LOCK.qkv, linear);
    this.projection = new Linear(arena, layoutWeight(arena, C, C), LOCK.projection, linear);
    this.up = new Linear(arena, layoutWeight(arena, hidden, C), LOCK.up, linear);
    this.down = new Linear(arena, layoutWeight(arena, C, hidden), LOCK.down, linear);
    this.attention = layoutAttentionScratch(arena, { rows: T, channels: C, heads: shape.heads });
    this.branch = arena.allocate('workspace', T * C * 4);
    this.dMiddle = arena.allocate('workspace', T * C * 4);
    this.dOut = arena.allocate('workspace', T * C * 2);
    this.dWide = arena.allocate('workspace', T * hidden * 2);
    this.dQkv = arena.allocate('workspace', T * 3 * C * 2);
    this.sums = linear.sums;
  }

  /** Loads the weights of block `index`; `backward`: also what only the backward pass needs. */
  prepare(d: Device, store: ParameterStore, index: number, backward: boolean): void {
    const name = `block.${index}`;
    for (const part of ['norm1', 'norm2'] as const) this[part].prepare(d, store, `${name}.${part}`);
    for (const part of ['qkv', 'projection', 'up', 'down'] as const) {
      this[part].load(store, `${name}.${part}`);
      this[part].prepare(d, backward);
    }
    const { channels: C, hidden } = this.shape, scale = this.norm1.scale(d);
    this.format = {
      queryKey: this.qkv.fractionOf(d, 0, 2 * C, scale), value: this.qkv.fractionOf(d, 2 * C, 3 * C, scale),
      activated: this.up.fractionOf(d, 0, hidden, this.norm2.scale(d)),
    };
  }

  private attentionShape(rows: number): AttentionShape {
    return { rows, channels: this.shape.channels, heads: this.shape.heads };
  }

  /** h int32 [rows, C] with 16 fraction bits from the state x (l fraction bits); fills `saved`. */
  forward(d: Device, x: Pointer, l: number, saved: BlockActivations, h: Pointer, rows: number): void {
    const shift = BRANCH_FRACTION - l, { channels: C, hidden } = this.shape, { format } = this;
    this.norm1.forward(d, x, shift, 0, saved.norm1, rows);
    this.qkv.sums(d, saved.norm1.out, rows);
    this.qkv.round(d, saved.qkv, 0, 2 * C, NORM_FRACTION, format.queryKey, OPERAND_MAX, rows);
    this.qkv.round(d, saved.qkv, 2 * C, 3 * C, NORM_FRACTION, format.value, OPERAND_MAX, rows);
    attentionForward(d, saved.qkv, saved.probabilities, saved.attended, this.attentionShape(rows), format, this.attention);
    this.projection.forwardBranch(d, saved.attended, format.value, h, rows);
    this.norm2.forward(d, x, shift, h, saved.norm2, rows);
    this.up.sums(d, saved.norm2.out, rows);
    this.up.round(d, saved.up, 0, hidden, NORM_FRACTION, GELU_INPUT_FRACTION, PROBABILITY_MAX, rows);
    d.counts.saturated += d.kernels.gelu_forward_i16i16(saved.up, saved.activated, rows * hidden, GELU_INPUT_FRACTION - format.activated);
    this.down.forwardBranch(d, saved.activated, format.activated, this.branch, rows);
    d.kernels.combine_i32(h, 1, 0, this.branch, 1, 0, 0, 0, h, rows * C);
  }

  /** dx (int32 [rows, C]; the gradient through h) from dh (int32); adds to the weights' gradients. Returns dx's exponent. */
  backward(d: Device, dh: Scaled, saved: BlockActivations, dx: Pointer, rows: number): number {
    const { channels: C } = this.shape, n = rows * C;
    const middle = this.backwardMlp(d, dh, saved, rows);
    const y1: Scaled = { at: this.branch, exponent: combine(d, dh, 1, middle, 1, undefined, this.branch, n) };
    const input = this.backwardAttention(d, y1, saved, rows);
    return combine(d, middle, 1, input, 1, undefined, dx, n);
  }

  /** The gradient of x + y1 through the MLP, in dMiddle. */
  private backwardMlp(d: Device, dh: Scaled, saved: BlockActivations, rows: number): Scaled {
    const { channels: C, hidden } = this.shape;
    const dy2: Scaled = { at: this.dOut, exponent: toOperand(d, dh, this.dOut, rows, C, OPERAND_MAX) };
    this.down.backwardWeight(d, dy2, saved.activated, this.format.activated, rows);
    const exponent = this.down.backwardInput(d, dy2, this.sums, rows);
    d.kernels.gelu_backward_i32(this.sums, saved.up, this.sums, rows * hidden);
    const dUp: Scaled = { at: this.dWide, exponent: toOperand(d, { at: this.sums, exponent: exponent + 1 }, this.dWide, rows, hidden, OPERAND_MAX) };
    this.up.backwardWeight(d, dUp, saved.norm2.out, NORM_FRACTION, rows);
    const dNorm: Scaled = { at: this.sums, exponent: this.up.backwardInput(d, dUp, this.sums, rows) };
    return { at: this.dMiddle, exponent: this.norm2.backward(d, dNorm, saved.norm2, this.dMiddle, rows) };
  }

  /** The gradient of x through the attention, in this.branch (which may hold dy1). */
  private backwardAttention(d: Device, dy1: Scaled, saved: BlockActivations, rows: number): Scaled {
    const { channels: C } = this.shape;
    const dProjected: Scaled = { at: this.dOut, exponent: toOperand(d, dy1, this.dOut, rows, C, OPERAND_MAX) };
    this.projection.backwardWeight(d, dProjected, saved.attended, this.format.value, rows);
    const exponent = this.projection.backwardInput(d, dProjected, this.sums, rows);
    const dAttended: Scaled = { at: this.dOut, exponent: toOperand(d, { at: this.sums, exponent }, this.dOut, rows, C, OPERAND_MAX) };
    const dQkv: Scaled = { at: this.dQkv, exponent: attentionBackward(d, dAttended, saved.qkv, saved.probabilities, this.dQkv, this.attentionShape(rows), this.format, this.attention) };
    this.qkv.backwardWeight(d, dQkv, saved.norm1.out, NORM_FRACTION, rows);
    const dNorm: Scaled = { at: this.sums, exponent: this.qkv.backwardInput(d, dQkv, this.sums, rows) };
    return { at: this.branch, exponent: this.norm1.backward(d, dNorm, saved.norm1, this.branch, rows) };
  }
}
