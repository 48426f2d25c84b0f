// Leapfrog: gamma = 1, x_{k+1} = x_{k-1} + 2 h_k(x_k) after a plain first step (Chang et al.,
// "Reversible Architectures for Arbitrarily Deep Residual Neural Networks", AAAI 2018). Exactly
// invertible without side bits; the same update at inference. Its root -1 is only marginally
// stable.

import { BRANCH_FRACTION } from '../memory/formats.ts';
import { gammaBackward, swap } from './gamma.ts';
import { stateLimit, type UpdateRule } from './rule.ts';

/** Leapfrog: x_{k+1} = x_{k-1} + 2 h_k(x_k). Exactly reversible without side bits.
 *  @example
 *  const shape = { vocabulary: 4, layers: 4, channels: 8, heads: 2, context: 4 };
 *  const model = gpt({ ...shape, rule: leapfrog() });
 *  const { bytes } = plan({ model, batch: 1, steps: 10 });
 *  console.log(bytes.states, bytes.sideBits); // 512 0
 */
export const leapfrog = (): UpdateRule => ({
  name: 'leapfrog',
  options: {},
  hasGamma: false,
  sideBytes: () => 0,
  forward(site) {
    const { run, lane, k, n, l, h } = site;
    const { last, previous } = lane;
    const from = k === 0 ? last : previous;
    const factor = k === 0 ? 1 : 2;
    const { kernels } = run;
    site.branch(last);
    const shift = BRANCH_FRACTION - l;
    const beyond = kernels.add_rounded_i32(from, h, previous, n, factor, shift, stateLimit(l));
    swap(lane);
    return beyond;
  },
  inverse(site) {
    const { run, lane, k, n, l, h } = site;
    const { last } = lane;
    site.branch(lane.previous);
    if (k > 0) run.kernels.add_rounded_i32(last, h, last, n, -2, BRANCH_FRACTION - l, 0);
    swap(lane);
  },
  fingerprint: ({ run, lane, k, n }) =>
    k === 0 ? undefined : run.kernels.hash_i32(lane.previous, n),
  backward: (site) => gammaBackward(site, site.k === 0 ? 0 : 1, 0),
});
