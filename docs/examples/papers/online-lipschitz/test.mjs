// What is so of online learning with Lipschitz networks, and a short run of it.

import { adamw, sequential, Trainer } from 'retrograd';
import { best, lipschitz, online, process, slowing, steepness } from './model.mjs';
import { layersOf, predictor } from './networks.mjs';

const config = { past: 4, width: 8 };
const input = { kind: 'operand', rows: 1, columns: 4 };
export const layers = {
  'the whole network': [sequential(...layersOf(config)), { input, wanted: 'branch' }],
};

/** About normal numbers of variance 1 and places, by a linear congruence. */
function numbers(seed) {
  let state = seed;
  const uniform = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
  return {
    below: (n) => Math.floor(uniform() * n),
    normal: () => Array.from({ length: 12 }, uniform).reduce((a, b) => a + b) - 6,
  };
}

function trained(bound, { steps = 300, ...given } = {}) {
  const trainer = Trainer.create({
    model: predictor(config),
    batch: 8,
    steps,
    learningRate: slowing(0.01, { after: 100 }),
    optimizer: lipschitz(adamw({ weightDecay: 0 }), { bound }),
    ...given,
  });
  const values = process(numbers(1), steps + 4);
  online(trainer, values, { past: 4, below: numbers(2).below });
  return trainer;
}

export const facts = {
  'no row of a weight sums to more than the bound, to the last bit': () =>
    [0.5, 1.25].every((bound) => steepness(trained(bound)) <= bound ** 3),
  'a network is no steeper than it is said to be, but for what is rounded': () => {
    const trainer = trained(1.25);
    const { normal } = numbers(3);
    return Array.from({ length: 500 }).every(() => {
      const [x, y] = [0, 1].map(() => Array.from({ length: 4 }, normal));
      const [[fx], [fy]] = [x, y].map((each) => trainer.predict(each));
      const apart = Math.max(...x.map((v, i) => Math.abs(v - y[i])));
      return Math.abs(fx - fy) <= steepness(trainer) * apart + 2 ** -6;
    });
  },
  'a bound that is never met changes no bit': async () => {
    const [one, other] = [15, 14].map((bound) => trained(bound, { steps: 20 }));
    return (await one.weightsSha256()) === (await other.weightsSha256());
  },
  "the best predictor's loss is the variance of the noise": () => {
    const values = process(numbers(4), 20001);
    const errors = values.slice(1).map((x, i) => (x - best(values[i])) ** 2);
    return Math.abs(errors.reduce((a, b) => a + b) / 20000 - 0.25) < 0.01;
  },
};

/** Twelve values of a process, predicted and learned. */
export const brief = (given) => trained(1.25, { steps: 12, ...given }).weightsSha256();
