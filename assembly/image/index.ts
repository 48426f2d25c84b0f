// Windows of images as rows of a matrix, and back. What each kernel computes is said in
// src/kernels/image.ts.

import { KERNELS_VERSION } from '../formats';

export { im2col_i16 } from './im2col';
export { col2im_i32 } from './col2im';

/** src/kernels/image-wasm.ts refuses another one than its own. */
export function abi_version(): i32 {
  return KERNELS_VERSION;
}
