// Momentum ResNet (Sander, Ablin, Blondel, Peyre, ICML 2021): v_{k+1} = beta v_k + (1 - beta) h_k(x_k),  x_{k+1} = x_k + v_{k+1}, v_0 = 0;
// lane: last = x, previous = v with 16 fraction bits. beta = numerator / denominator is multiplied exactly: the remainder goes into a
// mixed-radix number of 32 bits an element (Maclaurin, Duvenaud, Adams, ICML 2015), log2(1 / beta) bits a block, and an older one comes
// back in its place. That is noise of a few units of v, so v is finer than x: at 9 fraction bits it would drown (1 - beta) h.
// isRandom: beta = -gamma of BDIA with the same seed, 0 in block 0 and at inference. In real numbers that is BDIA, since then
// x_{k+1} = (1 + beta) x_k - beta x_{k-1} + (1 - beta) h_k: the control that has BDIA's randomness but momentum's rounding.

import { BRANCH_FRACTION } from '../tensor/formats.ts';
import { type Scaled, bits, combine } from '../ops/gradient.ts';
import { randomSign } from './bdia.ts';
import { gammaForward } from './gamma.ts';
import { pairHash, type Site, type UpdateRule, stateLimit } from './rule.ts';

export interface Momentum {
  readonly numerator: number;
  /** A power of two: 2, 4 or 8. */
  readonly denominator: number;
  readonly isRandom: boolean;
}

/** Blocks whose remainders always fit a mixed-radix number of 32 bits. Block 0 leaves none: v_0 = 0. */
export function momentumBlocks({ numerator, denominator }: Momentum): number {
  let most = 0, blocks = 1;
  for (; blocks < 4096; blocks++) {
    most = Math.floor((most * denominator + denominator - 1) / numerator);
    if (most >= 2 ** 32) break;
  }
  return blocks;
}

export function momentumRule(seed: number, beta: Momentum): UpdateRule {
  const { numerator: p, denominator: q, isRandom } = beta, shift = bits(q) - 1;
  /** The sign of beta; 0: beta is 0. */
  const sigmaOf = ({ training, k, block }: Site): number => (!isRandom ? 1 : training === undefined || k === 0 ? 0 : -randomSign(seed, training.step, training.sample, block));
  /** v += sign (1 - beta) h, rounded. */
  const push = ({ d, lane, n, h }: Site, sigma: number, sign: number): number =>
    d.kernels.add_rounded_i32(lane.previous, h, lane.previous, n, sign * (q - sigma * p), shift, stateLimit(BRANCH_FRACTION));
  /** x += sign v, rounded. */
  const move = ({ d, lane, n, l }: Site, sign: number): number =>
    d.kernels.add_rounded_i32(lane.last, lane.previous, lane.last, n, sign, BRANCH_FRACTION - l, stateLimit(l));
  return {
    name: 'momentum',
    sideBytes: (n) => n * 4,
    begin({ d, lane, n }) {
      d.clear(lane.previous, n * 4);
      d.clear(lane.side, n * 4);
    },
    forward(site) {
      const { d, lane, n, training } = site, sigma = sigmaOf(site);
      site.branch(lane.last);
      if (isRandom && training === undefined) return gammaForward(site, 0, 0, 0); // the plain residual
      const lost = sigma === 0 ? 0 : d.kernels.exchange_radix_i32u32(lane.previous, lane.side, n, q, p, 1, sigma);
      return lost + push(site, sigma, 1) + move(site, 1);
    },
    inverse(site) {
      const { d, lane, n } = site, sigma = sigmaOf(site);
      move(site, -1);
      site.branch(lane.last);
      push(site, sigma, -1);
      if (sigma !== 0) d.kernels.exchange_radix_i32u32(lane.previous, lane.side, n, p, q, sigma, 1);
    },
    fingerprint: pairHash,
    backward(site) {
      const { d, lane, n, dBranch } = site, sigma = sigmaOf(site);
      const at = lane.b.at, sum: Scaled = { at, exponent: combine(d, lane.a, 1, lane.bSign === 0 ? undefined : lane.b, lane.bSign, undefined, at, n) - shift };
      const dx = site.gradient(combine(d, sum, q - sigma * p, undefined, 0, undefined, dBranch, n));
      lane.a.exponent = combine(d, lane.a, 1, dx, 1, undefined, lane.a.at, n);
      lane.b.exponent = combine(d, sum, p, undefined, 0, undefined, at, n);
      lane.bSign = sigma;
    },
  };
}
