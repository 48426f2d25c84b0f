// The rates of matrix products beside that of the peak loop, in turn, so that their ratio does not
// depend on what else the machine does.

import {
  attachInt8,
  createWasmBackend,
  type Int8Build,
  int8PackedBytes,
  int8RowBytes,
} from '../library.ts';
import { median } from '../statistics.ts';
import type { Peak } from './peak.ts';

/** Milliseconds of a turn: short against what disturbs a machine, long against the clock's
 *  resolution. */
const TURN = 2;
const clock = (work: () => void): number => {
  const start = performance.now();
  work();
  return performance.now() - start;
};

/** GMAC/s of works that do `macs` multiply-accumulates each, and of the peak loop: after `warmUp`
 *  milliseconds of all, turn by turn until the first work has had `milliseconds`. */
export function ratesInTurn<Name extends string>(
  works: Readonly<Record<Name, () => void>>,
  macs: number,
  peak: Peak,
  milliseconds: number,
  warmUp: number,
): Record<Name | 'peak', number> {
  const names = Object.keys(works) as Name[];
  const begun = performance.now();
  do {
    for (const name of names) works[name]();
    peak.run(100);
  } while (performance.now() - begun < warmUp);
  const turnsOf = (one: number): number => Math.max(1, Math.round(TURN / one));
  const peakTurns = turnsOf(peak.run(1000) / 1000);
  const all = names.map((name) => ({ name, turns: turnsOf(clock(works[name])), time: 0, done: 0 }));
  const ofPeak = { time: 0, done: 0 };
  while (all[0].time < milliseconds) {
    ofPeak.time += peak.run(peakTurns);
    ofPeak.done += peakTurns * peak.macs;
    for (const one of all) {
      one.time += clock(() => {
        for (let i = 0; i < one.turns; i++) works[one.name]();
      });
      one.done += one.turns * macs;
    }
  }
  const rates = [...all, { name: 'peak', ...ofPeak }].map(({ name, time, done }) => [
    name,
    done / time / 1e6,
  ]);
  return Object.fromEntries(rates) as Record<Name | 'peak', number>;
}

/** M, N, K. */
export type Shape = readonly [number, number, number];

export interface ProductRate {
  m: number;
  n: number;
  k: number;
  /** 10^9 multiply-accumulates a second on one core. */
  rate: number;
  peak: number;
  /** The median of the rounds' own ratios. */
  ofPeak: number;
  /** Of int8 operands: its rate, and the median of its ratios to that of int16. */
  int8: { build: Int8Build; rate: number; ofInt16: number };
  /** Something else took the processor meanwhile: the figures say little. */
  disturbed: boolean;
}

/** A processor that is ours alone gives us its time, and the peak is the same in every round. */
const LEAST_OWN_TIME = 0.95;
const MOST_SPREAD = 0.15;
const MOST_OF_PEAK = 1.02;

/** Whether the rates of rounds, and the share of the time that this process had, tell of other
 *  work. */
export function areDisturbed(
  rounds: readonly { product: number; peak: number }[],
  ownTime: number,
): boolean {
  const peaks = rounds.map(({ peak }) => peak).sort((a, b) => a - b);
  const quarter = Math.floor(peaks.length / 4);
  const spread = (peaks[peaks.length - 1 - quarter] - peaks[quarter]) / median(peaks);
  const isImpossible = median(rounds.map(({ product, peak }) => product / peak)) > MOST_OF_PEAK;
  return isImpossible || spread > MOST_SPREAD || ownTime < LEAST_OWN_TIME;
}

/** A packed matrix of K rows, as kernels want it: panels of 16 int16 columns, K rounded up to even.
 */
const panelBytes = (k: number): number => Math.ceil(k / 2) * 64;
const packedBytes = (k: number, n: number): number => Math.ceil(n / 16) * panelBytes(k);

const ROUNDS = 12;
const MILLISECONDS = 10;
const FIRST_WARM_UP = 100;
const WARM_UP = 2;

/** Products of [m, k] and [k, n] in a memory of their own; what is packed is packed beforehand, as
 *  a training step has its weights. */
function productsOf([m, n, k]: Shape, build: Int8Build): Record<'int16' | 'int8', () => void> {
  const bytes = [
    ...[m * k * 2, packedBytes(k, n), m * n * 4],
    ...[m * int8RowBytes(build, k), int8PackedBytes(build, k, n)],
  ].map((size) => Math.ceil(size / 64) * 64);
  const all = bytes.reduce((a, b) => a + b);
  const backend = createWasmBackend({ pages: Math.ceil(all / 65536) + 2 });
  const { base, kernels, memory } = backend;
  const [packed, c, rows, panels] = bytes.map((_, i) =>
    bytes.slice(0, i + 1).reduce((a, b) => a + b, base),
  );
  const operands = new Int16Array(memory.buffer, base, (bytes[0] + bytes[1]) / 2);
  for (let i = 0; i < operands.length; i++) operands[i] = ((i * 2654435761) % 4096) - 2048;
  const int8 = attachInt8(backend, build);
  int8.pack_rows_i8(base, k, m, k, rows, 0);
  int8.pack_nn_i8(packed, n, k, n, panels);
  return {
    int16: () => kernels.gemm_i16i16i32(base, k, packed, panelBytes(k), c, n, m, n, k),
    int8: () => int8.gemm_i8i8i32(rows, panels, c, n, m, n, k),
  };
}

/** Products of int16 and of int8 operands, these by a build. */
export function productRate([m, n, k]: Shape, build: Int8Build, peak: Peak): ProductRate {
  const works = productsOf([m, n, k], build);
  const started = performance.now();
  const before = process.cpuUsage();
  const found = Array.from({ length: ROUNDS }, (_, i) =>
    ratesInTurn(works, m * n * k, peak, MILLISECONDS, i === 0 ? FIRST_WARM_UP : WARM_UP),
  );
  const { user, system } = process.cpuUsage(before);
  const ownTime = (user + system) / 1000 / (performance.now() - started);
  const middle = (of: (one: (typeof found)[number]) => number): number => median(found.map(of));
  return {
    m,
    n,
    k,
    rate: middle((one) => one.int16),
    peak: middle((one) => one.peak),
    ofPeak: middle((one) => one.int16 / one.peak),
    int8: {
      build,
      rate: middle((one) => one.int8),
      ofInt16: middle((one) => one.int8 / one.int16),
    },
    disturbed: areDisturbed(
      found.map((one) => ({ product: one.int16, peak: one.peak })),
      ownTime,
    ),
  };
}
