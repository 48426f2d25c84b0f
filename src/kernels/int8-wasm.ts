// Products of 8 bit operands over WebAssembly, and which of their builds this runtime is given: the
// relaxed one if it takes it, gets the numbers right and is the faster, else the baseline.

import baseline from '../../build/int8.wasm';
import relaxed from '../../build/int8-relaxed.wasm';
import type { Int8Build, Int8Kernels } from './int8.ts';
import { int8RowBytes, withWideProducts } from './int8-layout.ts';
import type { Backend } from './kernels.ts';
import { canCompile, createWasmBackend, instantiateOn, type WasmSource } from './wasm.ts';

/** A build, and why it is the one. */
export interface Int8Choice {
  /** The faster one here. */
  readonly build: Int8Build;
  /** In words. */
  readonly why: string;
  /** Whether the relaxed build can be had, be it slower. */
  readonly hasRelaxed: boolean;
}

/** The kernels of a build on a back end's memory.
 *  @example
 *  const { pack_rows_i8 } = attachInt8(createWasmBackend({ pages: 1 }), 'baseline');
 *  console.log(typeof pack_rows_i8); // function
 */
export function attachInt8(backend: Backend, build: Int8Build): Int8Kernels {
  const source: WasmSource = build === 'relaxed' ? relaxed : baseline;
  const kernels = instantiateOn(source, backend.memory) as unknown as Int8Kernels;
  return build === 'relaxed' ? kernels : withWideProducts(kernels, backend);
}

/** Milliseconds of a round, and rounds of each build in turns. The best one counts: in the others
 *  the thread may have had to wait, and in the first ones the engine may still compile. */
const ROUND = 1;
const ROUNDS = 8;
/** Rows, columns and products of what is tried. */
const SIZE = 64;

/** A product of a build, on memory and operands of its own, the largest ones among them. */
function trialOf(build: Int8Build): { product(): void; sums: Int32Array } {
  const backend = createWasmBackend({ pages: 3 });
  const kernels = attachInt8(backend, build);
  const { memory, base } = backend;
  const n = SIZE * SIZE;
  const operands = new Int16Array(memory.buffer, base, n);
  for (let i = 0; i < n; i++) operands[i] = i % 5 === 0 ? 4095 - 8190 * (i & 1) : (i * 37) % 4095;
  const sums = base + 2 * n;
  const rows = sums + 4 * n;
  const panels = rows + SIZE * int8RowBytes(build, SIZE);
  kernels.pack_rows_i8(base, SIZE, SIZE, SIZE, rows, 0);
  kernels.pack_nn_i8(base, SIZE, SIZE, SIZE, panels);
  return {
    product: () => kernels.gemm_i8i8i32(rows, panels, sums, SIZE, SIZE, SIZE, SIZE),
    sums: new Int32Array(memory.buffer, sums, n),
  };
}

/** Products in a millisecond. */
function rateOf({ product }: Pick<ReturnType<typeof trialOf>, 'product'>): number {
  const start = performance.now();
  let now = start;
  let count = 0;
  for (; now < start + ROUND; now = performance.now()) {
    for (let i = 0; i < 8; i++) product();
    count += 8;
  }
  return count / (now - start);
}

function tryRelaxed(): string {
  if (!canCompile(relaxed)) return "this runtime lacks WebAssembly's relaxed SIMD";
  const [fast, wide] = [trialOf('relaxed'), trialOf('baseline')];
  fast.product();
  wide.product();
  const isEqual = fast.sums.every((sum, i) => sum === wide.sums[i]);
  return isEqual ? '' : "this runtime's relaxed SIMD is not the standard's";
}

let missing: string | undefined;

/** Why the relaxed build cannot be had, or '': asked once, without a clock. */
export const whyNoRelaxed = (): string => (missing ??= tryRelaxed());

function choose(): Int8Choice {
  const reason = whyNoRelaxed();
  if (reason !== '') return { build: 'baseline', why: reason, hasRelaxed: false };
  const trials = [trialOf('relaxed'), trialOf('baseline')];
  const best = [0, 0];
  for (let round = 0; round < ROUNDS; round++)
    trials.forEach((trial, i) => {
      best[i] = Math.max(best[i], rateOf(trial));
    });
  const ratio = best[0] / best[1];
  const why = `${ratio.toFixed(2)} x the speed of int16 products here`;
  return { build: ratio < 1 ? 'baseline' : 'relaxed', why, hasRelaxed: true };
}

let chosen: Int8Choice | undefined;

/** The build for this runtime: tried once, in some 20 ms. It never changes a bit.
 *  @example
 *  console.log(['relaxed', 'baseline'].includes(chooseInt8().build)); // true
 */
export const chooseInt8 = (): Int8Choice => (chosen ??= choose());
