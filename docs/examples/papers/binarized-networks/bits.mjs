// Products of signs as counts of bits, in place of int16 products: `products` of binaryLinear.

import { UsageError } from 'retrograd';
import { kernelsOf } from './popcount.mjs';

/** A pixel p is 16 (2 p - 255), and 4080 less that is 2^5 (255 - p): bits that are 1 for -1. */
const [PIXEL_MAX, PIXEL_SHIFT, PIXEL_BITS] = [4080, 5, 8];
const PIXEL_FRACTION = 11;
const SIGN_BIT = 15;

/** Bytes of rows of bits, in panels of 8 (kernel/contract.ts). */
export const bitBytes = (rows, k) => Math.ceil(rows / 8) * 8 * Math.ceil(k / 64) * 8;

export const bits = {
  plan(at, { out, into, rows: most }) {
    const panels = at.own(bitBytes(out, into));
    const left = at.scratch('bits', bitBytes(most, into));
    const complement = at.scratch('complement', most * into * 2);
    const sums = at.scratch('sums', most * out * 4);

    /** Sums of products by one bit of each int16, which is 1 for -1. */
    function multiplyBit({ backend }, from, { rows, bit }, to) {
      const { pack_bits_i16, gemm_b1b1i32 } = kernelsOf(backend);
      pack_bits_i16(from, rows, into, bit, 1, left.at);
      gemm_b1b1i32(left.at, panels, to, rows, out, into);
    }

    /** 2 p - 255 is the sum of 2^n s over the bits of p, s = 1 or -1: a product for each of them,
     *  by its power of two, as in the first layer of the paper (section 1.6). */
    function multiplyPixels(run, { at: from, rows, size }, to) {
      const { int16, kernels } = run;
      const place = complement.at;
      for (let i = 0; i < size; i++) int16[place / 2 + i] = PIXEL_MAX - int16[from / 2 + i];
      for (let n = 0; n < PIXEL_BITS; n++) {
        multiplyBit(run, place, { rows, bit: PIXEL_SHIFT + n }, sums.at);
        const before = n === 0 ? 0 : to;
        kernels.combine_i32(sums.at, 1, -(n + 4), before, 1, 0, 0, 0, to, rows * out);
      }
    }

    return {
      pack(run, copy) {
        kernelsOf(run.backend).pack_bits_i16(copy, out, into, SIGN_BIT, 8, panels);
      },
      multiply(run, x, to) {
        if (x.fraction === PIXEL_FRACTION) multiplyPixels(run, x, to);
        else if (x.fraction === 0) multiplyBit(run, x.at, { rows: x.rows, bit: SIGN_BIT }, to);
        else throw new UsageError(`bits are given ${x.fraction} fraction bits, expected signs`);
      },
    };
  },
};
