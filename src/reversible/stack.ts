// The reversible stack of blocks for up to `sequences` sequences at a time. Forward keeps the last two states of each sequence
// and the side bits; backward rebuilds each earlier state exactly, recomputes that block and backpropagates through it
// (online back-propagation, docs/reversibility.md):
//   dh = (1 + gamma) a,   (a, b) <- (b + (1 - gamma) a + J^T dh,  gamma a),   a = dL/dx_{k+1}, b = the part of dL/dx_k from x_{k+2}
// A rule that stores (rule.rebuilds = false) takes the same path with gamma = 0 and kept activations.

import { OverflowError, ReconstructionError } from '../errors.ts';
import type { Device } from '../kernels/device.ts';
import type { Pointer } from '../kernels/kernels.ts';
import { Team } from '../kernels/team.ts';
import { ActivationSlab, type Block, type BlockActivations, type BlockShape } from '../nn/block.ts';
import type { ParameterStore } from '../nn/parameters.ts';
import { type Scaled, combine } from '../ops/gradient.ts';
import type { Arena } from '../tensor/arena.ts';
import { STATE_LIMIT_BITS } from '../tensor/formats.ts';
import type { UpdateRule } from './rule.ts';

export interface StackShape extends BlockShape {
  readonly layers: number;
  /** Sequences held at a time. */
  readonly sequences: number;
  /** Threads that may work at once. */
  readonly threads: number;
  /** l: fraction bits of the state. */
  readonly fraction: number;
}

/** One sequence's place: the states x_{k+1} (`last`) and x_k (`previous`), and its gradients a and b. */
interface Lane {
  last: Pointer;
  previous: Pointer;
  a: Scaled;
  b: Scaled;
  /** b = bSign * raw: b is the old a, with gamma's sign taken along and its size in the exponent. 0: b is zero. */
  bSign: number;
}

/** Checked states of a step, and elements that differed. */
export interface Reconstruction {
  checkedStates: number;
  mismatchedElements: number;
}

/** What makes a pass a training pass: the step, the sample that lane 0 holds, and how to embed a lane's tokens again. */
export interface Training {
  readonly step: number;
  readonly first: number;
  /** Writes x_0 of lane s to `at`; called only to name the element of a failed reconstruction. */
  readonly embed: (s: number, at: Pointer) => void;
}

/** Bytes of one block's side bits for one sequence: m planes of one bit an element. */
export const sideBytes = (elements: number, shift: number): number => Math.ceil(elements / 8) * shift;

export class Stack {
  private readonly lanes: Lane[];
  private readonly kept: ActivationSlab;
  private readonly side: Pointer;
  /** int32 [T, C] of each thread: h, and a gradient. */
  private readonly scratch: { readonly h: Pointer; readonly dBranch: Pointer }[];
  /** Fingerprints of x_k of every lane, made at the first step. */
  private hashes: Uint32Array | undefined;
  private readonly n: number;
  readonly reconstruction: Reconstruction = { checkedStates: 0, mismatchedElements: 0 };

  constructor(arena: Arena, private readonly shape: StackShape, private readonly rule: UpdateRule, private readonly verify: boolean) {
    const { context, channels, layers, sequences } = shape;
    this.n = context * channels;
    const state = (): Pointer => arena.allocate('states', this.n * 4);
    this.lanes = Array.from({ length: sequences }, () => ({
      last: state(), previous: state(), a: { at: state(), exponent: 0 }, b: { at: state(), exponent: 0 }, bSign: 0,
    }));
    this.kept = rule.rebuilds
      ? new ActivationSlab(arena, 'workspace', shape, shape.threads)
      : new ActivationSlab(arena, 'states', shape, layers * sequences);
    // A rule that stores has no use for the side bits that its update yields: one block's worth of room is written over and over.
    this.side = arena.allocate('sideBits', (rule.rebuilds ? (layers - 1) * sequences : shape.threads) * sideBytes(this.n, rule.shift));
    this.scratch = Array.from({ length: shape.threads }, () => ({ h: arena.allocate('workspace', this.n * 4), dBranch: arena.allocate('workspace', this.n * 4) }));
  }

  /** Where x_0 of lane s goes, before `forward`. */
  input(s: number): Pointer {
    return this.lanes[s].last;
  }

  /** x_L of lane s, after `forward`. */
  output(s: number): Pointer {
    return this.lanes[s].last;
  }

  /** Where dL/dx_L of lane s goes, before `backward`; set its exponent with `seed`. After: dL/dx_0. */
  gradient(s: number): Scaled {
    return this.lanes[s].a;
  }

  private activations(d: Device, block: number, s: number): BlockActivations {
    return this.kept.get(this.rule.rebuilds ? d.team.rank : block * this.shape.sequences + s);
  }

  private sideOf(d: Device, block: number, s: number): Pointer {
    if (!this.rule.rebuilds) return this.side + d.team.rank * sideBytes(this.n, this.rule.shift);
    return this.side + ((block - 1) * this.shape.sequences + s) * sideBytes(this.n, this.rule.shift);
  }

