// The table of docs/papers.md: the average loss of predicting a process on line, of a Lipschitz
// network, of the same one without a bound, and of the best predictor.

import { adamw, Trainer } from 'retrograd';
import { mean, random } from '../data.mjs';
import { best, lipschitz, online, process, slowing, steepness } from './model.mjs';
import { predictor } from './networks.mjs';

export const seeds = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10];
const PAST = 8;
/** Of the whole network: each of three layers has its third root. */
const BOUND = 4;
/** Where the curve is looked at: after so many values. */
const TIMES = [250, 500, 1000, 2000, 4000, 8000];
const NEAR = 0.05;

/** The mean of the first errors, for each length. */
const curve = (errors) =>
  TIMES.filter((time) => time <= errors.length).map((time) => mean(errors.slice(0, time)));

export function measure({ seed, steps = 8000 }) {
  const values = process(random(seed), steps + PAST);
  const learn = (optimizer) => {
    const model = predictor({ past: PAST, width: 64 });
    const learningRate = slowing(0.005, { after: 1000 });
    const trainer = Trainer.create({ model, batch: 16, steps, seed, learningRate, optimizer });
    const { below } = random(1000 + seed);
    const errors = online(trainer, values, { past: PAST, below });
    return { curve: curve(errors), steepness: steepness(trainer) };
  };
  const base = adamw({ weightDecay: 0 });
  const least = values.slice(PAST).map((x, i) => (x - best(values[PAST + i - 1])) ** 2);
  return {
    least: curve(least),
    bounded: learn(lipschitz(base, { bound: Math.cbrt(BOUND) })),
    free: learn(base),
  };
}

export function rows(found) {
  const at = (pick, i) => mean(found.map((record) => pick(record)[i]));
  const line = (pick) => TIMES.map((_, i) => at(pick, i).toFixed(4)).join(', ');
  const above = TIMES.map((_, i) => at(({ bounded, least }) => minus(bounded.curve, least), i));
  const last = TIMES.length - 1;
  const below = found.filter(({ bounded, free }) => bounded.curve[last] < free.curve[last]);
  const share = above[last] / at(({ least }) => least, last);
  const steep = found.map(({ free }) => free.steepness);
  return [
    {
      shown: `average loss after ${TIMES.join(', ')} values (best predictor's: variance of noise)`,
      bar: `approaches the best predictor's: nearer at every point, within ${100 * NEAR} % at last`,
      measured:
        `${line(({ bounded }) => bounded.curve)} (best ${line(({ least }) => least)}): ` +
        `${(100 * share).toFixed(1)} % above it, ${found.length} seeds`,
      isReached: share <= NEAR && above.every((value, i) => i === 0 || value < above[i - 1]),
    },
    {
      shown: 'the same network without a bound',
      bar: 'the bounded one falls below it',
      measured:
        `${line(({ free }) => free.curve)}: the bounded one is below it at last in ` +
        `${below.length} of ${found.length} seeds (steepness ${BOUND} against ` +
        `${Math.min(...steep).toFixed(0)} to ${Math.max(...steep).toFixed(0)})`,
      isReached: found.length >= 10 && below.length === found.length,
    },
  ];
}

const minus = (a, b) => a.map((value, i) => value - b[i]);
