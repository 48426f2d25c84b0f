// Pooling of images whose pixels are rows: the largest or the mean of each window. Its loops are
// plain TypeScript: integers are integers.

import { fields } from '../core/check.ts';
import { UsageError } from '../core/errors.ts';
import { type Windows, windowsAlong } from '../kernels/image.ts';
import type { Arena } from '../memory/arena.ts';
import type { Planner, Scratch } from '../memory/planner.ts';
import type { Gradient, Tensor, Type } from '../memory/tensor.ts';
import { bits } from '../ops/gradient.ts';
import type { Run } from '../ops/run.ts';
import { refuse } from './check.ts';
import { checkWindows, windowsOf } from './image-shape.ts';
import type { Layer, Planned } from './layer.ts';

/** How an image is pooled. */
export interface Pool2dOptions {
  /** Pixels of a window's side (2). 0: the whole image, which becomes one pixel. */
  kernel?: number | undefined;
  /** Pixels from one window to the next (the kernel). */
  stride?: number | undefined;
  /** Pixels of the image from left to right; 0: it is square (0). */
  width?: number | undefined;
}

/** The largest of each window: operand to operand of fewer rows. Of equal ones the first has the
 *  gradient. Throws UsageError for an input that is no image.
 *  @example
 *  const output = maxPool2d().output({ kind: 'operand', rows: 28 * 28, columns: 8 }, 'operand');
 *  console.log(output.rows, output.columns); // 196 8
 */
export const maxPool2d = (options: Pool2dOptions = {}): Layer =>
  pool('maxPool2d', options, (image, at) => new MaxPool(image, at));

/** The mean of each window, rounded half up: operand to operand of fewer rows. Throws UsageError
 *  for an input that is no image.
 *  @example
 *  const all = avgPool2d({ kernel: 0 });
 *  console.log(all.output({ kind: 'operand', rows: 49, columns: 8 }, 'operand').rows); // 1
 */
export const avgPool2d = (options: Pool2dOptions = {}): Layer =>
  pool('avgPool2d', options, (image, at) => new AveragePool(image, at));

function pool(
  name: string,
  options: Pool2dOptions,
  make: (image: Windows, at: Planner) => Planned,
): Layer {
  const given = fields<Pool2dOptions>('options', options, { kernel: 2, stride: 0, width: 0 });
  const kernel = given.kernel === 0 ? 1 : given.kernel;
  if (Object(options).stride === undefined) given.stride = kernel;
  checkWindows({ ...given, kernel, padding: 0 });
  const imageOf = (input: Type): Windows => {
    const image = windowsOf(name, input, { ...given, kernel, padding: 0 });
    if (given.kernel > 0) return image;
    if (image.height !== image.width)
      throw new UsageError(`${name} is given an image of ${image.width} x ${image.height}`);
    return { ...image, kernel: image.width, stride: image.width };
  };
  return {
    takes: ['operand'],
    output(input) {
      if (input.kind !== 'operand') refuse(name, input, 'operand');
      return { ...input, rows: rowsOf(imageOf(input)) };
    },
    plan: (at, input) => make(imageOf(input), at),
  };
}

const rowsOf = (image: Windows): number =>
  windowsAlong(image.height, image) * windowsAlong(image.width, image);

/** Where window w begins: the row of its first pixel. */
function firstOf(image: Windows, w: number): number {
  const across = windowsAlong(image.width, image);
  return Math.floor(w / across) * image.stride * image.width + (w % across) * image.stride;
}

/** What both have in common. */
abstract class Pool<Saved> implements Planned<Saved> {
  abstract readonly needsInput: boolean;
  /** Rows from a window's first pixel to each of its pixels. */
  protected readonly pixels: readonly number[];
  protected readonly firsts: readonly number[];

  /** int32 [windows, channels]: a gradient that is sent back, as dx may lie where dy does. */
  protected readonly sent: Scratch;

  constructor(
    protected readonly image: Windows,
    at: Planner,
  ) {
    const { kernel, width } = image;
    const side = Array.from({ length: kernel }, (_, i) => i);
    this.pixels = side.flatMap((y) => side.map((x) => y * width + x));
    this.firsts = Array.from({ length: rowsOf(image) }, (_, w) => firstOf(image, w));
    this.sent = at.scratch('pooled gradient', this.firsts.length * image.channels * 4);
  }

  rowsOf(): number {
    return this.firsts.length;
  }

  prepare(_: Run, x: Tensor, y: Tensor): void {
    y.fraction = x.fraction;
    y.range.deviation = x.range.deviation;
    y.range.offset = x.range.offset;
  }

