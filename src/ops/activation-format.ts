// How many fraction bits an int16 activation gets: a function of the weights that produce it, and of nothing else, so it is the
// same for every sample and token and is not state. A row w of a linear layer maps a normalised input (|x|_2 <= sqrt(C) times the
// largest gain) to values of standard deviation about |w|_2 * gain; the range covers eight of those, and never more than the
// +-16 (8 fraction bits) that a static format would have. Measured at initialisation, 4 layers of 128 channels: values are
// 8 times larger in raw units than with 8 fraction bits; docs/decisions.md has what that does to the gradients.

import type { Device } from '../kernels/device.ts';
import { GAIN_FRACTION, MASTER_FRACTION, MAX_ACTIVATION_FRACTION, MIN_ACTIVATION_FRACTION, OPERAND_MAX } from '../tensor/formats.ts';
import type { Pointer } from '../kernels/kernels.ts';
import type { WorkingWeight } from './weight.ts';

/** Standard deviations that fit the range. */
const DEVIATIONS = 8;

/** The largest |gain| + |bias| of a layer norm, in real units. gain: int16 copy; bias: int32 master or 0. */
export function normScale(d: Device, gain: Pointer, bias: Pointer, channels: number): number {
  return d.kernels.row_norm_max_i16(gain, channels, 1) / 2 ** GAIN_FRACTION + (bias === 0 ? 0 : d.kernels.max_abs_i32(bias, channels, 1, channels) / 2 ** MASTER_FRACTION);
}

/** Fraction bits, 8..11, of the outputs in rows from .. to of w for inputs of a layer norm with `scale`; bias: int32 master or 0. */
export function activationFraction(d: Device, w: WorkingWeight, from: number, to: number, scale: number, bias: Pointer): number {
  const norm = d.kernels.row_norm_max_i16(w.copy + from * w.columns * 2, to - from, w.columns) / 2 ** w.fraction;
  const range = DEVIATIONS * norm * scale + (bias === 0 ? 0 : d.kernels.max_abs_i32(bias + from * 4, to - from, 1, to - from) / 2 ** MASTER_FRACTION);
  let fraction = MAX_ACTIVATION_FRACTION;
  while (fraction > MIN_ACTIVATION_FRACTION && range * 2 ** fraction > OPERAND_MAX) fraction--;
  return fraction;
}
