// An optimizer of one's own: sign descent with momentum (signum, Bernstein et al. 2018), beside
// Lion, which the library brings.

import { type Optimizer, eachGradient, lion, moveWeight } from 'retrograd';

/** m <- m + (g - m) / 8,  w <- w - rate sign(m). */
export const signum = (): Optimizer => ({
  name: 'signum',
  options: {},
  slots: [{ name: 'm', low: -(2 ** 30) }],
  scratchBytes: 4096 * 4,
  update(run, part, { rate }) {
    const { int32 } = run;
    const weights = part.master / 4;
    const m = part.slots[0] / 4;
    const step = Math.floor(Number(rate) / 2 ** 8 + 0.5); // from 32 to a weight's 24 fraction bits
    let clamped = 0;
    eachGradient(run, part, (gradient, i) => {
      int32[m + i] += Math.floor((gradient - int32[m + i]) / 8 + 0.5);
      clamped += moveWeight(run, weights + i, -Math.sign(int32[m + i]) * step);
    });
    return clamped;
  },
});

export const optimizers = { signum: signum(), lion: lion({ weightDecay: 0.1 }) };
