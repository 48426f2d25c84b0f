// The kernels for images over WebAssembly: a module of their own, on the memory of a back end.

import image from '../../build/image.wasm';
import type { ImageKernels } from './image.ts';
import type { Backend } from './kernels.ts';
import { instantiateOn } from './wasm.ts';

const attached = new WeakMap<Backend, ImageKernels>();

/** The kernels for images of a back end: its own, or a module that is made once.
 *  @example
 *  const { im2col_i16 } = imageKernelsOf(createWasmBackend({ pages: 1 }));
 *  console.log(typeof im2col_i16); // function
 */
export function imageKernelsOf(backend: Backend): ImageKernels {
  const found = backend.image ?? attached.get(backend);
  if (found !== undefined) return found;
  const kernels = instantiateOn(image, backend.memory) as unknown as ImageKernels;
  attached.set(backend, kernels);
  return kernels;
}
