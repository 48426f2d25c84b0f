// The table of Self Normalizing Flows: likelihoods of digits beside training with the exact
// gradient, and what a step costs.

import { adamw, constant, cosine, EpochOrder, matching, Trainer } from 'retrograd';
import { digits, mean, random } from '../data.mjs';
import { begin, flow, invertExactly, logLikelihood, single } from './networks.mjs';

export const seeds = [1, 2, 3];
const SIZE = 64;
const BATCH = 64;
const PENALTY = 0;
const SIZES = [64, 128, 256];

/** Whole pixels 0..16 and a uniform number, each column less its mean and by its deviation (1 where
 *  that is less): the samples, and the log of what they were divided by. */
function standardised({ known, unseen }) {
  const pixel = (byte) => Math.round((byte * 16) / 255);
  const columns = Array.from({ length: SIZE }, (_, c) => {
    const values = Array.from(known.labels, (__, i) => pixel(known.pixels[i * SIZE + c]) + 0.5);
    const center = mean(values);
    const deviation = Math.sqrt(mean(values.map((value) => (value - center) ** 2)));
    return { center, deviation: Math.max(1, deviation) };
  });
  const sample = (set, i, { uniform }) =>
    columns.map(({ center, deviation }, c) => {
      const value = pixel(set.pixels[i * SIZE + c]) + uniform();
      return Math.max(-7.99, Math.min(7.99, (value - center) / deviation));
    });
  const volume = columns.reduce((sum, { deviation }) => sum + Math.log(deviation), 0);
  return { sample, volume, known, unseen };
}

/** Mean log likelihood of unseen digits, in nats an image of whole pixels. */
function train({ sample, volume, known, unseen }, { seed, steps, isExact }) {
  const trainer = Trainer.create({
    ...{ model: flow({ size: SIZE, penalty: PENALTY }), batch: BATCH, steps, seed },
    learningRate: cosine(0.003),
    optimizer: adamw({ weightDecay: 0 }),
    ...(isExact ? { freeze: matching(['*.inverse']) } : {}),
  });
  begin(trainer, SIZE);
  const from = random(seed);
  const order = new EpochOrder(seed, known.count);
  const targets = new Float64Array(BATCH * SIZE);
  while (trainer.steps < steps) {
    if (isExact) invertExactly(trainer, SIZE);
    const first = trainer.steps * BATCH;
    const places = Array.from({ length: BATCH }, (_, i) => order.at(first + i));
    trainer.step({ values: places.flatMap((i) => sample(known, i, from)), targets });
  }
  const noise = random(99);
  const tests = Array.from(unseen.labels, (_, i) => sample(unseen, i, noise));
  return logLikelihood(trainer, SIZE, tests) - volume;
}

/** Milliseconds of a processor that a step of one layer takes, the least of some, by the learned
 *  inverse and by one that is computed. Others at work on the machine are not counted. */
function costOf(size) {
  const least = (isExact) => {
    const options = { batch: BATCH, steps: 100, learningRate: constant(0.001, { warmup: 0 }) };
    const trainer = Trainer.create({ model: single({ size }), ...options });
    begin(trainer, size);
    const { normal } = random(size);
    const values = Array.from({ length: BATCH * size }, normal);
    const targets = new Float64Array(BATCH * size);
    const times = Array.from({ length: 30 }, () => {
      const started = process.cpuUsage();
      if (isExact) invertExactly(trainer, size, ['first']);
      trainer.step({ values, targets });
      const { user, system } = process.cpuUsage(started);
      return (user + system) / 1000;
    });
    return Math.min(...times);
  };
  return { size, learned: least(false), exact: least(true) };
}

export function measure({ seed, data, steps = 1500 }) {
  const sets = standardised(digits(data));
  const of = (isExact) => train(sets, { seed, steps, isExact });
  const cost = seed === seeds[0] ? { cost: SIZES.map(costOf) } : {};
  return { learned: of(false), exact: of(true), ...cost };
}

export function rows(found) {
  const [learned, exact] = ['learned', 'exact'].map((way) => mean(found.map((one) => one[way])));
  const apart = Math.abs(learned / exact - 1);
  const costs = found.flatMap(({ cost }) => cost ?? []);
  const growth = (way) => costs.slice(1).map((cost, i) => cost[way] / costs[i][way]);
  const inWords = (way) => {
    const times = costs.map((cost) => cost[way].toFixed(1)).join(', ');
    return `${times} (${growth(way)
      .map((by) => `${by.toFixed(1)} x`)
      .join(', ')})`;
  };
  return [
    {
      shown: 'digits of 8 x 8, log likelihood by exact determinants, unseen',
      bar: 'within 3 % of training with the exact gradient',
      measured:
        `${learned.toFixed(1)} nats an image, exact ${exact.toFixed(1)}: ` +
        `${(100 * apart).toFixed(2)} % apart, ${found.length} seeds`,
      isReached: apart <= 0.03,
    },
    {
      shown: `milliseconds of a processor, a step of D = ${SIZES.join(', ')}`,
      bar: 'D^2: at most 4 x for twice the D',
      measured: `${inWords('learned')}; with W^-1 computed ${inWords('exact')}`,
      isReached: costs.length > 0 && growth('learned').every((by) => by <= 4),
    },
  ];
}