  /** Runs the blocks over `rows` tokens of lanes 0..count-1. `samples`: training, lane s is sample samples + s of `step`; without
   *  it inference, gamma = 0. */
  forward(d: Device, block: Block, store: ParameterStore, count: number, rows: number, training?: Training): void {
    const { fraction: l, layers, channels, sequences } = this.shape, n = rows * channels, { rank, size } = d.team, { h } = this.scratch[rank];
    if (training && this.verify && this.rule.rebuilds) this.hashes ??= new Uint32Array(layers * sequences);
    for (let k = 0; k < layers; k++) {
      block.prepare(d, store, k, false);
      for (let s = rank; s < count; s += size) {
        const lane = this.lanes[s];
        if (training && this.hashes) this.hashes[k * sequences + s] = d.kernels.hash_i32(lane.last, n);
        block.forward(d, lane.last, l, this.activations(d, training ? k : 0, s), h, rows);
        const sigma = training && k > 0 ? this.rule.sigma(training.step, training.first + s, k) : 0;
        const side = sigma === 0 ? 0 : this.sideOf(d, k, s);
        const beyond = d.kernels.bdia_step_i32(lane.previous, lane.last, h, lane.previous, side, n, l, sigma, Math.max(1, this.rule.shift));
        [lane.last, lane.previous] = [lane.previous, lane.last];
        d.counts.overflowed += beyond;
        if (beyond > 0 && training) throw this.outOfRange(beyond, k, training.first + s, training.step);
      }
    }
  }

  private outOfRange(count: number, block: number, sample: number, step: number): OverflowError {
    return new OverflowError(`the residual state left +-2^${STATE_LIMIT_BITS} in ${count} elements: block ${block}, sample ${sample}, step ${step + 1}; no weight was changed`,
      'lower the learning rate or lengthen the warm-up');
  }

  /** The way back: adds every block's weight gradients and leaves dL/dx_0 in gradient(s), x_0 in input(s). */
  backward(d: Device, block: Block, store: ParameterStore, count: number, training: Training): void {
    const { layers, context, fraction: l } = this.shape, { rank, size } = d.team, { h } = this.scratch[rank];
    for (let s = rank; s < count; s += size) this.lanes[s].bSign = 0;
    for (let k = layers - 1; k >= 0; k--) {
      block.prepare(d, store, k, true);
      for (let s = rank; s < count; s += size) {
        const lane = this.lanes[s], saved = this.activations(d, k, s);
        const sigma = k > 0 ? this.rule.sigma(training.step, training.first + s, k) : 0;
        if (this.rule.rebuilds) {
          block.forward(d, lane.previous, l, saved, h, context);
          if (k > 0) d.kernels.bdia_inverse_i32(lane.last, lane.previous, h, this.sideOf(d, k, s), lane.last, this.n, l, sigma, this.rule.shift);
          [lane.last, lane.previous] = [lane.previous, lane.last];
          if (k > 0) this.check(d, block, store, k - 1, s, training);
        }
        this.propagate(d, block, lane, saved, sigma);
      }
    }
  }

  /** One step of online back-propagation through a block (file header). */
  private propagate(d: Device, block: Block, lane: Lane, saved: BlockActivations, sigma: number): void {
    const { context } = this.shape, { dBranch } = this.scratch[d.team.rank], m = sigma === 0 ? 0 : this.rule.shift, unit = 2 ** m;
    const a: Scaled = { at: lane.a.at, exponent: lane.a.exponent - m };
    const dh: Scaled = { at: dBranch, exponent: combine(d, a, unit + sigma, undefined, 0, undefined, dBranch, this.n) };
    const dx: Scaled = { at: dBranch, exponent: block.backward(d, dh, saved, dBranch, context) };
    const b = lane.bSign === 0 ? undefined : lane.b;
    const next: Scaled = { at: lane.b.at, exponent: combine(d, a, unit - sigma, b, lane.bSign, dx, lane.b.at, this.n) };
    lane.b = a;
    lane.bSign = sigma;
    lane.a = next;
  }

  /** Compares the rebuilt x_k (in lane.previous) with the fingerprint of the forward pass. */
  private check(d: Device, block: Block, store: ParameterStore, k: number, s: number, training: Training): void {
    if (this.hashes === undefined) return;
    this.reconstruction.checkedStates++;
    const lane = this.lanes[s];
    if (d.kernels.hash_i32(lane.previous, this.n) === this.hashes[k * this.shape.sequences + s]) return;
    const element = this.locate(d, block, store, k, s, training);
    throw new ReconstructionError(`the state before block ${k} of sample ${training.first + s} was not rebuilt exactly in step ${training.step + 1}: ` +
      `${this.reconstruction.mismatchedElements} of ${this.n} elements differ, the first is element ${element}; no weight was changed`);
  }

  /** Runs the forward pass of lane s again up to x_k, in the buffers of its gradients, and compares: counts the elements that
   *  differ and returns the first. The step is lost already, so nothing is spared. */
  private locate(d: Device, block: Block, store: ParameterStore, k: number, s: number, training: Training): number {
    const lane = this.lanes[s], { fraction: l, channels, context } = this.shape, { h } = this.scratch[d.team.rank];
    d.team = new Team(new Int32Array(0), d.team.rank); // the others are not waited for: the step is lost
    let last = lane.a.at, previous = lane.b.at;
    training.embed(s, last);
    for (let j = 0; j < k; j++) {
      block.prepare(d, store, j, false);
      block.forward(d, last, l, this.activations(d, j, s), h, context);
      const sigma = j > 0 ? this.rule.sigma(training.step, training.first + s, j) : 0;
      d.kernels.bdia_step_i32(previous, last, h, previous, sigma === 0 ? 0 : this.sideOf(d, j, s), context * channels, l, sigma, this.rule.shift);
      [last, previous] = [previous, last];
    }
    const expected = d.view(last, this.n), rebuilt = d.view(lane.previous, this.n);
    let first = -1;
    rebuilt.forEach((value, i) => {
      if (value === expected[i]) return;
      this.reconstruction.mismatchedElements++;
      if (first < 0) first = i;
    });
    return first;
  }
}
