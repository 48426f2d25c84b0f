// What every layer works with: the kernels and views of their memory, the threads, the counters,
// and all that varies within a step. The memory is sized before the first step and never grows, so
// the views stay valid.

import type { Backend, Kernels, Pointer } from '../kernels/kernels.ts';
import type { Gradient, Tensor } from '../memory/tensor.ts';
import { Team } from '../threads/team.ts';
import { Sum } from './sum.ts';

/** Saturated elements (a format's range was left, the value clamped) and state elements beyond the
 *  accepted range. */
export interface Counts {
  saturated: number;
  overflowed: number;
}

/** Another sequence that cross-attention looks at, and its gradient, int32, to which it adds. */
export interface Memory {
  readonly tensor: Tensor;
  readonly gradient: Gradient;
}

export class Run {
  readonly kernels: Kernels;
  readonly bytes: Uint8Array;
  readonly int16: Int16Array;
  readonly int32: Int32Array;
  readonly int64: BigInt64Array;
  readonly counts: Counts = { saturated: 0, overflowed: 0 };
  /** The threads at work; alone unless a pool says otherwise. */
  team = new Team(new Int32Array(0));
  /** Which block of a stack the weights at hand are of; 0 outside of stacks. */
  block = 0;
  /** What the sample at hand can look at. */
  memory: Memory | undefined;
  /** The one sum of gradients that is being written down. */
  readonly sum = new Sum(this);

  constructor(readonly backend: Backend) {
    const { buffer } = backend.memory;
    this.kernels = backend.kernels;
    this.bytes = new Uint8Array(buffer);
    this.int16 = new Int16Array(buffer);
    this.int32 = new Int32Array(buffer);
    this.int64 = new BigInt64Array(buffer);
  }

  clear(at: Pointer, sizeBytes: number): void {
    this.bytes.fill(0, at, at + sizeBytes);
  }

  /** The int32s at an address, as a view. */
  view(at: Pointer, length: number): Int32Array {
    return this.int32.subarray(at / 4, at / 4 + length);
  }
}
