// What the rules with gamma = sigma 2^-m share (docs/reversibility.md):
//   x_{k+1} = gamma x_{k-1} + (1 - gamma) x_k + (1 + gamma) h_k(x_k);  lane: last = x_k,
//   previous = x_{k-1};  sigma = 0: plain residual
// and online back-propagation with a = dL/dx_{k+1}, b = the part of dL/dx_k that came from x_{k+2}:
//   dh = (1 + gamma) a,   (a, b) <- (b + (1 - gamma) a + J^T dh,  gamma a)

import type { Pointer } from '../kernels/kernels.ts';
import { bits } from '../ops/gradient.ts';
import type { Lane, Site } from './rule.ts';

export function swap(lane: Lane): void {
  const { last } = lane;
  lane.last = lane.previous;
  lane.previous = last;
}

/** One update; `side` takes m bits an element. */
export function gammaForward(site: Site, sigma: number, m: number, side: Pointer): number {
  const { run, lane, n, l, h } = site;
  const { last, previous } = lane;
  const shift = Math.max(1, m);
  const { kernels } = run;
  const beyond = kernels.bdia_step_i32(previous, last, h, previous, side, n, l, sigma, shift);
  swap(lane);
  return beyond;
}

/** The update of inference with a gamma of the caller's choice: the figure of accuracy against
 *  gamma. Nothing is kept. */
export function inferenceForward(site: Site): number {
  const { gamma8, k, spare } = site;
  if (gamma8 === 0 || k === 0) return gammaForward(site, 0, 0, spare);
  return gammaForward(site, Math.sign(gamma8), 4 - bits(Math.abs(gamma8)), spare);
}

export function gammaBackward(site: Site, sigma: number, m: number): void {
  const { run, lane, n, dBranch } = site;
  const { a, b } = lane;
  const unit = 2 ** m;
  a.exponent -= m;
  run.sum
    .of(n)
    .add(a, unit + sigma)
    .into(dBranch);
  site.gradient();
  const sum = run.sum.of(n).add(a, unit - sigma);
  if (lane.bSign !== 0) sum.add(b, lane.bSign);
  sum.add(dBranch).into(b);
  exchange(lane);
  lane.bSign = sigma;
}

/** a and b change places. */
function exchange({ a, b }: Lane): void {
  const { at, exponent } = a;
  a.at = b.at;
  a.exponent = b.exponent;
  b.at = at;
  b.exponent = exponent;
}
