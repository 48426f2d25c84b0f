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

/** value * 2^-fraction as a factor, cut to 22 bits.
 *  @example
 *  console.log(factorOf(3, 4)); // { mantissa: 3, shift: 4 }
 */
export function factorOf(value: number, fraction: number): Factor {
  const cut = Math.max(0, bits(value) - FACTOR_BITS);
  return { mantissa: Math.floor(value / 2 ** cut), shift: fraction - cut };
}

/** x * factor, rounded half up, exactly, for int32 x.
 *  @example
 *  console.log(times(100, factorOf(3, 4))); // 19
 */
export const times = (x: number, { mantissa, shift }: Factor): number =>
  Math.floor((x * mantissa) / 2 ** shift + 0.5);

const clamp = (x: number, limit: number): number => Math.min(limit, Math.max(-limit, x));

/** Calls `visit` with the clipped gradient of each element of a part (30 - scale fraction bits, at
 *  most 2^30) and the element's place; its scratch is used.
 *  @example
 *  const plainDescent = {
 *    name: 'descent', options: {}, slots: [], scratchBytes: 16384,
 *    update(run, part, { rate }) {
 *      const step = factorOf(Number(rate), 32 + 30 - part.scale - 24);
 *      let clamped = 0;
 *      eachGradient(run, part, (gradient, i) => {
 *        clamped += moveWeight(run, part.master / 4 + i, -times(gradient, step));
 *      });
 *      return clamped;
 *    },
 *  };
 *  const model = gpt({ vocabulary: 4, layers: 1, channels: 8, heads: 2, context: 4 });
 *  const trainer = Trainer.create({ model, batch: 1, steps: 9, optimizer: plainDescent });
 *  const batch = { inputs: Int32Array.of(0, 1, 2, 3), targets: Int32Array.of(1, 2, 3, 0) };
 *  console.log(trainer.step(batch).step); // 1
 */
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
 *  clamped, else 0.
 *  @example
 *  const run = new Run(createWasmBackend({ pages: 1 }));
 *  const { base } = run.backend;
 *  run.int32[base / 4] = 5;
 *  console.log(moveWeight(run, base / 4, -7), run.int32[base / 4]); // 0 -2
 */
export function moveWeight({ int32 }: Run, at: Pointer, change: number): number {
  const wanted = int32[at] + change;
  int32[at] = clamp(wanted, WEIGHT_LIMIT);
  return int32[at] === wanted ? 0 : 1;
}
