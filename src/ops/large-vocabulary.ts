// What heads of many logits need: exact sums where no column of their weights is short, and a
// gradient that is right on average where nearly all of it is less than half a step of an operand.

import { PURPOSE } from '../core/random.ts';
import type { Kernels, Pointer } from '../kernels/kernels.ts';
import { LOGIT_GRADIENT_FRACTION, OPERAND_MAX, OPERAND_PRODUCTS } from '../memory/formats.ts';
import type { Gradient, Type } from '../memory/tensor.ts';
import { fitShift, toOperand } from './gradient.ts';
import type { Run } from './run.ts';

/** Bits by which noise is finer than the gradient. Its ends are half as likely as what is between
 *  them, which leaves 2^-(7 + shift) of a step. */
const NOISE_BITS = 6;
/** Largest shift of a gradient within +-1, as p - onehot is: 4095 * 2^(13 + 6) < 2^31. */
const MOST_SHIFT = LOGIT_GRADIENT_FRACTION - 11;
/** Purposes of the generator are below it; a row has its own. */
const PURPOSES = 16;

/** The largest row sum of |w| of an int16 matrix, or what no sum of products can leave int32 by:
 *  l1_max_i16 of 128 rows at a time, whose columns always fit. scratch: int32 [columns]. */
export function rowSumMax(
  kernels: Kernels,
  w: Pointer,
  rows: number,
  columns: number,
  scratch: Pointer,
): number {
  let max = 0;
  for (let r = 0; r < rows; r += OPERAND_PRODUCTS) {
    const part = Math.min(OPERAND_PRODUCTS, rows - r);
    max = Math.max(max, kernels.l1_max_i16(w + r * columns * 2, part, columns, scratch));
  }
  return max;
}

/** As toOperand of a gradient [rows, columns] of 24 fraction bits within +-1, but each element
 *  becomes one of the two operands beside it by chance, and is right on average: noise of one step
 *  is added before rounding (dither). By the counter-based generator, so no micro-batch, thread or
 *  other sample plays a part. Rows of zeros stay zeros; a gradient that is larger is rounded to
 *  nearest. `from` is changed. noise: int32 [columns, filled up to a multiple of four]. */
export function toDitheredOperand(
  run: Run,
  from: Gradient,
  to: Gradient,
  { rows, columns }: Pick<Type, 'rows' | 'columns'>,
  noise: Pointer,
): void {
  const { kernels, sample, pass } = run;
  const { at, exponent } = from;
  const n = rows * columns;
  // with noise the largest may become one step more than it is
  let shift = fitShift(kernels.max_abs_i32(at, n, 1, n), exponent, OPERAND_MAX - 1);
  if (shift > MOST_SHIFT) {
    toOperand(run, from, to, n);
    return;
  }
  to.exponent = exponent + shift;
  shift += NOISE_BITS;
  for (let r = 0, row = at; r < rows; r++, row += columns * 4) {
    if (kernels.max_abs_i32(row, columns, 1, columns) === 0) continue;
    const purpose = PURPOSE.rounding + PURPOSES * r;
    const high = Math.floor(pass.seed / 2 ** 32);
    kernels.random_u32(noise, (columns + 3) & ~3, sample, pass.step, purpose, pass.seed, high);
    kernels.combine_i32(row, 1, -NOISE_BITS, 0, 0, 0, noise, 32 - shift, row, columns);
  }
  run.counts.saturated += kernels.requantize_i32i16(at, n, to.at, n, 1, n, shift, OPERAND_MAX, 0);
}
