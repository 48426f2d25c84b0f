// What the rules with gamma = sigma 2^-m share (docs/reversibility.md):
//   x_{k+1} = gamma x_{k-1} + (1 - gamma) x_k + (1 + gamma) h_k(x_k);  lane: last = x_k, previous = x_{k-1};  sigma = 0: plain residual
// and online back-propagation with a = dL/dx_{k+1}, b = the part of dL/dx_k that came from x_{k+2}:
//   dh = (1 + gamma) a,   (a, b) <- (b + (1 - gamma) a + J^T dh,  gamma a)

import type { Pointer } from '../kernels/kernels.ts';
import { type Scaled, bits, combine } from '../ops/gradient.ts';
import type { Lane, Site } from './rule.ts';

export function swap(lane: Lane): void {
  [lane.last, lane.previous] = [lane.previous, lane.last];
}

/** One update; `side` takes m bits an element. */
export function gammaForward({ d, lane, n, l, h }: Site, sigma: number, m: number, side: Pointer): number {
  const beyond = d.kernels.bdia_step_i32(lane.previous, lane.last, h, lane.previous, side, n, l, sigma, Math.max(1, m));
  swap(lane);
  return beyond;
}

/** The update of inference with a gamma of the caller's choice: the figure of accuracy against gamma. Nothing is kept. */
export function inferenceForward(site: Site): number {
  const { gamma8, k, spare } = site, isPlain = gamma8 === 0 || k === 0;
  return gammaForward(site, isPlain ? 0 : Math.sign(gamma8), isPlain ? 0 : 4 - bits(Math.abs(gamma8)), spare);
}

export function gammaBackward(site: Site, sigma: number, m: number): void {
  const { d, lane, n, dBranch } = site, unit = 2 ** m;
  const a: Scaled = { at: lane.a.at, exponent: lane.a.exponent - m };
  const dx = site.gradient(combine(d, a, unit + sigma, undefined, 0, undefined, dBranch, n));
  const b = lane.bSign === 0 ? undefined : lane.b;
  const next: Scaled = { at: lane.b.at, exponent: combine(d, a, unit - sigma, b, lane.bSign, dx, lane.b.at, n) };
  lane.b = a;
  lane.bSign = sigma;
  lane.a = next;
}