  abstract saved(arena: Arena): Saved;
  abstract forward(run: Run, x: Tensor, saved: Saved, y: Tensor): void;
  abstract backward(
    run: Run,
    dy: Gradient,
    x: Tensor,
    saved: Saved,
    dx: Gradient | undefined,
  ): void;
}

class MaxPool extends Pool<number> {
  readonly needsInput = false;

  /** int32 [windows, channels]: the row of the largest, and room for the gradient. */
  saved(arena: Arena): number {
    return arena.allocate('states', this.firsts.length * this.image.channels * 4);
  }

  forward({ int16, int32 }: Run, x: Tensor, saved: number, y: Tensor): void {
    const { firsts, pixels, image } = this;
    const { channels: n } = image;
    y.rows = firsts.length;
    for (let w = 0; w < firsts.length; w++)
      for (let c = 0; c < n; c++) {
        let best = firsts[w];
        for (const pixel of pixels) {
          const row = firsts[w] + pixel;
          if (int16[x.at / 2 + row * n + c] > int16[x.at / 2 + best * n + c]) best = row;
        }
        int32[saved / 4 + w * n + c] = best;
        int16[y.at / 2 + w * n + c] = int16[x.at / 2 + best * n + c];
      }
  }

  /** Adds dy where the largest was, shifted so that the sum over all windows of a pixel fits. */
  backward(run: Run, dy: Gradient, x: Tensor, saved: number, dx: Gradient | undefined): void {
    if (dx === undefined) return;
    const { firsts, image } = this;
    const { int32 } = run;
    const n = firsts.length * image.channels;
    const shift = overlap(image);
    const sent = this.sent.at / 4;
    for (let i = 0; i < n; i++) int32[sent + i] = halfUp(int32[dy.at / 4 + i], shift);
    run.clear(dx.at, x.size * 4);
    const to = dx.at / 4;
    for (let i = 0; i < n; i++) {
      const at = to + int32[saved / 4 + i] * image.channels + (i % image.channels);
      int32[at] += int32[sent + i];
    }
    dx.exponent = dy.exponent + shift;
  }
}

const halfUp = (a: number, shift: number): number => Math.floor(a / 2 ** shift + 0.5);

/** Bits by which a gradient is shifted, so that the sum over the windows of a pixel fits int32. */
function overlap({ kernel, stride }: Windows): number {
  const cover = Math.ceil(kernel / stride) ** 2;
  return bits(cover - 1);
}

class AveragePool extends Pool<undefined> {
  readonly needsInput = false;

  saved(): undefined {
    return undefined;
  }

  /** y = floor((2 sum + n) / (2 n)) of n pixels: |sum| < 2^15 * 2^24. */
  forward({ int16 }: Run, x: Tensor, _: undefined, y: Tensor): void {
    const { firsts, pixels, image } = this;
    const { channels } = image;
    const n = pixels.length;
    y.rows = firsts.length;
    for (let w = 0; w < firsts.length; w++)
      for (let c = 0; c < channels; c++) {
        let sum = 0;
        for (const pixel of pixels) sum += int16[x.at / 2 + (firsts[w] + pixel) * channels + c];
        int16[y.at / 2 + w * channels + c] = Math.floor((2 * sum + n) / (2 * n));
      }
  }

  /** Every pixel of a window gets dy / n: with b = floor(log2 n) the raw numbers are dy * (2^b /
   *  n), half up, and the exponent is smaller by b. */
  backward(run: Run, dy: Gradient, x: Tensor, _: undefined, dx: Gradient | undefined): void {
    if (dx === undefined) return;
    const { firsts, pixels, image } = this;
    const { channels } = image;
    const { int32 } = run;
    const n = pixels.length;
    const down = overlap(image);
    const up = bits(n) - 1;
    const factor = 2 ** up;
    const divisor = n * 2 ** down;
    const shares = this.sent.at / 4;
    for (let i = 0; i < firsts.length * channels; i++)
      int32[shares + i] = Math.floor((2 * int32[dy.at / 4 + i] * factor + divisor) / (2 * divisor));
    run.clear(dx.at, x.size * 4);
    for (let w = 0; w < firsts.length; w++)
      for (const pixel of pixels)
        for (let c = 0; c < channels; c++)
          int32[dx.at / 4 + (firsts[w] + pixel) * channels + c] += int32[shares + w * channels + c];
    dx.exponent = dy.exponent - up + down;
  }
}
