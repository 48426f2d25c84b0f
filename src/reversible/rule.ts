// What an update rule of the residual stream is. A stack owns the order of blocks and, for each sequence, a lane: two states and their
// gradients. A rule says how a block changes a lane, how that is undone exactly, and how gradients pass. It sees one block and one
// sequence at a time, through a Site.

import { STATE_LIMIT_BITS } from '../tensor/formats.ts';
import type { Device } from '../kernels/device.ts';
import type { Pointer } from '../kernels/kernels.ts';
import type { Scaled } from '../ops/gradient.ts';

/** One sequence's place: the state that the next block reads and a second one (BDIA: x_k and x_{k-1}), and their gradients a and b. */
export interface Lane {
  last: Pointer;
  previous: Pointer;
  a: Scaled;
  b: Scaled;
  /** The gradient of `previous` is bSign * b. 0: it is zero. */
  bSign: number;
  /** What the rule keeps beside the states to undo its updates (sideBytes). */
  side: Pointer;
}

/** A block at a sequence. */
export interface Site {
  readonly d: Device;
  readonly lane: Lane;
  /** Block k of the stack's `layers`; block `block` of the model's, for random draws. */
  readonly k: number;
  readonly block: number;
  readonly layers: number;
  /** Elements of the sequence's state, and their fraction bits l. */
  readonly n: number;
  readonly l: number;
  /** int32 [n], 16 fraction bits: what `branch` computes. */
  readonly h: Pointer;
  /** int32 [n] that may be overwritten on the way forward. */
  readonly spare: Pointer;
  /** Step and sample of a training pass; undefined: inference. */
  readonly training: { readonly step: number; readonly sample: number } | undefined;
  /** Inference of a rule with gamma: 8 gamma, usually 0. */
  readonly gamma8: number;
  /** Sublayers of the block; the last one is the MLP. */
  readonly parts: number;
  /** h = sum of sublayers from .. to of the block at state x; keeps what `gradient` needs. */
  branch(x: Pointer, from?: number, to?: number): void;
  /** The gradient of x through those sublayers, in a buffer of the site, from dh in `dBranch`; adds to the weights' gradients. */
  gradient(dhExponent: number, from?: number, to?: number): Scaled;
  readonly dBranch: Pointer;
}

export interface UpdateRule {
  readonly name: string;
  /** Bytes a lane of n elements needs beside its states. */
  sideBytes(n: number, layers: number): number;
  /** Before block 0: x_0 is in lane.last. */
  begin?(site: Site): void;
  /** lane: states before block k -> after. Returns the count of elements beyond +-2^14. */
  forward(site: Site): number;
  /** After the last block: where the stack's output is. Default lane.last. May use lane.b.at. */
  output?(site: Site): Pointer;
  /** lane: states after block k -> before, bit for bit. Absent: the rule cannot run backward. */
  inverse?(site: Site): void;
  /** A fingerprint of what `inverse` has rebuilt, or of the same on the way forward, before block k; undefined: nothing. */
  fingerprint?(site: Site): number | undefined;
  /** Before the last block's gradient: dL/d output is in lane.a; b is zero. */
  seed?(site: Site): void;
  /** a, b: gradients of the states after block k -> before. The block's activations are at hand. */
  backward(site: Site): void;
  /** After block 0: the gradient of x_0 goes to lane.a. Default: it is there. */
  finish?(site: Site): void;
}

/** Largest |raw| of a state that a step accepts. */
export const stateLimit = (l: number): number => 2 ** (STATE_LIMIT_BITS + l);

/** A fingerprint of both states. */
export const pairHash = ({ d, lane, n }: Site): number => (d.kernels.hash_i32(lane.last, n) ^ Math.imul(d.kernels.hash_i32(lane.previous, n), 0x9e3779b1)) >>> 0;
