// A back end with views of its memory and the counters of the step: what every operation works on. The memory is sized before
// the first step and never grows, so the views stay valid.

import type { Backend, Kernels, Pointer } from './kernels.ts';
import { Team } from './team.ts';

/** Saturated elements (a format's range was left, the value clamped) and state elements beyond the accepted range. */
export interface Counts {
  saturated: number;
  overflowed: number;
}

export class Device {
  readonly kernels: Kernels;
  readonly bytes: Uint8Array;
  readonly int32: Int32Array;
  readonly int64: BigInt64Array;
  readonly counts: Counts = { saturated: 0, overflowed: 0 };

  /** The threads at work; alone unless a pool says otherwise. */
  team = new Team(new Int32Array(0));

  constructor(readonly backend: Backend) {
    const { buffer } = backend.memory;
    this.kernels = backend.kernels;
    this.bytes = new Uint8Array(buffer);
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
