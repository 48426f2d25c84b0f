// The kernels for images over WebAssembly: a module of their own, on the memory of a back end.

import image from '../../build/image.wasm';
import { RetrogradError } from '../core/errors.ts';
import { KERNELS_VERSION } from '../memory/formats.ts';
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
  const exports = instantiateOn(image, backend.memory) as unknown as ImageKernels & {
    abi_version(): number;
  };
  if (exports.abi_version() !== KERNELS_VERSION)
    throw new RetrogradError('the kernels for images are of another version', 'npm run build');
  attached.set(backend, exports);
  return exports;
}
