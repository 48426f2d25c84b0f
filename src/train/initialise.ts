// Initial weights, a function of the seed: nearly normal, or one value; the optimizer's tensors are
// 0.

import { PURPOSE } from '../core/random.ts';
import { MASTER_FRACTION } from '../memory/formats.ts';
import type { Parameter } from '../memory/parameter.ts';
import type { Run } from '../ops/run.ts';

/** Standard deviation of the sum of eight 16-bit uniform numbers: sqrt(8 (2^32 - 1) / 12). */
const IRWIN_HALL_DEVIATION = Math.sqrt((8 * (2 ** 32 - 1)) / 12);

export function initialise(run: Run, parameters: readonly Parameter[], seed: number): void {
  const low = seed >>> 0;
  const high = Math.floor(seed / 2 ** 32);
  const unit = 2 ** MASTER_FRACTION;
  parameters.forEach(({ master, size, slots, init }, index) => {
    for (const slot of slots) run.clear(slot, size * 4);
    if ('value' in init) {
      run.view(master, size).fill(Math.round(init.value * unit));
      return;
    }
    const scale = Math.round((init.deviation * unit * 2 ** 16) / IRWIN_HALL_DEVIATION);
    const purpose = PURPOSE.weights;
    run.kernels.random_normal_i32(master, size, index, 0, purpose, low, high, scale);
  });
}
