// What a block is made of: sublayers that each map z, the block's input plus the outputs of the sublayers before, to a branch y.

import type { Device } from '../kernels/device.ts';
import type { Pointer } from '../kernels/kernels.ts';
import type { Scaled } from '../ops/gradient.ts';
import type { Preparation } from '../ops/weight.ts';
import { type LinearScratch, layoutLinearScratch } from '../ops/linear.ts';
import { type NormScratch, layoutNormScratch } from '../ops/layer-norm.ts';
import type { Arena } from '../tensor/arena.ts';
import type { ParameterStore } from './parameters.ts';

export interface BlockShape {
  /** T: most rows of a sequence. */
  readonly context: number;
  readonly channels: number;
  readonly heads: number;
  /** Width of the MLP. */
  readonly hidden: number;
  /** Row t attends to rows 0..t only. */
  readonly causal: boolean;
  /** Most rows of the sequence that cross-attention looks at, and that sublayer; 0 and absent: there is none. */
  readonly memory: number;
  readonly cross?: (arena: Arena, shape: BlockShape, shared: SublayerScratch) => Sublayer;
}

/** Another sequence that a block looks at: int16 [rows, C] with 8 fraction bits, and its gradient, int32, to which the block adds. */
export interface Memory {
  readonly at: Pointer;
  readonly rows: number;
  readonly gradient: Scaled;
}

/** Where a sublayer works: z = x * 2^shift + before (16 fraction bits), of `rows` rows. x int32 state; before int32, 0: none. */
export interface Place {
  x: Pointer;
  shift: number;
  before: Pointer;
  rows: number;
  memory: Memory | undefined;
}

/** Buffers that sublayers use in turn. */
export interface SublayerScratch {
  readonly linear: LinearScratch;
  readonly norm: NormScratch;
  /** int16 [T, C]: an operand of the backward pass. */
  readonly dOut: Pointer;
}

export function layoutSublayerScratch(arena: Arena, { context: T, channels: C, hidden, memory }: BlockShape): SublayerScratch {
  const longest = Math.max(T, memory);
  return { linear: layoutLinearScratch(arena, longest, Math.max(3 * C, hidden)), norm: layoutNormScratch(arena, T, C), dOut: arena.allocate('workspace', T * C * 2) };
}

export interface Sublayer {
  /** Places for what the backward pass needs of one sequence; handed back as `saved`. */
  layout(arena: Arena): unknown;
  /** Loads the weights of `block`. */
  prepare(d: Device, store: ParameterStore, block: string, what: Preparation): void;
  /** y int32 [rows, C] with 16 fraction bits, within +-1024; fills `saved`. */
  forward(d: Device, place: Place, saved: unknown, y: Pointer): void;
  /** dz int32 [rows, C], the gradient of z through this sublayer, from dy int32; adds to the weights' gradients. dz may be dy. */
  backward(d: Device, dy: Scaled, place: Place, saved: unknown, dz: Pointer): Scaled;
}
