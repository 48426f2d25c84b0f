// Noise of a layer or a loss, as a function of its place: nothing is saved, and it is the same for
// any micro-batch, thread and resumed run.

import { LAYER_PURPOSE } from '../core/random.ts';
import type { Pointer } from '../kernels/kernels.ts';
import type { Run } from './run.ts';

/** Streams of noise that a model can have. */
const STREAMS = 2 ** 28;

/** Writes n int32s at `to`, about normal with mean 0 and such a deviation, in steps of the result
 *  (below 2^28; within 4.9 deviations): a function of the run's seed, the step, the sample's place
 *  in the batch, `stream` and the place among the n. Layers with noise of their own take streams of
 *  their own (0..2^28 - 1); a backward pass that asks again is given the same. Outside of a step,
 *  as in `predict`, seed and step are 0. A sum of eight uniform numbers (random_normal_i32).
 *  @example
 *  const run = new Run(createWasmBackend({ pages: 1 }));
 *  const { base } = run.backend;
 *  normals(run, base, 3, 2 ** 16, 7);
 *  const drawn = Array.from(run.view(base, 3), (raw) => (raw / 2 ** 16).toFixed(2));
 *  console.log(drawn.join(' ')); // -1.40 -0.50 -0.80
 */
export function normals(run: Run, to: Pointer, n: number, deviation: number, stream = 0): void {
  const { kernels, pass, sample } = run;
  const { seed, step } = pass;
  const purpose = LAYER_PURPOSE + 16 * (stream % STREAMS);
  const scale = Math.round(deviation * Math.sqrt(1.5)); // 2^16 by the sum's own deviation
  const high = Math.floor(seed / 2 ** 32);
  kernels.random_normal_i32(to, n, sample, step, purpose, seed >>> 0, high, scale);
}
