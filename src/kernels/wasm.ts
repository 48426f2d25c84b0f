// The contract over WebAssembly: instantiates a build of assembly/ on a memory of fixed size. The only file that names WebAssembly.
// The release build is part of the bundle; the bytes of the checked build, whose assertions test the callers, are passed in.

import { instantiateSync } from '@assemblyscript/loader';
import release from '../../build/release.wasm';
import { RetrogradError } from '../errors.ts';
import type { Backend, Kernels } from './kernels.ts';

/** What assembly/index.ts must return: raised there and here whenever a kernel's signature or meaning changes. */
const ABI_VERSION = 1;
/** Buffers begin on a boundary that no cache line or vector crosses. */
const BASE_ALIGNMENT = 1024;

export interface WasmOptions {
  /** Size of the whole memory in pages of 64 KiB. It never grows. */
  pages: number;
  /** 'release' (the default) drops the assertions. 'checked' keeps them and needs `bytes`. */
  build?: 'release' | 'checked';
  /** Another module than the bundled release build. */
  bytes?: Uint8Array;
}

/** The exports of assembly/index.ts that are not kernels. */
interface Administration {
  abi_version(): number;
  static_end(): number;
}

/** The smallest module that needs SIMD: a function that returns i8x16.popcnt of a splat. */
const SIMD_PROBE = new Uint8Array([
  0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0, 10, 10, 1, 8, 0, 65, 0, 253, 15, 253, 98, 11,
]);

function requireSimd(): void {
  if (typeof WebAssembly === 'undefined') throw new RetrogradError('this runtime has no WebAssembly', 'use Node 20, a current browser, Deno or Bun');
  if (!WebAssembly.validate(SIMD_PROBE)) {
    throw new RetrogradError('this runtime has WebAssembly without 128-bit SIMD', 'it needs an x86 processor with SSE 4.1 or newer, or a newer engine');
  }
}

function createMemory(pages: number): WebAssembly.Memory {
  try {
    return new WebAssembly.Memory({ initial: pages, maximum: pages });
  } catch {
    throw new RetrogradError(`this runtime does not give ${pages} pages of memory (${(pages / 16).toFixed(1)} MiB)`, 'use a smaller model or batch');
  }
}

/** A back end of its own memory. Throws RetrogradError if the runtime lacks WebAssembly or SIMD, or does not give the memory. */
export function createWasmBackend({ pages, build = 'release', bytes }: WasmOptions): Backend {
  requireSimd();
  if (build === 'checked' && bytes === undefined) {
    throw new RetrogradError('the checked build is not bundled', "pass its bytes: createWasmBackend({ pages, build: 'checked', bytes })");
  }
  const memory = createMemory(pages);
  const exports = instantiateSync((bytes ?? release) as Uint8Array<ArrayBuffer>, { env: { memory } }).instance.exports as unknown as Kernels & Administration;
  if (exports.abi_version() !== ABI_VERSION) {
    throw new RetrogradError(`the kernels have interface version ${exports.abi_version()}, expected ${ABI_VERSION}`, 'build again: npm run build');
  }
  // WebAssembly has no unsigned results: these two use all 32 bits.
  const { max_abs_i32, hash_i32 } = exports;
  const kernels: Kernels = {
    ...exports,
    max_abs_i32: (a, lda, rows, columns) => max_abs_i32(a, lda, rows, columns) >>> 0,
    hash_i32: (a, n) => hash_i32(a, n) >>> 0,
  };
  return { name: build, kernels, memory, base: Math.ceil(exports.static_end() / BASE_ALIGNMENT) * BASE_ALIGNMENT };
}
