// The contract over WebAssembly: instantiates a build of assembly/ on a memory of fixed size. The
// only file that names WebAssembly. The release build is part of the bundle: its bytes or, in
// dist/worker.js for runtimes that compile nothing at run time, a module that they have compiled
// from dist/kernels.wasm. The bytes of the checked build, whose assertions test the callers, are
// passed in.

import { instantiateSync } from '@assemblyscript/loader';
import release from '../../build/release.wasm';
import { choice, fields, flag, typed, whole } from '../core/check.ts';
import { RetrogradError, UsageError } from '../core/errors.ts';
import { KERNELS_VERSION } from '../memory/formats.ts';
import type { Backend, Kernels } from './kernels.ts';

/** Buffers begin on a boundary that no cache line or vector crosses. */
const BASE_ALIGNMENT = 1024;

/** Options of createWasmBackend. */
export interface WasmOptions {
  /** Size of the whole memory in pages of 64 KiB. It never grows. */
  pages: number;
  /** 'release' (the default) drops the assertions. 'checked' keeps them and needs `bytes`. */
  build?: 'release' | 'checked' | undefined;
  /** Memory that other threads can share, where the runtime has it. */
  shared?: boolean | undefined;
  /** Another module than the bundled release build. */
  bytes?: Uint8Array | undefined;
}

/** The exports of assembly/index.ts that are not kernels. */
interface Administration {
  abi_version(): number;
  static_end(): number;
}

/** The smallest module that needs SIMD: a function that returns i8x16.popcnt of a splat. */
const SIMD_PROBE = new Uint8Array([
  0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0, 10, 10, 1, 8, 0, 65, 0, 253, 15,
  253, 98, 11,
]);

/** Refuses hosts that cannot run the kernels, each with what is missing. */
function requireHost(): void {
  if (new Uint8Array(Uint32Array.of(1).buffer)[0] !== 1) {
    throw new RetrogradError(
      'this processor is big-endian: it would read memory in the wrong order',
      'use a little-endian processor (x86-64, arm64)',
    );
  }
  const { process } = globalThis as { process?: { versions?: { node?: string } } };
  const node = process?.versions?.node;
  if (parseInt(node ?? '', 10) < 20) {
    throw new RetrogradError(
      `this is Node ${node}, expected 20 or newer`,
      'https://nodejs.org has it',
    );
  }
  if (typeof WebAssembly === 'undefined')
    throw new RetrogradError(
      'this runtime has no WebAssembly',
      'use Node 20, a current browser, Deno or Bun',
    );
  if (!WebAssembly.validate(SIMD_PROBE)) {
    throw new RetrogradError(
      'this runtime has WebAssembly without 128-bit SIMD',
      'it needs SSE 4.1 or a newer engine',
    );
  }
}

function createMemory(pages: number, shared: boolean): WebAssembly.Memory {
  try {
    const memory = new WebAssembly.Memory({ initial: pages, maximum: pages, shared });
    new Uint8Array(memory.buffer); // some runtimes have larger memories than views
    return memory;
  } catch {
    if (shared) return createMemory(pages, false); // no SharedArrayBuffer here: one thread
    throw new UsageError(
      `this runtime does not give ${pages} pages of memory (${(pages / 16).toFixed(1)} MiB)`,
      'use a smaller model or batch',
    );
  }
}

/** The import of the memory in the module's bytes: length and name of module and field, kind 2. The
 *  limits' flags follow. */
const MEMORY_IMPORT = [...'\x03env\x06memory\x02'].map((c) => c.charCodeAt(0));
const SHARED_LIMITS = 3;
const PRIVATE_LIMITS = 1;

/** The module for memory that is shared or not: a module names which one it imports, and nothing
 *  else differs. */
function forMemory(bytes: Uint8Array, shared: boolean): Uint8Array<ArrayBuffer> {
  const copy = bytes.slice();
  const at = copy.findIndex((_, i) => MEMORY_IMPORT.every((byte, j) => copy[i + j] === byte));
  if (at < 0) throw new RetrogradError('the module imports no memory');
  copy[at + MEMORY_IMPORT.length] = shared ? SHARED_LIMITS : PRIVATE_LIMITS;
  return copy;
}

/** A module as it is imported. */
export type WasmSource =
  | Uint8Array<ArrayBuffer>
  | WebAssembly.Module
  | (() => Uint8Array<ArrayBuffer>);
