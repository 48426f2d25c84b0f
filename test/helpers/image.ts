// The back ends of the kernels for images: the reference, and both builds of assembly/image.

import { readFileSync } from 'node:fs';
import type { ImageKernels } from '../../src/kernels/image.ts';
import type { Backend } from '../../src/kernels/kernels.ts';
import { imageKernels } from '../../src/kernels/reference/image.ts';
import type { Memory } from '../../src/kernels/reference/memory.ts';
import { instantiateOn } from '../../src/kernels/wasm.ts';
import { BACKEND_TABLE } from './backends.ts';

/** A build of assembly/image on a back end's memory. */
function withBuild(backend: Backend, build: 'image' | 'image-checked'): Backend {
  const bytes = readFileSync(new URL(`../../build/${build}.wasm`, import.meta.url));
  const exports = instantiateOn(new Uint8Array(bytes), backend.memory as WebAssembly.Memory);
  return { ...backend, image: exports as unknown as ImageKernels };
}

/** The plain TypeScript kernels on a reference back end. */
export const withImageReference = (backend: Backend): Backend => ({
  ...backend,
  image: imageKernels(backend.memory as Memory),
});

let made: Backend[] | undefined;
/** All back ends, the reference first; made once a test file. */
export const imageBackends = (): Backend[] =>
  (made ??= [
    withImageReference(BACKEND_TABLE.reference()),
    withBuild(BACKEND_TABLE.release(), 'image'),
    withBuild(BACKEND_TABLE.checked(), 'image-checked'),
  ]);
