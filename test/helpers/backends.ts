// The table of back ends that the kernel tests run on: the reference, and the release and the
// checked WebAssembly build, compiled from build/ when first asked for. A missing build is an
// error, not a shorter table: a comparison of one proves nothing.

import { readFileSync } from 'node:fs';
import type { Backend } from '../../src/kernels/kernels.ts';
import { createReferenceBackend } from '../../src/kernels/reference/index.ts';
import { createWasmBackend } from '../../src/kernels/wasm.ts';

const binary = (build: string): Uint8Array<ArrayBuffer> =>
  new Uint8Array(readFileSync(new URL(`../../build/${build}.wasm`, import.meta.url)));

const PAGE_BYTES = 65536;
const MEMORY_BYTES = 256 * PAGE_BYTES;

export const BACKEND_TABLE: Record<Backend['name'], () => Backend> = {
  reference: () => createReferenceBackend(MEMORY_BYTES),
  release: () =>
    createWasmBackend({
      build: 'release',
      pages: MEMORY_BYTES / PAGE_BYTES,
      bytes: binary('release'),
    }),
  checked: () =>
    createWasmBackend({
      build: 'checked',
      pages: MEMORY_BYTES / PAGE_BYTES,
      bytes: binary('checked'),
    }),
};

/** A build with memory for `bytes` bytes and no more. */
export const sizedBackend = (build: 'release' | 'checked', bytes: number): Backend =>
  createWasmBackend({ build, pages: Math.ceil(bytes / PAGE_BYTES), bytes: binary(build) });

let made: Backend[] | undefined;
/** All the back ends, the reference first; made once a test file. */
export const backends = (): Backend[] =>
  (made ??= Object.values(BACKEND_TABLE).map((create) => create()));
