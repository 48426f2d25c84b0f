// THE CONTRACT of the kernels for images, beside kernels.ts (whose notation holds): windows of an
// image as rows of a matrix, and back. A module of their own, bundled where images are used.
//
// An image is a matrix of pixels, row by row, with a column for each channel. A window is `kernel`
// x `kernel` pixels, `padding` pixels of zeros lie around the image, and windows are `stride`
// pixels apart: along a side of n pixels there are floor((n + 2 padding - kernel) / stride) + 1.
// Channels form `groups` of cg = channels / groups, and a row has group after group:
//   row(wy, wx)[((g kernel + ky) kernel + kx) cg + c] is the element
//   (wy stride - padding + ky, wx stride - padding + kx, g cg + c) of the image.
// Bounds: sizes >= 1, groups divides channels, padding < kernel <= sides + 2 padding.

import type { Pointer } from '../memory/arena.ts';

/** An image and the windows that are laid over it. */
export interface Windows {
  /** Pixels of the image from top to bottom. */
  readonly height: number;
  /** Pixels of the image from left to right. */
  readonly width: number;
  /** Columns of the image. */
  readonly channels: number;
  /** Pixels of a window's side. */
  readonly kernel: number;
  /** Pixels from one window to the next. */
  readonly stride: number;
  /** Pixels of zeros around the image. */
  readonly padding: number;
  /** Groups of channels. */
  readonly groups: number;
}

/** The kernels for images. */
export interface ImageKernels {
  /** out[wy * columns + wx] = row(wy, wx) as above, int16; 0 where the window is outside of the
   *  image. out: [windows, kernel^2 * channels], contiguous. */
  im2col_i16(
    x: Pointer,
    height: number,
    width: number,
    channels: number,
    kernel: number,
    stride: number,
    padding: number,
    groups: number,
    out: Pointer,
  ): void;

  /** out[y][x][c] = halfUp(sum of the elements of `cols` that stand for it, shift), int32; 0 for a
   *  pixel in no window. Sums are exact int64. ceil(kernel / stride)^2 <= 2^shift, so every int32
   *  may stand in cols; ceil(kernel / stride) <= 1024, 0 <= shift <= 20. */
  col2im_i32(
    cols: Pointer,
    height: number,
    width: number,
    channels: number,
    kernel: number,
    stride: number,
    padding: number,
    groups: number,
    shift: number,
    out: Pointer,
  ): void;
}

/** Windows along a side of `side` pixels.
 *  @example
 *  console.log(windowsAlong(28, { kernel: 3, stride: 2, padding: 1 })); // 14
 */
export const windowsAlong = (
  side: number,
  { kernel, stride, padding }: Pick<Windows, 'kernel' | 'stride' | 'padding'>,
): number => Math.floor((side + 2 * padding - kernel) / stride) + 1;

/** The least shift of col2im_i32: a pixel lies in at most ceil(kernel / stride)^2 windows.
 *  @example
 *  console.log(coverShift({ kernel: 3, stride: 1 })); // 4
 */
export function coverShift({ kernel, stride }: Pick<Windows, 'kernel' | 'stride'>): number {
  const cover = Math.ceil(kernel / stride) ** 2;
  let shift = 0;
  while (2 ** shift < cover) shift++;
  return shift;
}
