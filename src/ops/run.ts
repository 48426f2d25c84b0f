// What every layer works with: the kernels and views of their memory, the threads, the counters,
// and all that varies within a step. The memory is sized before the first step and never grows, so
// the views stay valid.

import type { Backend, Kernels, Pointer } from '../kernels/kernels.ts';
import { INFERENCE_STATE_FRACTION } from '../memory/formats.ts';
import type { Gradient, Tensor } from '../memory/tensor.ts';
import { Team } from '../threads/team.ts';
import type { AttentionInput, AttentionShape } from './attention-shape.ts';
import { Sum } from './sum.ts';

/** What a thread counts in a job. */
export interface Counts {
  /** Elements that left a format's range and were clamped. */
  saturated: number;
  /** State elements beyond the accepted range. */
  overflowed: number;
  /** States that were rebuilt and compared, and their elements that differed. */
  checkedStates: number;
  mismatchedElements: number;
}

/** Nothing counted yet. */
export const NO_COUNTS: Readonly<Counts> = {
  saturated: 0,
  overflowed: 0,
  checkedStates: 0,
  mismatchedElements: 0,
};

/** Another sequence that cross-attention looks at, and its gradient, int32, to which it adds. */
export interface Memory {
  /** The other sequence, operand. */
  readonly tensor: Tensor;
  /** int32, of the other sequence's shape. */
  readonly gradient: Gradient;
}

/** What of an attention its rows need whose keys and values are packed already. */
export interface AttentionCore {
  /** The most queries and keys. */
  readonly shape: AttentionShape;
  /** Where the packed keys of the head at hand lie. */
  keyPanels: Pointer;
  /** Where its packed values lie. */
  valuePanels: Pointer;
  /** Bytes between two panels of values. */
  valueStride: number;
  /** Moves to so many queries, of so many keys (causal: the last ones). */
  resize(rows: number, keys: number): void;
  /** One head's part of `out` from its queries with row distance ldq; p: int16 [rows, keys in whole
   *  panels], which it uses. */
  forwardHead(run: Run, q: Pointer, ldq: number, p: Pointer, out: Pointer): void;
}

/** What attention looks at when rows follow others that are kept. */
export interface RowCache {
  /** Whether the keys and values of another sequence, at which `core` looks, are not kept yet: then
   *  `forward` wants them in its input. */
  needs(core: AttentionCore): boolean;
  /** In place of `core`'s: the rows at hand, which may be of several sequences, look at the rows
   *  kept of each and at those at hand, or at another sequence. out: int16 [rows, C]. */
  forward(
    run: Run,
    input: AttentionInput,
    probabilities: Pointer,
    out: Pointer,
    core: AttentionCore,
  ): void;
}

/** Kernels, views of memory, threads and counters: what every layer works with.
 *  @example
 *  const run = new Run(createWasmBackend({ pages: 1 }));
 *  const { base } = run.backend;
 *  run.view(base, 3).set([5, -7, 2]);
 *  console.log(run.kernels.max_abs_i32(base, 3, 1, 3)); // 7
 */
export class Run {
  /** Kept by bundlers. @internal */
  static readonly name: string = 'Run';
  /** The kernels, on addresses. */
  readonly kernels: Kernels;
  /** All memory, by bytes. */
  readonly bytes: Uint8Array;
  /** All memory: index is address / 2. */
  readonly int16: Int16Array;
  /** All memory: index is address / 4. */
  readonly int32: Int32Array;
  /** All memory: index is address / 8. */
  readonly int64: BigInt64Array;
  /** Saturated and overflowed elements so far, and states that were compared. */
  readonly counts: Counts = { ...NO_COUNTS };
  /** The threads at work; alone unless a pool says otherwise. */
  team = new Team(new Int32Array(0));
  /** Which block of a stack the weights at hand are of; 0 outside of stacks. */
  block = 0;
  /** By what the generator knows the pass, and the sample at hand of layers after a stack: its
   *  place in the batch. @internal */
  pass = { seed: 0, step: 0 };
  /** @internal */
  sample = 0;
  /** l: fraction bits of the residual state in the pass at hand; a training pass has its own. A
   *  layer that makes a state writes it so. */
  stateFraction = INFERENCE_STATE_FRACTION;
  /** What the sample at hand can look at. */
  memory: Memory | undefined;
  /** Generation: what is kept of rows before those at hand; undefined: they are all rows. */
  cache: RowCache | undefined;
  /** Generation: rows of the sequence before those at hand, for layers before a stack. */
  past = 0;
  /** The one sum of gradients that is being written down. */
  readonly sum: Sum;

  constructor(
    /** Kernels and their memory. */
    readonly backend: Backend,
  ) {
    const { buffer } = backend.memory;
    this.kernels = backend.kernels;
    this.sum = new Sum(this.kernels);
    this.bytes = new Uint8Array(buffer);
    this.int16 = new Int16Array(buffer);
    this.int32 = new Int32Array(buffer);
    this.int64 = new BigInt64Array(buffer);
  }

  /** Makes bytes zero, in whole int32s: address and size are multiples of 4.
   *  @example
   *  const run = new Run(createWasmBackend({ pages: 1 }));
   *  const { base } = run.backend;
   *  run.view(base, 1)[0] = 5;
   *  run.clear(base, 4);
   *  console.log(run.view(base, 1)[0]); // 0
   */
  clear(at: Pointer, sizeBytes: number): void {
    // V8 fills shared memory an element at a time: bytes take four times as long
    this.int32.fill(0, at / 4, (at + sizeBytes) / 4);
  }

  /** The int32s at an address, as a view.
   *  @example
   *  const run = new Run(createWasmBackend({ pages: 1 }));
   *  const { base } = run.backend;
   *  run.view(base, 2).set([5, -7]);
   *  console.log(run.int32[base / 4 + 1]); // -7
   */
  view(at: Pointer, length: number): Int32Array {
    return this.int32.subarray(at / 4, at / 4 + length);
  }
}
