// The specification that runs: the formula of the contract, element by element. In the library a
// file of src/kernels/reference.

import type { SumAbs } from './contract.ts';

/** On the memory of a back end. */
export const sumAbsReference = (memory: { readonly buffer: ArrayBufferLike }): SumAbs => ({
  sum_abs_i16i32(a, n) {
    let sum = 0;
    for (const value of new Int16Array(memory.buffer, a, n)) sum += Math.abs(value);
    return sum;
  },
});
