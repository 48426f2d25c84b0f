// All kernels of a back end under one hand: those that it has always, those for operands of 8 bits
// and those for images, which others are attached for by their first use.

import {
  attachInt8,
  type Backend,
  type Int8Build,
  type Int8Kernels,
  imageKernelsOf,
  type Kernels,
} from '../index.ts';
import type { ImageKernels } from '../kernels/image.ts';
import { withWideProducts } from '../kernels/int8-layout.ts';
import { imageKernels } from '../kernels/reference/image.ts';
import { createReferenceBackend } from '../kernels/reference/index.ts';
import { int8Packing } from '../kernels/reference/int8.ts';
import { relaxedKernels } from '../kernels/reference/int8-relaxed.ts';
import type { Memory } from '../kernels/reference/memory.ts';

/** A kernel, whichever it is. */
export type AnyKernel = (...args: number[]) => unknown;
type Named = Readonly<Record<string, AnyKernel>>;

/** The reference with all of its kernels, with `bytes` free bytes or on a memory. */
export function referenceOn(bytes: number, given?: Memory): Backend {
  const backend = createReferenceBackend(bytes, given);
  const memory = backend.memory as Memory;
  const int8 = (build: Int8Build): Int8Kernels =>
    build === 'baseline' ? withWideProducts(int8Packing(memory), backend) : relaxedKernels(memory);
  return { ...backend, int8, image: imageKernels(memory) };
}

const int8Of = (backend: Backend, build: Int8Build): Int8Kernels =>
  backend.int8?.(build) ?? attachInt8(backend, build);

/** By their names; those for operands of 8 bits are of `build`. */
export const allKernels = (backend: Backend, build: Int8Build = 'baseline'): Named =>
  ({ ...backend.kernels, ...int8Of(backend, build), ...imageKernelsOf(backend) }) as never;

/** Makes another kernel of one. `build`: of those for operands of 8 bits. */
export type Wrap = (kernel: string, run: AnyKernel, build?: Int8Build) => AnyKernel;

/** A back end with other kernels in all places. A product of operands of 8 bits that is computed as
 *  one of int16 is that one. */
export function wrapped(own: Backend, wrap: Wrap): Backend {
  const all = <Some extends object>(kernels: Some, build?: Int8Build): Some =>
    Object.fromEntries(
      Object.entries(kernels).map(([name, run]) => [name, wrap(name, run as AnyKernel, build)]),
    ) as Some;
  const kernels: Kernels = all(own.kernels);
  let image: ImageKernels | undefined;
  return {
    ...own,
    kernels,
    int8(build) {
      const { gemm_i8i8i32, gemm_i8i8i64, ...others } = int8Of(own, build);
      const packing = all(others, build);
      return build === 'baseline'
        ? withWideProducts(packing, { kernels })
        : { ...packing, ...all({ gemm_i8i8i32, gemm_i8i8i64 }, build) };
    },
    get image() {
      image ??= all(imageKernelsOf(own));
      return image;
    },
  };
}
