// The reversible update (Zhang et al. 2024, "On Exact Bit-level Reversible Transformers Without
// Changing Architectures"):
//   next = gamma prev + (1 - gamma) x + (1 + gamma) h, gamma = +-2^-m,
// rounded so that prev can be recovered from next and x with m bits an element kept on the side.
// Everything wraps: an overflow spoils the model but never the reversal.

import { BRANCH_FRACTION, STATE_LIMIT_BITS } from '../../memory/formats.ts';
import type { Kernels } from '../kernels.ts';
import { modulo, shiftRightFloor, wrapInt32 } from './fixed.ts';
import type { Memory } from './memory.ts';

/** R(X, h): the part of the update that is known to the inverse as well. */
function rounded(X: number, h: number, l: number, sigma: number, m: number): number {
  const s = BRANCH_FRACTION - l + m;
  const v = wrapInt32((2 ** m + sigma) * h - sigma * modulo(X, m) * 2 ** (BRANCH_FRACTION - l));
  const base = wrapInt32(X - sigma * shiftRightFloor(X, m) + shiftRightFloor(v, s));
  return wrapInt32(base + shiftRightFloor(modulo(v, s) + 2 ** (s - 1) - 1 + (base & 1), s));
}

/** Writes the bits of b, of element i, to the planes. */
function setSide(side: Uint8Array, plane: number, i: number, b: number): void {
  for (let j = 0; b >> j > 0; j++) side[j * plane + (i >> 3)] |= ((b >> j) & 1) << (i & 7);
}

export function bdiaKernels(memory: Memory): Pick<Kernels, 'bdia_step_i32' | 'bdia_inverse_i32'> {
  return {
    bdia_step_i32(prev, x, h, next, side, n, l, sigma, m) {
      const X = memory.int32(x);
      const H = memory.int32(h);
      const Next = memory.int32(next);
      const Prev = sigma === 0 ? undefined : memory.int32(prev);
      const Side = sigma === 0 ? undefined : memory.uint8(side);
      const plane = Math.ceil(n / 8);
      Side?.fill(0, 0, m * plane);
      let beyond = 0;
      for (let i = 0; i < n; i++) {
        if (Prev === undefined || Side === undefined) Next[i] = rounded(X[i], H[i], l, 0, 0);
        else {
          const b = modulo(-Prev[i], m);
          const kept = sigma * (shiftRightFloor(Prev[i], m) + Math.min(b, 1));
          Next[i] = wrapInt32(kept + rounded(X[i], H[i], l, sigma, m));
          setSide(Side, plane, i, b);
        }
        if (Math.abs(Next[i]) > 2 ** (STATE_LIMIT_BITS + l)) beyond++;
      }
      return beyond;
    },

    bdia_inverse_i32(next, x, h, side, prev, n, l, sigma, m) {
      const Next = memory.int32(next);
      const X = memory.int32(x);
      const H = memory.int32(h);
      const Side = memory.uint8(side);
      const Prev = memory.int32(prev);
      const plane = Math.ceil(n / 8);
      for (let i = 0; i < n; i++) {
        let b = 0;
        for (let j = 0; j < m; j++) b |= ((Side[j * plane + (i >> 3)] >> (i & 7)) & 1) << j;
        const A = wrapInt32(sigma * (Next[i] - rounded(X[i], H[i], l, sigma, m)));
        Prev[i] = wrapInt32(A * 2 ** m - b);
      }
    },
  };
}
