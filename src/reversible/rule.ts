// What an update rule of the residual stream is. A stack owns the order of blocks and, for each
// sequence, a lane: two states and their gradients. A rule says how a block changes a lane, how
// that is undone exactly, and how gradients pass. It sees one block and one sequence at a time,
// through a Site.

import { made } from '../core/check.ts';
import type { Pointer } from '../kernels/kernels.ts';
import { STATE_LIMIT_BITS } from '../memory/formats.ts';
import type { Gradient } from '../memory/tensor.ts';
import type { Run } from '../ops/run.ts';

/** One sequence's place: the state that the next block reads and a second one (BDIA: x_k and
 *  x_{k-1}), and their gradients a and b. */
export interface Lane {
  /** int32 [rows, C], l fraction bits: what the next block reads. */
  last: Pointer;
  /** int32 [rows, C]: the rule says what it is. */
  previous: Pointer;
  /** Of `last`, int32. */
  readonly a: Gradient;
  /** Of `previous`, int32, up to bSign. */
  readonly b: Gradient;
  /** The gradient of `previous` is bSign * b. 0: it is zero. */
  bSign: number;
  /** What the rule keeps beside the states to undo its updates (sideBytes). */
  readonly side: Pointer;
}

/** A block at a sequence. */
export interface Site {
  /** Kernels and views of memory. */
  readonly run: Run;
  /** Of the sequence. */
  readonly lane: Lane;
  /** Block k of the stack's `layers`. */
  readonly k: number;
  /** The same block among all of the model, for random draws. */
  readonly block: number;
  /** L: blocks of the stack. */
  readonly layers: number;
  /** Elements of the sequence's state. */
  readonly n: number;
  /** Fraction bits of states. */
  readonly l: number;
  /** int32 [n], 16 fraction bits: what `branch` computes. */
  readonly h: Pointer;
  /** int32 [n] that may be overwritten on the way forward. */
  readonly spare: Pointer;
  /** A training pass; else inference. */
  readonly isTraining: boolean;
  /** The run's seed: with step, sample and block what random draws are a function of. */
  readonly seed: number;
  /** 0-based. */
  readonly step: number;
  /** Place in the batch. */
  readonly sample: number;
  /** Inference of a rule with gamma: 8 gamma, usually 0. */
  readonly gamma8: number;
  /** Sublayers of the block. */
  readonly parts: number;
  /** h = sum of sublayers from .. to of the block at state x; keeps what `gradient` needs. */
  branch(x: Pointer, from?: number, to?: number): void;
  /** Turns dBranch, dL/dh, into the gradient of x through those sublayers; adds to the weights'. */
  gradient(from?: number, to?: number): void;
  /** dL/dh, which `gradient` turns into the gradient of x: int32 [n]. */
  readonly dBranch: Gradient;
}

/** How blocks change a residual stream, and how that is undone. What a rule does to an element it
 *  does by what stands at that element alone, so that text can be generated row by row. */
export interface UpdateRule {
  /** Its name in checkpoints. */
  readonly name: string;
  /** What a checkpoint keeps of it beside the name. */
  readonly options: Readonly<Record<string, number | boolean>>;
  /** Inference can be run with another gamma than 0. */
  readonly hasGamma: boolean;
  /** Throws UsageError if it cannot be exact over so many blocks of so many sublayers. */
  check?(layers: number, parts: number): void;
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
  /** A fingerprint of what `inverse` has rebuilt, or of the same on the way forward, before block
   *  k; undefined: nothing. */
  fingerprint?(site: Site): number | undefined;
  /** Before the last block's gradient: dL/d output is in lane.a; b is zero. */
  seed?(site: Site): void;
  /** a, b: gradients of the states after block k -> before. The block's activations are at hand. */
  backward(site: Site): void;
  /** After block 0: the gradient of x_0 goes to lane.a. Default: it is there. */
  finish?(site: Site): void;
}

/** Throws UsageError for what is no update rule, such as a name or a rule that was not called. */
export function checkRule(rule: unknown): void {
  const expected =
    'an update rule: bdia(), plain(), leapfrog(), momentum(), coupling() or your own';
  made<UpdateRule>('rule', rule, ['sideBytes', 'forward', 'backward'], expected);
}

/** Largest |raw| of a state that a step accepts.
 *  @example
 *  console.log(stateLimit(9) === 2 ** 23); // true
 */
export const stateLimit = (l: number): number => 2 ** (STATE_LIMIT_BITS + l);

/** A fingerprint of both states of a lane, 0..2^32 - 1.
 *  @example
 *  const run = new Run(createWasmBackend({ pages: 1 }));
 *  const { base } = run.backend;
 *  run.view(base, 2).set([7, 9]);
 *  const lane = { last: base, previous: base + 4 };
 *  console.log(pairHash({ run, lane, n: 1 }) === pairHash({ run, lane, n: 1 })); // true
 */
export const pairHash = ({ run, lane, n }: Site): number =>
  (run.kernels.hash_i32(lane.last, n) ^
    Math.imul(run.kernels.hash_i32(lane.previous, n), 0x9e3779b1)) >>>
  0;
