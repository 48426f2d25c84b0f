// The plain residual x_{k+1} = x_k + h_k(x_k): the standard transformer, and the yardstick of
// memory and time that the reversible rules are held against. It cannot run backward: activations
// are stored, or rebuilt from stored states (checkpointing).

import { gammaBackward, gammaForward, inferenceForward } from './gamma.ts';
import type { UpdateRule } from './rule.ts';

/** The plain residual, x_{k+1} = x_k + h_k(x_k). Not reversible: activations are kept, or rebuilt
 *  from kept states.
 *  @example
 *  const shape = { vocabulary: 4, layers: 4, channels: 8, heads: 2, context: 4 };
 *  const model = gpt({ ...shape, rule: plain() });
 *  const { bytes } = plan({ model, batch: 1, steps: 10 });
 *  console.log(bytes.states, bytes.sideBits); // 6144 0
 */
export const plain = (): UpdateRule => ({
  name: 'plain',
  options: {},
  hasGamma: true,
  sideBytes: () => 0,
  forward(site) {
    site.branch(site.lane.last);
    return site.isTraining ? gammaForward(site, 0, 0, 0) : inferenceForward(site);
  },
  backward: (site) => gammaBackward(site, 0, 0),
});
