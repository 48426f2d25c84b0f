// Products of 8 bit operands over WebAssembly, and which of their builds this runtime is given: the
// fastest of those that it takes and gets the numbers right with.

import baseline from '../../build/int8.wasm';
import relaxed from '../../build/int8-relaxed.wasm';
import { INT8_BUILDS, type Int8Build, type Int8Kernels, type Int8Packing } from './int8.ts';
import { int8RowBytes, withWideProducts } from './int8-layout.ts';
import type { Backend } from './kernels.ts';
import { canCompile, createWasmBackend, instantiateOn } from './wasm.ts';

/** A build, and why it is the one. */
export interface Int8Choice {
  /** The fastest one here. */
  readonly build: Int8Build;
  /** In words. */
  readonly why: string;
  /** Whether the relaxed build can be had, and that of pairs, be they slower. */
  readonly hasRelaxed: boolean;
}

/** Of the module with relaxed instructions: the products by pairs, too. */
interface RelaxedExports extends Int8Kernels {
  gemm_i8i8i32_pairs: Int8Kernels['gemm_i8i8i32'];
  gemm_i8i8i64_pairs: Int8Kernels['gemm_i8i8i64'];
}

/** The kernels of a build on a back end's memory.
 *  @example
 *  const { pack_rows_i8 } = attachInt8(createWasmBackend({ pages: 1 }), 'baseline');
 *  console.log(typeof pack_rows_i8); // function
 */
export function attachInt8(backend: Backend, build: Int8Build): Int8Kernels {
  const { memory } = backend;
  if (build === 'baseline')
    return withWideProducts(instantiateOn(baseline, memory) as unknown as Int8Packing, backend);
  const kernels = instantiateOn(relaxed, memory) as unknown as RelaxedExports;
  if (build === 'relaxed') return kernels;
  const { gemm_i8i8i32_pairs: gemm_i8i8i32, gemm_i8i8i64_pairs: gemm_i8i8i64 } = kernels;
  return { ...kernels, gemm_i8i8i32, gemm_i8i8i64 };
}

/** Milliseconds of a round, and rounds of all builds in turns. The best one counts: in the others
 *  the thread may have had to wait, and in the first ones the engine may still compile. */
const ROUND = 1;
const ROUNDS = 8;
/** Rows and columns of what is tried, and products of a sum. */
const SIZE = 64;
const DEPTH = 256;

/** A product of a build, on memory and operands of its own, the largest ones among them. */
function trialOf(build: Int8Build): { product(): void; sums: Int32Array } {
  const backend = createWasmBackend({ pages: 3 });
  const kernels = attachInt8(backend, build);
  const { memory, base } = backend;
  const n = SIZE * DEPTH;
  const operands = new Int16Array(memory.buffer, base, n);
  for (let i = 0; i < n; i++) operands[i] = i % 5 === 0 ? 4095 - 8190 * (i & 1) : (i * 37) % 4095;
  const sums = base + 2 * n;
  const rows = sums + 4 * SIZE * SIZE;
  const panels = rows + SIZE * int8RowBytes(build, DEPTH);
  kernels.pack_rows_i8(base, DEPTH, SIZE, DEPTH, rows, 0);
  kernels.pack_nn_i8(base, SIZE, DEPTH, SIZE, panels);
  return {
    product: () => kernels.gemm_i8i8i32(rows, panels, sums, SIZE, SIZE, SIZE, DEPTH),
    sums: new Int32Array(memory.buffer, sums, SIZE * SIZE),
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
  const trials = INT8_BUILDS.map(trialOf);
  for (const { product } of trials) product();
  const [first, ...others] = trials.map(({ sums }) => sums);
  const isEqual = others.every((sums) => sums.every((sum, i) => sum === first[i]));
  return isEqual ? '' : "this runtime's relaxed SIMD is not the standard's";
}

let missing: string | undefined;

/** Why the relaxed build and that of pairs cannot be had, or '': asked once, without a clock. */
export const whyNoRelaxed = (): string => (missing ??= tryRelaxed());

function choose(): Int8Choice {
  const reason = whyNoRelaxed();
  if (reason !== '') return { build: 'baseline', why: reason, hasRelaxed: false };
  const trials = INT8_BUILDS.map((build) => ({ build, trial: trialOf(build), rate: 0 }));
  for (let round = 0; round < ROUNDS; round++)
    for (const one of trials) one.rate = Math.max(one.rate, rateOf(one.trial));
  const wide = trials.pop() as (typeof trials)[0];
  const fast = trials.reduce((best, one) => (one.rate > best.rate ? one : best));
  const ratio = fast.rate / wide.rate;
  const why = `${ratio.toFixed(2)} x the speed of int16 products here`;
  return { build: (ratio < 1 ? wide : fast).build, why, hasRelaxed: true };
}

let chosen: Int8Choice | undefined;

/** The build for this runtime: tried once, in some 40 ms. It never changes a bit.
 *  @example
 *  console.log(['relaxed', 'pairs', 'baseline'].includes(chooseInt8().build)); // true
 */
export const chooseInt8 = (): Int8Choice => (chosen ??= choose());
