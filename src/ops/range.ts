// How many fraction bits an int16 activation gets: a function of the weights that produce it, and
// of nothing else, so it is the same for every sample and token and is not state. A row w of a
// linear layer maps a normalised input (|x|_2 <= sqrt(C) times its deviation) to values of standard
// deviation about |w|_2 * deviation; the range covers eight of those, and never more than the +-16
// (8 fraction bits) that a static format would have. Measured at initialisation, 4 layers of 128
// channels: values are 8 times larger in raw units than with 8 fraction bits; docs/decisions.md has
// what that does to the gradients.

import type { Pointer } from '../kernels/kernels.ts';
import {
  MASTER_FRACTION,
  MAX_ACTIVATION_FRACTION,
  MIN_ACTIVATION_FRACTION,
  OPERAND_MAX,
} from '../memory/formats.ts';
import type { Range } from '../memory/tensor.ts';
import type { Run } from './run.ts';

/** Standard deviations that fit an operand's range. */
const DEVIATIONS = 8;

/** Fraction bits, 8..11, of an operand with such values.
 *  @example
 *  console.log(activationFraction({ deviation: 1, offset: 0 })); // 8
 */
export function activationFraction({ deviation, offset }: Range): number {
  const range = DEVIATIONS * deviation + offset;
  let fraction = MAX_ACTIVATION_FRACTION;
  while (fraction > MIN_ACTIVATION_FRACTION && range * 2 ** fraction > OPERAND_MAX) fraction--;
  return fraction;
}

/** The largest |value| of n int32 master weights, in real units; 0 for the address 0.
 *  @example
 *  const run = new Run(createWasmBackend({ pages: 1 }));
 *  const { base } = run.backend;
 *  run.view(base, 2).set([2 ** 24, -(2 ** 25)]);
 *  console.log(largestMaster(run, base, 2)); // 2
 */
export const largestMaster = (d: Run, at: Pointer, n: number): number =>
  at === 0 ? 0 : d.kernels.max_abs_i32(at, n, 1, n) / 2 ** MASTER_FRACTION;
