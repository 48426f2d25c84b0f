// BDIA (Zhang, Lewis, Kleijn, ICML 2025): gamma = +-2^-m drawn anew per step, sample and block;
// exactly invertible with m side bits an element. sigma is a function of (seed, step, sample,
// block), so nothing is saved to replay it. Inference: gamma = 0.

import { fields, whole } from '../core/check.ts';
import { PURPOSE, randomU32 } from '../core/random.ts';
import type { Pointer } from '../kernels/kernels.ts';
import { gammaBackward, gammaForward, inferenceForward, swap } from './gamma.ts';
import type { Site, UpdateRule } from './rule.ts';

/** Bytes of one block's side bits for one sequence: m planes of one bit an element. */
const sideBytes = (n: number, shift: number): number => Math.ceil(n / 8) * shift;

/** The sign of a block for a sample of a step: 1 or -1. */
export const randomSign = ({ seed, step, sample, block }: Site): number =>
  (randomU32(seed, PURPOSE.gamma, step, sample, block) & 1) === 0 ? 1 : -1;

/** Of BDIA. */
export interface BdiaOptions {
  /** gamma = +-2^-m, m = 1..3 (1). */
  gammaShift?: number | undefined;
}

/** BDIA: x_{k+1} = gamma x_{k-1} + (1 - gamma) x_k + (1 + gamma) h_k(x_k), gamma drawn anew for
 *  every sample and block. Exactly reversible; at inference the plain residual.
 *  @example
 *  const shape = { vocabulary: 4, layers: 4, channels: 8, heads: 2, context: 4 };
 *  const model = gpt({ ...shape, rule: bdia({ gammaShift: 2 }) });
 *  const { bytes } = plan({ model, batch: 1, steps: 10 });
 *  console.log(bytes.states, bytes.sideBits); // 512 24
 */
export function bdia(given: BdiaOptions = {}): UpdateRule {
  const { gammaShift } = fields('options', given, { gammaShift: 1 });
  whole('gammaShift', gammaShift, 1, 3);
  const sigmaOf = (site: Site): number => (!site.isTraining || site.k === 0 ? 0 : randomSign(site));
  const sideOf = ({ lane, k, n }: Site): Pointer => lane.side + (k - 1) * sideBytes(n, gammaShift);
  return {
    name: 'bdia',
    options: { gammaShift },
    hasGamma: true,
    sideBytes: (n, layers) => (layers - 1) * sideBytes(n, gammaShift),
    forward(site) {
      site.branch(site.lane.last);
      if (!site.isTraining) return inferenceForward(site);
      return gammaForward(site, sigmaOf(site), gammaShift, sideOf(site));
    },
    inverse(site) {
      const { run, lane, k, n, l, h } = site;
      const { last, previous } = lane;
      site.branch(previous);
      if (k > 0) {
        const sigma = sigmaOf(site);
        const side = sideOf(site);
        run.kernels.bdia_inverse_i32(last, previous, h, side, last, n, l, sigma, gammaShift);
      }
      swap(lane);
    },
    fingerprint: ({ run, lane, k, n }) =>
      k === 0 ? undefined : run.kernels.hash_i32(lane.previous, n),
    backward: (site) => gammaBackward(site, sigmaOf(site), site.k === 0 ? 0 : gammaShift),
  };
}
