// The memory of the reference back end: one ArrayBuffer, read through typed arrays that begin at a
// pointer, so that a kernel's code can index from 0 as its formula does. The views use the host's
// byte order, which is taken to be little-endian like WebAssembly's (every platform that runs a
// current JavaScript engine is). A misaligned pointer throws a RangeError.

import type { Pointer } from '../kernels.ts';

/** Views of the memory that the reference kernels work on. */
export class Memory {
  readonly buffer: ArrayBuffer;

  constructor(bytes: number) {
    // every view below must end on a whole element
    this.buffer = new ArrayBuffer(Math.ceil(bytes / 64) * 64);
  }

  uint8(at: Pointer): Uint8Array {
    return new Uint8Array(this.buffer, at);
  }

  int16(at: Pointer): Int16Array {
    return new Int16Array(this.buffer, at);
  }

  int32(at: Pointer): Int32Array {
    return new Int32Array(this.buffer, at);
  }

  uint32(at: Pointer): Uint32Array {
    return new Uint32Array(this.buffer, at);
  }

  int64(at: Pointer): BigInt64Array {
    return new BigInt64Array(this.buffer, at);
  }
}
