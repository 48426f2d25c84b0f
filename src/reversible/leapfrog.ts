// Leapfrog: gamma = 1, x_{k+1} = x_{k-1} + 2 h_k(x_k) after a plain first step (Chang et al., "Reversible Architectures for Arbitrarily
// Deep Residual Neural Networks", AAAI 2018). Exactly invertible without side bits; the same update at inference. Its root -1 is
// only marginally stable.

import { BRANCH_FRACTION } from '../tensor/formats.ts';
import { gammaBackward, swap } from './gamma.ts';
import { type UpdateRule, stateLimit } from './rule.ts';

export const leapfrogRule: UpdateRule = {
  name: 'leapfrog',
  sideBytes: () => 0,
  forward(site) {
    const { d, lane, k, n, l, h } = site;
    site.branch(lane.last);
    const beyond = d.kernels.add_rounded_i32(k === 0 ? lane.last : lane.previous, h, lane.previous, n, k === 0 ? 1 : 2, BRANCH_FRACTION - l, stateLimit(l));
    swap(lane);
    return beyond;
  },
  inverse(site) {
    const { d, lane, k, n, l, h } = site;
    site.branch(lane.previous);
    if (k > 0) d.kernels.add_rounded_i32(lane.last, h, lane.last, n, -2, BRANCH_FRACTION - l, 0);
    swap(lane);
  },
  fingerprint: ({ d, lane, k, n }) => (k === 0 ? undefined : d.kernels.hash_i32(lane.previous, n)),
  backward: (site) => gammaBackward(site, site.k === 0 ? 0 : 1, 0),
};
