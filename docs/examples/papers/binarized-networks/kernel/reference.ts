// The specification that runs: the formulas of the contract, bit by bit.

import type { BinaryKernels } from './contract.ts';

const wordsOf = (k: number): number => 2 * Math.ceil(k / 64);

/** The place of word w of row r. */
const placeOf = (r: number, w: number, k: number, lanes: number): number =>
  (Math.floor(r / lanes) * wordsOf(k) + w) * lanes + (r % lanes);

/** On the memory of a back end. */
export const binaryReference = ({ buffer }: { buffer: ArrayBufferLike }): BinaryKernels => ({
  pack_bits_i16(x, rows, k, bit, lanes, to) {
    const values = new Int16Array(buffer, x, rows * k);
    const words = new Uint32Array(buffer, to, Math.ceil(rows / lanes) * lanes * wordsOf(k));
    words.fill(0);
    for (let r = 0; r < rows; r++)
      for (let i = 0; i < k; i++) {
        const taken = (values[r * k + i] >> bit) & 1;
        words[placeOf(r, i >> 5, k, lanes)] |= taken << (i & 31);
      }
  },

  gemm_b1b1i32(a, b, c, m, n, k) {
    const left = new Uint32Array(buffer, a, m * wordsOf(k));
    const right = new Uint32Array(buffer, b, Math.ceil(n / 8) * 8 * wordsOf(k));
    const sums = new Int32Array(buffer, c, m * n);
    const sign = (words: Uint32Array, place: number, i: number): number =>
      (words[place] >> (i & 31)) & 1 ? -1 : 1;
    for (let i = 0; i < m; i++)
      for (let j = 0; j < n; j++) {
        let sum = 0;
        for (let p = 0; p < k; p++) {
          const w = p >> 5;
          sum += sign(left, placeOf(i, w, k, 1), p) * sign(right, placeOf(j, w, k, 8), p);
        }
        sums[i * n + j] = sum;
      }
  },
});
