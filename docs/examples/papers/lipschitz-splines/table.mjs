// The table of Lipschitz splines: digits with four penalties and with ReLU, and how much trained
// networks move for random pairs, beside the bound.

import { adamw, cosine, Trainer } from 'retrograd';
import { accuracyOn, digits, mean, percent, random, trainOn } from '../data.mjs';
import { GRID } from './model.mjs';
import { classifier } from './networks.mjs';
import { bound, kinks, sparse } from './sparse.mjs';

export const seeds = [1, 2, 3];
const PENALTIES = [0, 0.0003, 0.001, 0.003];
const WIDTH = 32;
/** Pairs of each network: 10^5 over all penalties and seeds and more. */
const PAIRS = 10_000;

/** Knots of every channel, the mean. */
function knotsOf(tensors) {
  const rows = tensors
    .filter(({ name }) => name.endsWith('.values') && !name.startsWith('optimizer'))
    .flatMap(({ data, shape: [channels, knots] }) =>
      Array.from({ length: channels }, (_, c) => kinks(data.subarray(c * knots, (c + 1) * knots))),
    );
  return mean(rows);
}

const farthest = (a, b) => a.reduce((most, v, i) => Math.max(most, Math.abs(v - b[i])), 0);

/** The largest share of the bound that pairs reach: noise, unseen digits, and neighbours. */
function pairs(set, trainer, seed) {
  const { slope, rounding } = bound(trainer.tensors());
  const { uniform, below } = random(seed);
  const digit = () => {
    const i = below(set.count);
    return set.pixels.slice(i * 64, i * 64 + 64);
  };
  const noise = () => Uint8Array.from({ length: 64 }, () => below(256));
  let largest = 0;
  for (let i = 0; i < PAIRS; i++) {
    const a = i % 2 === 0 ? digit() : noise();
    const near = a.map((v) => (uniform() < 0.5 ? v : Math.max(0, v - 4)));
    const b = [digit, noise, () => near][i % 3]();
    const apart = farthest(Array.from(a), b) / 64; // a pixel is grey / 64 - 2
    const moved = farthest(trainer.predict(a), trainer.predict(b));
    largest = Math.max(largest, moved / (slope * apart + rounding));
  }
  return { slope, largest };
}

/** A network for digits, trained. */
function trained(known, { seed, steps, penalty, isSpline }) {
  const options = { batch: 32, steps, seed, learningRate: cosine(0.003) };
  const model = classifier({ width: WIDTH, isSpline });
  const optimizer = sparse(adamw(), { penalty, speed: 64 });
  return trainOn(known, Trainer.create({ ...options, model, optimizer }));
}

export function measure({ seed, data, steps = 2000 }) {
  const { known, unseen } = digits(data);
  const splines = PENALTIES.map((penalty) => {
    const trainer = trained(known, { seed, steps, penalty, isSpline: true });
    const knots = knotsOf(trainer.tensors());
    return {
      penalty,
      accuracy: accuracyOn(unseen, trainer),
      knots,
      ...pairs(unseen, trainer, seed),
    };
  });
  const relu = trained(known, { seed, steps, penalty: 0, isSpline: false });
  return { splines, relu: accuracyOn(unseen, relu) };
}

export function rows(found) {
  const of = (i, what) => mean(found.map(({ splines }) => splines[i][what]));
  const each = PENALTIES.map((penalty, i) => ({
    penalty,
    knots: of(i, 'knots'),
    accuracy: of(i, 'accuracy'),
  }));
  const largest = Math.max(...found.flatMap(({ splines }) => splines.map((s) => s.largest)));
  const falls = each.every(({ knots }, i) => i === 0 || knots < each[i - 1].knots);
  const best = Math.max(...each.map(({ accuracy }) => accuracy));
  const worst = Math.min(...each.map(({ accuracy }) => accuracy));
  const pairsInAll = (found.length * PENALTIES.length * PAIRS).toLocaleString('en-US');
  const curve = each.map(
    (e) => `${e.penalty}: ${e.knots.toFixed(1)} knots, ${percent(e.accuracy)}`,
  );
  return [
    {
      shown: "the bound of the network's Lipschitz constant",
      bar: 'holds for 10⁵ random pairs',
      measured: `holds for ${pairsInAll}; the largest move is ${percent(largest)} of the bound`,
      isReached: largest <= 1 && found.length * PENALTIES.length * PAIRS >= 1e5,
    },
    {
      shown: `knots of ${GRID.knots - 2} a channel, by the penalty`,
      bar: 'fewer as it grows, at equal accuracy (within half a point)',
      measured: curve.join('; '),
      isReached: falls && best - worst <= 0.005,
    },
    {
      shown: 'beside ReLU',
      bar: 'said',
      measured: `${percent(mean(found.map(({ relu }) => relu)))} with ReLU, one knot a channel`,
      isReached: true,
    },
  ];
}
