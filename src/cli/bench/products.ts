// The rate of the int16 matrix product at one shape beside that of the peak loop, in turn, so that their ratio does not depend on what
// else the machine does.

import { median } from '../experiments/statistics.ts';
import { createWasmBackend, packedBytes, panelStride } from '../library.ts';
import type { Peak } from './peak.ts';

export interface ProductRate {
  m: number;
  n: number;
  k: number;
  /** 10^9 multiply-accumulates a second on one core. */
  rate: number;
  peak: number;
  /** The median of the turns' own ratios. */
  ofPeak: number;
}

/** Turns of each, and about how long one is: short against what disturbs a machine, long against the clock. */
const TURNS = 25, MILLISECONDS = 4;

/** Works in a memory of its own; B is packed beforehand, as a training step has its weights. */
export function productRate(m: number, n: number, k: number, peak: Peak): ProductRate {
  const bytes = [m * k * 2, packedBytes(k, n), m * n * 4].map((size) => Math.ceil(size / 64) * 64), all = bytes.reduce((a, b) => a + b);
  const { base, kernels, memory } = createWasmBackend({ pages: Math.ceil(all / 65536) + 2 }), packed = base + bytes[0], c = packed + bytes[1];
  const operands = new Int16Array(memory.buffer, base, (bytes[0] + bytes[1]) / 2);
  for (let i = 0; i < operands.length; i++) operands[i] = ((i * 2654435761) % 4096) - 2048;
  function time(turns: number): number {
    const start = performance.now();
    for (let i = 0; i < turns; i++) kernels.gemm_i16i16i32(base, k, packed, panelStride(k), c, n, m, n, k);
    return performance.now() - start;
  }
  time(10);
  peak.run(1000);
  const turns = Math.max(1, Math.round((MILLISECONDS * 3) / time(3))), peakTurns = Math.max(1, Math.round((MILLISECONDS * 1000) / peak.run(1000)));
  const found = Array.from({ length: TURNS }, () => ({ rate: (turns * m * n * k) / time(turns) / 1e6, peak: (peakTurns * peak.macs) / peak.run(peakTurns) / 1e6 }));
  return { m, n, k, rate: median(found.map(({ rate }) => rate)), peak: median(found.map((one) => one.peak)), ofPeak: median(found.map((one) => one.rate / one.peak)) };
}
