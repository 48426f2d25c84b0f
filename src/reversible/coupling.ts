// Additive coupling of two streams of full width (RevNet, Gomez et al., NeurIPS 2017; RevViT, Mangalam et al., CVPR 2022):
//   y1 = x1 + F(x2),  y2 = x2 + G(y1),  F = the block's attention, G = its MLP;  lane: last = x1, previous = x2
// Both streams begin as copies of the embedding. The head sees y1 + y2 (RevViT concatenates them: here every rule has the same
// parameters, and the head's layer norm makes the sum a mean). Exactly invertible without side bits; the same at inference.

import type { Pointer } from '../kernels/kernels.ts';
import { combine } from '../ops/gradient.ts';
import { BRANCH_FRACTION } from '../tensor/formats.ts';
import { pairHash, type Site, type UpdateRule, stateLimit } from './rule.ts';

/** stream += sign * (sublayers from .. to at `x`), rounded. */
function add(site: Site, x: Pointer, stream: Pointer, sign: number, from: number, to: number): number {
  const { d, n, l, h } = site;
  site.branch(x, from, to);
  return d.kernels.add_rounded_i32(stream, h, stream, n, sign, BRANCH_FRACTION - l, stateLimit(l));
}

/** What the head sees: y1 + y2. Returns the count out of range, which can be where neither stream is. */
const sum = ({ d, lane, n, l }: Site, out: Pointer): number => d.kernels.add_rounded_i32(lane.last, lane.previous, out, n, 1, 0, stateLimit(l));

export const couplingRule: UpdateRule = {
  name: 'coupling',
  sideBytes: () => 0,
  begin: ({ d, lane, n }) => void d.view(lane.previous, n).set(d.view(lane.last, n)),
  forward(site) {
    const { lane: { last, previous }, parts, k, layers, spare } = site;
    const beyond = add(site, previous, last, 1, 0, parts - 1) + add(site, last, previous, 1, parts - 1, parts);
    return k === layers - 1 ? beyond + sum(site, spare) : beyond;
  },
  output(site) {
    sum(site, site.lane.b.at);
    return site.lane.b.at;
  },
  inverse(site) {
    const { lane: { last, previous }, parts } = site;
    add(site, last, previous, -1, parts - 1, parts);
    add(site, previous, last, -1, 0, parts - 1);
  },
  fingerprint: pairHash,
  seed({ d, lane, n }) {
    d.view(lane.b.at, n).set(d.view(lane.a.at, n));
    lane.b.exponent = lane.a.exponent;
    lane.bSign = 1;
  },
  backward(site) {
    const { d, lane, n, parts, dBranch } = site;
    const through = (x: typeof lane.a, y: typeof lane.a, from: number, to: number): void => { // x's gradient += J^T y's
      const dx = site.gradient(combine(d, y, 1, undefined, 0, undefined, dBranch, n), from, to);
      x.exponent = combine(d, x, 1, dx, 1, undefined, x.at, n);
    };
    through(lane.a, lane.b, parts - 1, parts);
    through(lane.b, lane.a, 0, parts - 1);
  },
  finish({ d, lane, n }) {
    lane.a.exponent = combine(d, lane.a, 1, lane.b, 1, undefined, lane.a.at, n);
  },
};
