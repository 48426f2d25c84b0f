// How long a product of signs takes, as int16 and as bits.

import { createWasmBackend, packedBytes, panelStride } from 'retrograd';
import { kernelsOf } from './popcount.mjs';

/** Rows, columns and products. */
export const SIZE = 1024;
const ROUNDS = 30;

/** Milliseconds of work of this process: what others do meanwhile does not count. */
function millisecondsOf(work) {
  const before = process.cpuUsage();
  work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000;
}

/** Times of both products of SIZE^3, in turns; their best ones count. */
export function timedProducts() {
  const backend = createWasmBackend({ pages: 300 });
  const { kernels, memory } = backend;
  const { pack_bits_i16, gemm_b1b1i32 } = kernelsOf(backend);
  const n = SIZE ** 2;
  const sizes = [2 * n, 2 * n, packedBytes(SIZE, SIZE), 4 * n, n / 8, n / 8, 4 * n];
  const starts = sizes.map((_, i) => sizes.slice(0, i).reduce((a, b) => a + b, backend.base));
  const [a, b, packed, c, rows, panels, counted] = starts;
  const signs = new Int16Array(memory.buffer, a, 2 * n);
  for (let i = 0; i < 2 * n; i++) signs[i] = (i * 40503) & 256 ? 1 : -1;
  kernels.pack_nt_i16(b, SIZE, SIZE, SIZE, packed);
  pack_bits_i16(a, SIZE, SIZE, 15, 1, rows);
  pack_bits_i16(b, SIZE, SIZE, 15, 8, panels);
  const stride = panelStride(SIZE);
  const works = {
    int16: () => kernels.gemm_i16i16i32(a, SIZE, packed, stride, c, SIZE, SIZE, SIZE, SIZE),
    binary: () => gemm_b1b1i32(rows, panels, counted, SIZE, SIZE, SIZE),
  };
  const best = { int16: Infinity, binary: Infinity };
  for (let round = 0; round < ROUNDS; round++)
    for (const [name, work] of Object.entries(works))
      best[name] = Math.min(best[name], millisecondsOf(work));
  const sums = [c, counted].map((at) => new Int32Array(memory.buffer, at, n));
  return { ...best, isEqual: sums[0].every((sum, i) => sum === sums[1][i]) };
}
