// One pre-layer-norm transformer block without its residual path, on one sequence:
//   h(x) = y1 + y2,  y1 = A(LN x),  y2 = F(LN(x + y1))                                                (docs/reversibility.md)
// A = attention with its projections, F = MLP with GELU; a decoder's block has cross-attention between them. x is the int32 residual
// state with l fraction bits; h is int32 with 16. `backward` maps dL/dh to dL/dx through h alone; the residual path belongs to the
// update rule (reversible/). Both can be asked for some of the sublayers only. One instance serves all blocks of a stack: prepare(k)
// loads block k's weights.

import type { Device } from '../kernels/device.ts';
import type { Pointer } from '../kernels/kernels.ts';
import { type Scaled, combine } from '../ops/gradient.ts';
import type { Preparation } from '../ops/weight.ts';
import { Arena, type Purpose } from '../tensor/arena.ts';
import { BRANCH_FRACTION } from '../tensor/formats.ts';
import { SelfAttention } from './attention.ts';
import { Mlp } from './mlp.ts';
import type { ParameterStore } from './parameters.ts';
import { type BlockShape, type Memory, type Place, type Sublayer, layoutSublayerScratch } from './sublayer.ts';

export type { BlockShape, Memory };

/** What the backward pass of a block needs of its forward pass, for one sequence: an entry a sublayer. */
export type BlockActivations = readonly unknown[];

/** What is done to a sublayer's output on the way forward, and to its gradient on the way back. */
export type Noise = (d: Device, at: Pointer, n: number, part: number, isGradient: boolean) => void;

/** Room for the activations of `count` (block, sequence) pairs, one after the other. */
export class ActivationSlab {
  private readonly at: Pointer;
  private readonly stride: number;

  constructor(arena: Arena, purpose: Purpose, private readonly block: Block, count: number) {
    const one = new Arena(0);
    block.layout(one);
    this.stride = one.total;
    this.at = arena.allocate(purpose, this.stride * count);
  }

  get(index: number): BlockActivations {
    return this.block.layout(new Arena(this.at + index * this.stride));
  }
}

export class Block {
  private readonly parts: Sublayer[];
  /** int32 [T, C] each: a sublayer's output or gradient; the gradient through the later sublayers. */
  private readonly branch: Pointer;
  private readonly dLater: Pointer;
  private readonly place: Place = { x: 0, shift: 0, before: 0, rows: 0, memory: undefined };

  /** name: of its parameters, `${name}.${k}.`. */
  constructor(arena: Arena, private readonly shape: BlockShape, private readonly name = 'block') {
    const { context: T, channels: C } = shape, scratch = layoutSublayerScratch(arena, shape);
    this.parts = [new SelfAttention(arena, shape, scratch), ...(shape.cross === undefined ? [] : [shape.cross(arena, shape, scratch)]), new Mlp(arena, shape, scratch)];
    this.branch = arena.allocate('workspace', T * C * 4);
    this.dLater = arena.allocate('workspace', T * C * 4);
  }

  /** How many sublayers there are. The last one is the MLP. */
  get count(): number {
    return this.parts.length;
  }

  layout(arena: Arena): BlockActivations {
    return this.parts.map((part) => part.layout(arena));
  }

  /** Loads the weights of block `index`. */
  prepare(d: Device, store: ParameterStore, index: number, what: Preparation): void {
    for (const part of this.parts) part.prepare(d, store, `${this.name}.${index}`, what);
  }

  /** h int32 [rows, C] with 16 fraction bits from the state x (l fraction bits): the sum of sublayers from .. to; fills `saved`. */
  forward(d: Device, x: Pointer, l: number, saved: BlockActivations, h: Pointer, rows: number, memory?: Memory, noise?: Noise, from = 0, to = this.count): void {
    const n = rows * this.shape.channels, place = Object.assign(this.place, { x, shift: BRANCH_FRACTION - l, rows, memory });
    for (let i = from; i < to; i++) {
      const y = i === from ? h : this.branch;
      place.before = i === from ? 0 : h;
      this.parts[i].forward(d, place, saved[i], y);
      noise?.(d, y, n, i, false);
      if (i > from) d.kernels.combine_i32(h, 1, 0, y, 1, 0, 0, 0, h, n);
    }
  }

  /** dx (int32 [rows, C]; the gradient through sublayers from .. to) from dh (int32); adds to the weights' gradients. Returns dx's exponent. */
  backward(d: Device, dh: Scaled, saved: BlockActivations, dx: Pointer, rows: number, memory?: Memory, noise?: Noise, from = 0, to = this.count): number {
    const n = rows * this.shape.channels, place = Object.assign(this.place, { rows, memory });
    let later: Scaled | undefined; // through the sublayers after this one
    for (let i = to - 1; i >= from; i--) {
      let dy = dh;
      if (later !== undefined || noise !== undefined) dy = { at: this.branch, exponent: combine(d, dh, 1, later, 1, undefined, this.branch, n) };
      noise?.(d, dy.at, n, i, true);
      const out = i === from ? dx : this.dLater, dz = this.parts[i].backward(d, dy, place, saved[i], later === undefined ? out : this.branch);
      later = later === undefined ? dz : { at: out, exponent: combine(d, later, 1, dz, 1, undefined, out, n) };
    }
    return (later as Scaled).exponent;
  }
}