const sourceOf = (from: WasmSource): Uint8Array | WebAssembly.Module =>
  typeof from === 'function' ? from() : from;

/** A compiled module has been made for private memory (.ci/build.mjs): what it comes from gives no
 *  threads. */
const isCompiled = (source: Uint8Array | WebAssembly.Module): source is WebAssembly.Module =>
  !ArrayBuffer.isView(source);

/** A back end of its own memory: the kernels, and the memory they work on. Throws RetrogradError if
 *  the runtime lacks WebAssembly or SIMD or is big-endian, UsageError if it does not give the
 *  memory.
 *  @example
 *  const { kernels, memory, base } = createWasmBackend({ pages: 1 });
 *  new Int32Array(memory.buffer, base, 3).set([5, -7, 2]);
 *  console.log(kernels.max_abs_i32(base, 3, 1, 3)); // 7
 */
export function createWasmBackend(options: WasmOptions): Backend {
  requireHost();
  const given = { pages: undefined, build: 'release', shared: false, bytes: undefined } as const;
  const { pages, build, shared, bytes } = fields<WasmOptions>('options', options, given);
  whole('pages', pages, 1, 65536);
  choice('build', build, ['release', 'checked']);
  flag('shared', shared);
  if (bytes !== undefined) typed('bytes', bytes, 'Uint8Array');
  if (build === 'checked' && bytes === undefined) {
    throw new RetrogradError('the checked build is not bundled', 'pass its bytes');
  }
  const source = bytes ?? sourceOf(release);
  return attach(createMemory(pages, shared && !isCompiled(source)), build, source);
}

/** The release build on the memory of another thread's back end. */
export const attachWasmBackend = (memory: unknown): Backend =>
  attach(memory as WebAssembly.Memory, 'release', sourceOf(release));

/** Whether other threads can see it. An `instanceof` would ask whether it is of this realm, too,
 *  which it is not under jest. */
export const isShared = (memory: { buffer: ArrayBufferLike }): boolean =>
  String(memory.buffer) === '[object SharedArrayBuffer]';

type Exports = Kernels & Administration;

function instantiateOwn(
  module: Uint8Array | WebAssembly.Module,
  memory: WebAssembly.Memory,
): Exports {
  try {
    return instantiateSync(module, { env: { memory } }).instance.exports as unknown as Exports;
  } catch (error) {
    throw new RetrogradError(
      `this runtime does not take the kernels: ${(error as Error).message}`,
      "a page's Content-Security-Policy needs script-src 'wasm-unsafe-eval', Cloudflare " +
        'retrograd/worker',
    );
  }
}

/** What a module exports, on such a memory. Throws RetrogradError for another version of kernels.
 */
export function instantiateOn(from: WasmSource, memory: Backend['memory']): Exports {
  const source = sourceOf(from);
  const module = isCompiled(source) ? source : forMemory(source, isShared(memory));
  const exports = instantiateOwn(module, memory as WebAssembly.Memory);
  if (exports.abi_version() !== KERNELS_VERSION) {
    throw new RetrogradError(
      `the kernels have interface version ${exports.abi_version()}, expected ${KERNELS_VERSION}`,
      'npm run build',
    );
  }
  return exports;
}

/** Whether this runtime takes a module's bytes, if it takes any. */
export function canCompile(from: WasmSource): boolean {
  const source = sourceOf(from);
  return ArrayBuffer.isView(source) && WebAssembly.validate(source as Uint8Array<ArrayBuffer>);
}

function attach(
  memory: WebAssembly.Memory,
  name: 'release' | 'checked',
  source: Uint8Array | WebAssembly.Module,
): Backend {
  const exports = instantiateOn(source, memory);
  // WebAssembly has no unsigned results: these two use all 32 bits.
  const { max_abs_i32, hash_i32 } = exports;
  const kernels: Kernels = {
    ...exports,
    max_abs_i32: (a, lda, rows, columns) => max_abs_i32(a, lda, rows, columns) >>> 0,
    hash_i32: (a, n) => hash_i32(a, n) >>> 0,
  };
  return {
    name,
    kernels,
    memory,
    base: Math.ceil(exports.static_end() / BASE_ALIGNMENT) * BASE_ALIGNMENT,
  };
}
