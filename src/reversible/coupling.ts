// Additive coupling of two streams of full width (RevNet, Gomez et al., NeurIPS 2017; RevViT,
// Mangalam et al., CVPR 2022):
//   y1 = x1 + F(x2),  y2 = x2 + G(y1);  lane: last = x1, previous = x2
// F: all sublayers of the block but the last, G: the last (an MLP). Both streams begin as copies of
// the embedding. The head sees y1 + y2 (RevViT concatenates them: here every rule has the same
// parameters, and the head's layer norm makes the sum a mean). Exactly invertible without side
// bits; the same at inference.

import { MAX_LENGTH, whole } from '../core/check.ts';
import type { Pointer } from '../kernels/kernels.ts';
import { BRANCH_FRACTION } from '../memory/formats.ts';
import type { Gradient } from '../memory/tensor.ts';
import { pairHash, type Site, stateLimit, type UpdateRule } from './rule.ts';

/** stream += sign * (what `branch` left in h), rounded. */
function add({ run, n, l, h }: Site, stream: Pointer, sign: number): number {
  const shift = BRANCH_FRACTION - l;
  return run.kernels.add_rounded_i32(stream, h, stream, n, sign, shift, stateLimit(l));
}

/** What the head sees: y1 + y2. Returns the count out of range, which can be where neither stream
 *  is. */
const sum = ({ run, lane, n, l }: Site, out: Pointer): number =>
  run.kernels.add_rounded_i32(lane.last, lane.previous, out, n, 1, 0, stateLimit(l));

/** x's gradient += J^T y's. */
function through(site: Site, x: Gradient, y: Gradient, from: number, to: number): void {
  const { run, n, dBranch } = site;
  run.sum.of(n).add(y).into(dBranch);
  site.gradient(from, to);
  run.sum.of(n).add(x).add(dBranch).into(x);
}

/** Two streams of full width, as in RevNet: y1 = x1 + F(x2), y2 = x2 + G(y1). Exactly reversible
 *  without side bits.
 *  @example
 *  const shape = { vocabulary: 4, layers: 4, channels: 8, heads: 2, context: 4 };
 *  const model = gpt({ ...shape, rule: coupling() });
 *  const { bytes } = plan({ model, batch: 1, steps: 10 });
 *  console.log(bytes.states, bytes.sideBits); // 512 0
 */
export const coupling = (): UpdateRule => ({
  name: 'coupling',
  options: {},
  hasGamma: false,
  sideBytes: () => 0,
  check(_, parts) {
    whole('sublayers of a block', parts, 2, MAX_LENGTH, 'coupling splits a block in two');
  },
  begin: ({ run, lane, n }) => void run.view(lane.previous, n).set(run.view(lane.last, n)),
  forward(site) {
    const { lane, parts, k, layers, spare } = site;
    site.branch(lane.previous, 0, parts - 1);
    const first = add(site, lane.last, 1);
    site.branch(lane.last, parts - 1, parts);
    const beyond = first + add(site, lane.previous, 1);
    return k === layers - 1 ? beyond + sum(site, spare) : beyond;
  },
  output(site) {
    sum(site, site.lane.b.at);
    return site.lane.b.at;
  },
  inverse(site) {
    const { lane, parts } = site;
    site.branch(lane.last, parts - 1, parts);
    add(site, lane.previous, -1);
    site.branch(lane.previous, 0, parts - 1);
    add(site, lane.last, -1);
  },
  fingerprint: pairHash,
  seed({ run, lane, n }) {
    run.view(lane.b.at, n).set(run.view(lane.a.at, n));
    lane.b.exponent = lane.a.exponent;
    lane.bSign = 1;
  },
  backward(site) {
    const { lane, parts } = site;
    through(site, lane.a, lane.b, parts - 1, parts);
    through(site, lane.b, lane.a, 0, parts - 1);
  },
  finish: ({ run, lane, n }) => run.sum.of(n).add(lane.a).add(lane.b).into(lane.a),
});
