// Windows of images as rows, and back (../image.ts), formula by formula.

import { type ImageKernels, type Windows, windowsAlong } from '../image.ts';
import { halfUp } from './fixed.ts';
import type { Memory } from './memory.ts';

/** Calls `each` with the place of every element of every row, in order, and where in the image it
 *  is: -1 outside. */
function eachElement(shape: Windows, each: (at: number, from: number) => void): void {
  const { height, width, channels, kernel } = shape;
  const across = windowsAlong(width, shape);
  const rows = across * windowsAlong(height, shape);
  const columns = kernel * kernel * channels;
  for (let row = 0; row < rows; row++)
    for (let place = 0; place < columns; place++)
      each(row * columns + place, fromOf(shape, Math.floor(row / across), row % across, place));
}

/** ((g kernel + ky) kernel + kx) cg + c, taken apart from its end. */
function fromOf(shape: Windows, wy: number, wx: number, place: number): number {
  const { height, width, channels, kernel, stride, padding, groups } = shape;
  const part = channels / groups;
  const c = place % part;
  let rest = (place - c) / part;
  const kx = rest % kernel;
  rest = (rest - kx) / kernel;
  const ky = rest % kernel;
  const g = (rest - ky) / kernel;
  const y = wy * stride - padding + ky;
  const x = wx * stride - padding + kx;
  const isInside = y >= 0 && y < height && x >= 0 && x < width;
  return isInside ? (y * width + x) * channels + g * part + c : -1;
}

export function imageKernels(memory: Memory): ImageKernels {
  return {
    im2col_i16(x, height, width, channels, kernel, stride, padding, groups, out) {
      const X = memory.int16(x);
      const O = memory.int16(out);
      eachElement({ height, width, channels, kernel, stride, padding, groups }, (at, from) => {
        O[at] = from < 0 ? 0 : X[from];
      });
    },

    col2im_i32(cols, height, width, channels, kernel, stride, padding, groups, shift, out) {
      const C = memory.int32(cols);
      const O = memory.int32(out);
      const sums = new Array<number>(height * width * channels).fill(0); // below 2^51
      eachElement({ height, width, channels, kernel, stride, padding, groups }, (at, from) => {
        if (from >= 0) sums[from] += C[at];
      });
      sums.forEach((sum, i) => {
        O[i] = halfUp(sum, shift);
      });
    },
  };
}
