// BDIA (Zhang, Lewis, Kleijn, ICML 2025): gamma = +-2^-m drawn anew per step, sample and block; exactly invertible with m side
// bits an element. sigma is a function of (seed, step, sample, block), so nothing is saved to replay it. Inference: gamma = 0.

import type { Pointer } from '../kernels/kernels.ts';
import { PURPOSE, randomU32 } from '../random.ts';
import { gammaBackward, gammaForward, inferenceForward, swap } from './gamma.ts';
import type { Site, UpdateRule } from './rule.ts';

/** Bytes of one block's side bits for one sequence: m planes of one bit an element. */
const sideBytes = (n: number, shift: number): number => Math.ceil(n / 8) * shift;

/** The sign of a block for a sample of a step: 1 or -1. */
export const randomSign = (seed: number, step: number, sample: number, block: number): number =>
  (randomU32(seed, PURPOSE.gamma, step, sample, block) & 1) === 0 ? 1 : -1;

export function bdiaRule(seed: number, shift: number): UpdateRule {
  const sigmaOf = ({ training, k, block }: Site): number => (training === undefined || k === 0 ? 0 : randomSign(seed, training.step, training.sample, block));
  const sideOf = ({ lane, k, n }: Site): Pointer => lane.side + (k - 1) * sideBytes(n, shift);
  return {
    name: 'bdia',
    sideBytes: (n, layers) => (layers - 1) * sideBytes(n, shift),
    forward(site) {
      site.branch(site.lane.last);
      return site.training === undefined ? inferenceForward(site) : gammaForward(site, sigmaOf(site), shift, sideOf(site));
    },
    inverse(site) {
      const { d, lane, k, n, l, h } = site;
      site.branch(lane.previous);
      if (k > 0) d.kernels.bdia_inverse_i32(lane.last, lane.previous, h, sideOf(site), lane.last, n, l, sigmaOf(site), shift);
      swap(lane);
    },
    fingerprint: ({ d, lane, k, n }) => (k === 0 ? undefined : d.kernels.hash_i32(lane.previous, n)),
    backward: (site) => gammaBackward(site, sigmaOf(site), site.k === 0 ? 0 : shift),
  };
}
