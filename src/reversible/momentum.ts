// Momentum ResNet (Sander, Ablin, Blondel, Peyre, ICML 2021): v_{k+1} = beta v_k + (1 - beta)
// h_k(x_k), x_{k+1} = x_k + v_{k+1}, v_0 = 0; lane: last = x, previous = v with 16 fraction bits.
// beta = numerator / denominator is multiplied exactly: the remainder goes into a mixed-radix
// number of 32 bits an element (Maclaurin, Duvenaud, Adams, ICML 2015), log2(1 / beta) bits a
// block, and an older one comes back in its place. That is noise of a few units of v, so v is finer
// than x: at 9 fraction bits it would drown (1 - beta) h. isRandom: beta = -gamma of BDIA with the
// same seed, 0 in block 0 and at inference. In real numbers that is BDIA, since then x_{k+1} = (1 +
// beta) x_k - beta x_{k-1} + (1 - beta) h_k: the control that has BDIA's randomness but momentum's
// rounding.

import { choice, fields, flag } from '../core/check.ts';
import { UsageError } from '../core/errors.ts';
import { BRANCH_FRACTION } from '../memory/formats.ts';
import { bits } from '../ops/gradient.ts';
import { randomSign } from './bdia.ts';
import { gammaForward } from './gamma.ts';
import { pairHash, type Site, stateLimit, type UpdateRule } from './rule.ts';

/** Of momentum. */
export interface MomentumOptions {
  /** beta: an eighth to seven eighths (0.875). */
  beta?: number | undefined;
  /** +-beta drawn anew per step, sample and block, and 0 at inference (false). */
  isRandom?: boolean | undefined;
}

const BETAS = [0.125, 0.25, 0.375, 0.5, 0.625, 0.75, 0.875];

/** beta as a fraction in lowest terms; its denominator is a power of two: 2, 4 or 8. */
export function fractionOf(beta: number): { numerator: number; denominator: number } {
  let numerator = beta * 8;
  let denominator = 8;
  for (; numerator % 2 === 0 && denominator > 2; numerator /= 2) denominator /= 2;
  return { numerator, denominator };
}

/** Blocks whose remainders always fit a mixed-radix number of 32 bits. Block 0 leaves none: v_0 =
 *  0. */
export function momentumBlocks(beta: number): number {
  const { numerator, denominator } = fractionOf(beta);
  let most = 0;
  let blocks = 1;
  for (; blocks < 4096; blocks++) {
    most = Math.floor((most * denominator + denominator - 1) / numerator);
    if (most >= 2 ** 32) break;
  }
  return blocks;
}

/** Momentum: v_{k+1} = beta v_k + (1 - beta) h_k(x_k), x_{k+1} = x_k + v_{k+1}. Exactly reversible
 *  with 32 bits an element, whatever the depth. Throws UsageError for a beta that is none of the
 *  eighths.
 *  @example
 *  const shape = { vocabulary: 4, layers: 4, channels: 8, heads: 2, context: 4 };
 *  const model = gpt({ ...shape, rule: momentum({ beta: 0.5 }) });
 *  const { bytes } = plan({ model, batch: 1, steps: 10 });
 *  console.log(bytes.states, bytes.sideBits); // 512 128
 */
export function momentum(given: MomentumOptions = {}): UpdateRule {
  const { beta, isRandom } = fields('options', given, { beta: 0.875, isRandom: false });
  choice('beta', beta, BETAS);
  flag('isRandom', isRandom);
  const { numerator: p, denominator: q } = fractionOf(beta);
  if (isRandom && p + q > 9)
    throw new UsageError(`beta is ${beta}, expected 0.125, 0.25, 0.5 or 0.75 with isRandom`);
  const shift = bits(q) - 1;
  /** The sign of beta; 0: beta is 0. */
  const sigmaOf = (site: Site): number => {
    if (!isRandom) return 1;
    return !site.isTraining || site.k === 0 ? 0 : -randomSign(site);
  };
  /** v += sign (1 - beta) h, rounded. */
  const push = ({ run, lane, n, h }: Site, sigma: number, sign: number): number => {
    const { previous } = lane;
    const factor = sign * (q - sigma * p);
    const limit = stateLimit(BRANCH_FRACTION);
    return run.kernels.add_rounded_i32(previous, h, previous, n, factor, shift, limit);
  };
  /** x += sign v, rounded. */
  const move = ({ run, lane, n, l }: Site, sign: number): number => {
    const { last, previous } = lane;
    const limit = stateLimit(l);
    return run.kernels.add_rounded_i32(last, previous, last, n, sign, BRANCH_FRACTION - l, limit);
  };
  return {
    name: 'momentum',
    options: { beta, isRandom },
    hasGamma: false,
    check(layers) {
      const most = momentumBlocks(beta);
      if (layers <= most) return;
      throw new UsageError(
        `momentum ${beta} over ${layers} layers needs more than 32 bits an element to be undone, ` +
          `enough for ${most}`,
        'use fewer layers or a larger momentum',
      );
    },
    sideBytes: (n) => n * 4,
    begin({ run, lane, n }) {
      run.clear(lane.previous, n * 4);
      run.clear(lane.side, n * 4);
    },
    forward(site) {
      const { run, lane, n, isTraining } = site;
      const sigma = sigmaOf(site);
      site.branch(lane.last);
      if (isRandom && !isTraining) return gammaForward(site, 0, 0, 0); // the plain residual
      const { previous, side } = lane;
      const lost =
        sigma === 0 ? 0 : run.kernels.exchange_radix_i32u32(previous, side, n, q, p, 1, sigma);
      return lost + push(site, sigma, 1) + move(site, 1);
    },
    inverse(site) {
      const { run, lane, n } = site;
      const sigma = sigmaOf(site);
      move(site, -1);
      site.branch(lane.last);
      push(site, sigma, -1);
      const { previous, side } = lane;
      if (sigma !== 0) run.kernels.exchange_radix_i32u32(previous, side, n, p, q, sigma, 1);
    },
    fingerprint: pairHash,
    backward(site) {
      const { run, lane, n, dBranch } = site;
      const { a, b } = lane;
      const sigma = sigmaOf(site);
      const sum = run.sum.of(n).add(a);
      if (lane.bSign !== 0) sum.add(b, lane.bSign);
      sum.into(b);
      b.exponent -= shift;
      run.sum
        .of(n)
        .add(b, q - sigma * p)
        .into(dBranch);
      site.gradient();
      run.sum.of(n).add(a).add(dBranch).into(a);
      run.sum.of(n).add(b, p).into(b);
      lane.bSign = sigma;
    },
  };
}
