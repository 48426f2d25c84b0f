// Sums and products that are undone to the bit by the same kernel with other arguments: an update
// rounded before it is added, and the multiplication by a fraction that keeps what the division
// leaves (Maclaurin, Duvenaud, Adams 2015).

import type { Kernels } from '../kernels.ts';
import { floorDivide, halfEvenBig, wrapInt32 } from './fixed.ts';
import type { Memory } from './memory.ts';

export function inverseKernels(
  memory: Memory,
): Pick<Kernels, 'add_rounded_i32' | 'exchange_radix_i32u32'> {
  return {
    add_rounded_i32(x, h, y, n, factor, shift, limit) {
      const X = memory.int32(x);
      const H = memory.int32(h);
      const Y = memory.int32(y);
      let beyond = 0;
      for (let i = 0; i < n; i++) {
        Y[i] = wrapInt32(
          X[i] + Number(halfEvenBig(BigInt(H[i]) * BigInt(factor), shift) & 0xffffffffn),
        );
        if (Math.abs(Y[i]) > limit) beyond++;
      }
      return beyond;
    },

    exchange_radix_i32u32(v, digits, n, from, to, signIn, signOut) {
      const V = memory.int32(v);
      const Digits = memory.uint32(digits);
      let lost = 0;
      for (let i = 0; i < n; i++) {
        const t = wrapInt32(signIn * V[i]);
        const q = floorDivide(t, from);
        const B = Digits[i] * from + (t - q * from); // below 2^47
        const carried = floorDivide(B, to);
        V[i] = wrapInt32(signOut * (q * to + (B - carried * to)));
        Digits[i] = carried; // modulo 2^32
        if (carried >= 2 ** 32) lost++;
      }
      return lost;
    },
  };
}
