// Images as layers see them: rows are pixels, from left to right and top to bottom, and columns are
// channels. How wide an image is the layer says, or the image is square.

import { whole } from '../core/check.ts';
import { UsageError } from '../core/errors.ts';
import type { Windows } from '../kernels/image.ts';
import type { Type } from '../memory/tensor.ts';
import { describe } from './check.ts';

/** Longest side of a window. */
const MAX_KERNEL = 31;

/** How windows lie in an image. */
export interface WindowOptions {
  /** Pixels of a window's side, 1..31. */
  kernel?: number | undefined;
  /** Pixels from one window to the next. */
  stride?: number | undefined;
  /** Pixels of zeros around the image, less than the kernel. */
  padding?: number | undefined;
  /** Pixels of the image from left to right; 0: it is square (0). */
  width?: number | undefined;
}

/** Checks how windows lie. */
export function checkWindows({ kernel, stride, padding, width }: Required<WindowOptions>): void {
  whole('kernel', kernel, 1, MAX_KERNEL);
  whole('stride', stride, 1, MAX_KERNEL);
  whole('padding', padding, 0, kernel - 1);
  whole('width', width, 0, 4096);
}

/** The image that an input is, and the windows that a layer lays over it. Throws UsageError for
 *  rows that are no such image. */
export function windowsOf(
  layer: string,
  input: Type,
  { kernel, stride, padding, width, groups = 1 }: WindowOptions & { groups?: number | undefined },
): Windows {
  const { rows, columns: channels } = input;
  const across = width === 0 ? Math.round(Math.sqrt(rows)) : (width as number);
  const height = rows / across;
  if (height % 1 !== 0 || (width === 0 && height !== across))
    throw new UsageError(
      `${layer} is given ${describe(input)}, expected the pixels of an image ` +
        (width === 0 ? 'that is square' : `${across} wide`),
      'say how wide it is: width',
    );
  const shape = { height, width: across, channels, kernel, stride, padding, groups } as Windows;
  if (Math.min(height, across) + 2 * shape.padding < shape.kernel)
    throw new UsageError(
      `${layer} has windows of ${kernel} x ${kernel} pixels in an image of ${across} x ${height}`,
      'use a smaller kernel or more padding',
    );
  return shape;
}
