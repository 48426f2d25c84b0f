// Layer norm of one sequence's rows, forward and backward, around the kernels of the same name.

import type { Device } from '../kernels/device.ts';
import type { Pointer } from '../kernels/kernels.ts';
import { FINE_GRADIENT_MAX, GAIN_FRACTION, RSTD_FRACTION, WEIGHT_GRADIENT_FRACTION, XHAT_FRACTION } from '../tensor/formats.ts';
import type { Arena } from '../tensor/arena.ts';
import { LOCK } from './locks.ts';
import { type Scaled, bits, toOperand } from './gradient.ts';

/** What the backward pass needs: the normalised rows and 1 / sigma. */
export interface NormSaved {
  readonly out: Pointer;
  readonly xhat: Pointer;
  readonly rstd: Pointer;
}

/** Places for them; of a block's activations they are states. */
export const layoutNormSaved = (arena: Arena, rows: number, columns: number): NormSaved => ({
  out: arena.allocate('states', rows * columns * 2), xhat: arena.allocate('states', rows * columns * 2), rstd: arena.allocate('states', rows * 4),
});

/** Scratch: dy as int16 [rows, columns] and int64 sums for gain and bias. */
export interface NormScratch {
  readonly dy: Pointer;
  readonly sums: Pointer;
}

export function layoutNormScratch(arena: Arena, rows: number, columns: number): NormScratch {
  return { dy: arena.allocate('workspace', rows * columns * 2), sums: arena.allocate('workspace', columns * 16) };
}

/** dz (int32, [rows, columns]) from the int32 gradient dOut; adds to the int64 gradients of gain and bias (0: none).
 *  Returns dz's exponent. The shift leaves room for the largest 1 / sigma of the sequence, so dz does not saturate. */
export function layerNormBackward(d: Device, dOut: Scaled, saved: NormSaved, gain: Pointer, dGain: Pointer, dBias: Pointer, scratch: NormScratch, dz: Pointer, rows: number, columns: number): number {
  const exponent = toOperand(d, dOut, scratch.dy, rows, columns, FINE_GRADIENT_MAX);
  const shift = bits(d.kernels.max_abs_i32(saved.rstd, rows, 1, rows)) + 1;
  const sumBias = dBias === 0 ? 0 : scratch.sums + columns * 8;
  d.clear(scratch.sums, columns * 16);
  d.counts.saturated += d.kernels.layer_norm_backward_i16i32(scratch.dy, saved.xhat, gain, saved.rstd, dz, scratch.sums, sumBias, rows, columns, shift);
  d.team.exclusive(LOCK.norms, () => {
    d.kernels.accumulate_i64(scratch.sums, dGain, columns, exponent - XHAT_FRACTION + WEIGHT_GRADIENT_FRACTION);
    if (dBias !== 0) d.kernels.accumulate_i64(sumBias, dBias, columns, exponent + WEIGHT_GRADIENT_FRACTION);
  });
  return exponent - GAIN_FRACTION - RSTD_FRACTION + shift;
}
