// The table of AutoShuffleNet: planted permutations with and without the penalty, and a grouped
// network for digits with a learned shuffle, the hand-made one, and none.

import { adamw, cosine, matching, Trainer } from 'retrograd';
import { accuracyOn, digits, mean, percent, random, shuffled, trainOn } from '../data.mjs';
import { shuffling } from './model.mjs';
import { grouped } from './networks.mjs';
import { plant, rival, search } from './orders.mjs';
import { handMade, permute, rounded } from './permutations.mjs';

export const seeds = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10];
/** Channels of a planted permutation, the noise of the second layer beside the first one, and from
 *  how many random matrices the search begins: chosen with seeds 101 to 110. */
const CHANNELS = [8, 16, 32];
const NOISE = 0.2;
const STARTS = 12;
const CNN_SEEDS = 3;
const PENALTY = { planted: 0.04, digits: 0.3 };
/** AdamW's rates are small for plain descent. */
const SPEED = 4;

/** What is found from all starts, rounded as well as can be: what has the least loss. */
function recover(task, { seed, penalty, steps = 600 }) {
  const { uniform } = random(3000 * seed + task.order.length);
  const isRight = ({ places }) => places.every((place, i) => place === task.order[i]);
  const options = { seed, penalty, steps, uniform };
  const found = Array.from({ length: STARTS }, () => search(task, options));
  const best = found.reduce((a, b) => (b.loss < a.loss ? b : a));
  const starts = found.filter(isRight).length;
  return { isRight: isRight(best), starts, largest: best.largest };
}

/** Brings M half way to a permutation: rows that are all alike would make channels that are. */
function lean(M, places) {
  const C = places.length;
  const flat = M.slice();
  permute(M, places);
  for (let i = 0; i < C * C; i++) M[i] = (M[i] + flat[i]) / 2;
}

/** The unseen digits that are recognised with one of the shuffles. */
function recognise({ known, unseen }, { seed, way, steps = 3000 }) {
  const [channels, groups] = [32, 8];
  const trainer = Trainer.create({
    model: grouped({ channels, groups }),
    batch: 32,
    steps,
    seed,
    learningRate: cosine(0.003),
    optimizer: shuffling(adamw(), { penalty: PENALTY.digits, steps: steps / 2, speed: SPEED }),
    ...(way === 'learned' ? {} : { freeze: matching(['shuffle.weight']) }),
  });
  const { data: M } = trainer.tensors().find(({ name }) => name === 'shuffle.weight');
  const given = { hand: handMade(channels, groups), none: [...Array(channels).keys()] }[way];
  if (given !== undefined) permute(M, given);
  else lean(M, handMade(channels, groups));
  trainOn(known, trainer);
  const before = accuracyOn(unseen, trainer);
  permute(M, rounded(M, channels));
  return { before, accuracy: accuracyOn(unseen, trainer) };
}

export function measure({ seed, data, steps }) {
  const planted = CHANNELS.map((channels) => {
    const from = random(2000 * seed + channels);
    const order = shuffled(channels, from);
    const task = plant({ order, noise: NOISE, normal: from.normal });
    const of = (penalty) => recover(task, { seed, penalty, steps });
    return { channels, penalty: of(PENALTY.planted), relaxed: of(0), rival: rival(task) };
  });
  if (seed > CNN_SEEDS) return { planted };
  const sets = digits(data);
  const digit = ['learned', 'hand', 'none'].map((way) => [
    way,
    recognise(sets, { seed, way, steps }),
  ]);
  return { planted, digits: Object.fromEntries(digit) };
}

/** In how many seeds the permutation is found, and how large a row's largest element is. */
function planting(found, i, way) {
  const all = found.map(({ planted }) => planted[i][way]);
  const starts = all.reduce((sum, one) => sum + one.starts, 0) / (STARTS * all.length);
  const right = all.filter((one) => one.isRight).length;
  return { right, starts, largest: mean(all.map((one) => one.largest)) };
}

/** Rows of the planted permutations. */
function plantedRows(found) {
  const tasks = CHANNELS.map((channels, i) => ({
    channels,
    own: planting(found, i, 'penalty'),
    relaxed: planting(found, i, 'relaxed'),
    rival: Math.min(...found.map(({ planted }) => planted[i].rival)),
  }));
  const told = ({ right, starts, largest }) =>
    `${right} of ${found.length} (M at ${largest.toFixed(2)}, ${percent(starts, 0)} of the starts)`;
  const isFound = ({ own, relaxed }) => own.right >= 9 && relaxed.right < found.length / 2;
  const all = (what) => tasks.map((task) => `${task.channels}: ${what(task)}`).join('; ');
  return [
    {
      shown:
        'planted permutations of 8, 16, 32 recovered exactly: the order of the channels of a ' +
        `second layer, the best of ${STARTS} starts by its loss after the best rounding`,
      bar: '≥ 9 of 10 seeds by the penalty, and less than half of them by the relaxation alone',
      measured: all(({ own, relaxed }) => `${told(own)}, relaxation ${told(relaxed)}`),
      isReached: found.length >= 10 && tasks.every(isFound),
    },
    {
      shown:
        'the least loss of another permutation (8: of all, 16 and 32: of those that move two or ' +
        "three channels), by the planted one's",
      bar: '> 1 in every seed: it is the planted one that the data say',
      measured: all((task) => `from ${task.rival.toFixed(2)}`),
      isReached: tasks.every((task) => task.rival > 1),
    },
  ];
}

export function rows(found) {
  const networks = found.flatMap((f) => f.digits ?? []);
  const of = (way) => mean(networks.map((network) => network[way].accuracy));
  return [
    ...plantedRows(found),
    {
      shown: 'digits of 8 x 8 by a grouped network, learned and rounded shuffle',
      bar: 'no worse than the hand-made one',
      measured:
        `${percent(of('learned'))} (hand-made ${percent(of('hand'))}, none ` +
        `${percent(of('none'))}), ${networks.length} seeds`,
      isReached: of('learned') >= of('hand'),
    },
  ];
}
