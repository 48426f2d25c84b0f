// How many bits a working copy of weights has.

import { OverflowError } from '../core/errors.ts';
import { MASTER_FRACTION, OPERAND_MAX } from '../memory/formats.ts';
import { shiftToFit } from '../ops/gradient.ts';
import type { MatrixShape } from './columns.ts';

/** Fewest fraction bits of a working copy: 4095 * 2^-8 = 16, the range of the master weights. */
export const MIN_WEIGHT_FRACTION = 8;

/** The most fraction bits with which masters of at most `max` are operands, and which `fits`, told
 *  the shift, takes. Throws OverflowError if there are none. */
export function weightFraction(
  { out, into }: MatrixShape,
  max: number,
  fits: (shift: number) => boolean,
): number {
  let shift = max > OPERAND_MAX ? shiftToFit(max, OPERAND_MAX) : 0;
  for (; MASTER_FRACTION - shift >= MIN_WEIGHT_FRACTION; shift++)
    if (fits(shift)) return MASTER_FRACTION - shift;
  throw new OverflowError(
    `a ${out} x ${into} weight matrix is too large for exact sums ` +
      `(largest |w| ${max / 2 ** MASTER_FRACTION})`,
    'lower the learning rate',
  );
}
