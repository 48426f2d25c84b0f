// A GPT with an optimizer of one's own, sign descent with momentum (signum, Bernstein et al. 2018):
//   m <- m + (g - m) / 8,  w <- w - rate sign(m).

import { cosine, eachGradient, gpt, moveWeight, type Optimizer } from 'retrograd';

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

export const options = {
  model: gpt({ vocabulary: 256, layers: 2, channels: 32, heads: 4, context: 16 }),
  batch: 8,
  steps: 400,
  learningRate: cosine(0.001),
  optimizer: signum(),
};
