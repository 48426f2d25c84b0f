// The table of docs/papers.md: digits of a small training set by AON, by plain layers and by
// orthonormal regularisation.

import { adamw, cosine, Trainer } from 'retrograd';
import { accuracyOn, digits, mean, percent, pick, trainOn } from '../data.mjs';
import { largestCosine, matrices, network, orthonormal } from './networks.mjs';

export const seeds = [1, 2, 3];
const SIZES = [100, 300];
const PENALTIES = [0.1, 1, 10];
/** The bound of the rows' absolute cosines. */
const BOUND = 0.4;

/** A training set of its own for each seed. */
function few(known, count, seed) {
  const places = Array.from({ length: count }, (_, i) => (seed - 1) * count + i);
  const { images, labels } = pick(known, places);
  return { ...known, count, labels, pixels: images };
}

function learn({ known, unseen }, { seed, way, penalty, steps = 500 }) {
  const trainer = Trainer.create({
    model: network({ width: 32, way }),
    batch: 32,
    steps,
    seed,
    learningRate: cosine(0.003),
    optimizer: penalty === undefined ? adamw() : orthonormal(adamw(), { penalty }),
  });
  trainOn(known, trainer);
  return {
    known: accuracyOn(known, trainer),
    unseen: accuracyOn(unseen, trainer),
    cosines: matrices(trainer, way).map(({ M, shape }) => largestCosine(M, shape)),
  };
}

export function measure({ seed, data, steps }) {
  const { known, unseen } = digits(data);
  const found = SIZES.map((size) => {
    const sets = { known: few(known, size, seed), unseen };
    const of = (given) => learn(sets, { seed, steps, ...given });
    return {
      size,
      plain: of({ way: 'plain' }),
      regularised: PENALTIES.map((penalty) => ({ penalty, ...of({ way: 'plain', penalty }) })),
      aon: of({ way: 'aon' }),
    };
  });
  return { sizes: found };
}

export function rows(found) {
  const all = found.flatMap(({ sizes }) => sizes);
  const most = (pick_) => Math.max(...all.flatMap((each) => pick_(each).cosines));
  const regularised = PENALTIES.map((_, i) => most((each) => each.regularised[i]).toFixed(2));
  const aon = most((each) => each.aon);
  const bounded = {
    shown: "the rows' largest absolute cosine, both hidden layers",
    bar: `below ${BOUND} in every run`,
    measured:
      `${aon.toFixed(3)} (plain ${most((each) => each.plain).toFixed(2)}; orthonormal ` +
      `regularisation ${regularised.join(', ')} for penalties ${PENALTIES.join(', ')})`,
    isReached: aon < BOUND,
  };
  const validations = SIZES.map((size, s) => {
    const of = (pick_) => percent(mean(found.map(({ sizes }) => pick_(sizes[s]).unseen)), 1);
    const others = PENALTIES.map((_, i) => of((each) => each.regularised[i]));
    return {
      shown: `unseen digits after ${size} known ones`,
      bar: 'beside plain and orthonormal regularisation, whatever it says',
      measured:
        `${of((each) => each.aon)} (plain ${of((each) => each.plain)}; regularisation ` +
        `${others.join(', ')}), ${found.length} seeds`,
      isReached: true,
    };
  });
  return [bounded, ...validations];
}
