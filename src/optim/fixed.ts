// Arithmetic of optimizers that have no kernel of their own: plain TypeScript on integers that a
// double holds exactly.

import type { Pointer } from '../kernels/kernels.ts';
import { OPTIMIZER_FRACTION, WEIGHT_LIMIT } from '../memory/formats.ts';
import { bits } from '../ops/gradient.ts';
import type { Run } from '../ops/run.ts';
import type { Part } from './optimizer.ts';

/** Elements whose gradients are looked at together, and the bytes that takes. */
export const CHUNK = 4096;
export const CHUNK_BYTES = CHUNK * 4;
/** Bits of a factor: its product with an int32 is exact in a double. */
const FACTOR_BITS = 22;

/** A factor: mantissa * 2^-shift. */
export interface Factor {
  readonly mantissa: number;
  readonly shift: number;
}

/** value * 2^-fraction as a factor, cut to 22 bits. */
export function factorOf(value: number, fraction: number): Factor {
  const cut = Math.max(0, bits(value) - FACTOR_BITS);
  return { mantissa: Math.floor(value / 2 ** cut), shift: fraction - cut };
}

/** x * factor, rounded half up, exactly, for int32 x. */
export const times = (x: number, { mantissa, shift }: Factor): number =>
  Math.floor((x * mantissa) / 2 ** shift + 0.5);

const clamp = (x: number, limit: number): number => Math.min(limit, Math.max(-limit, x));

/** Calls `visit` with the clipped gradient of each element of a part (30 - scale fraction bits, at
 *  most 2^30) and the element's place; its scratch is used. */
export function eachGradient(
  run: Run,
  part: Part,
  visit: (gradient: number, i: number) => void,
): void {
  const { n, gradient, scratch, shift } = part;
  const factor = factorOf(part.factor, part.factorShift);
  const limit = 2 ** OPTIMIZER_FRACTION;
  const { int32 } = run;
  for (let from = 0; from < n; from += CHUNK) {
    const count = Math.min(CHUNK, n - from);
    run.kernels.narrow_i64i32(gradient + from * 8, count, scratch, count, 1, count, shift);
    for (let i = 0; i < count; i++)
      visit(clamp(times(int32[scratch / 4 + i], factor), limit), from + i);
  }
}

/** Changes the int32 weight at `at` (an index of words) by `change`, within its range; 1 if it was
 *  clamped, else 0. */
export function moveWeight({ int32 }: Run, at: Pointer, change: number): number {
  const wanted = int32[at] + change;
  int32[at] = clamp(wanted, WEIGHT_LIMIT);
  return int32[at] === wanted ? 0 : 1;
}
