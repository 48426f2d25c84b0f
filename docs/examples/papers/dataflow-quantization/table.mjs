// The table of dataflow-based joint quantization: a trained network for digits in float64, and in
// whole numbers of 8, 6 and 5 bits, jointly and layer by layer.

import { cosine, Trainer } from 'retrograd';
import { digits, mean, random, shuffled, trainOn } from '../data.mjs';
import { exported } from './export.mjs';
import { joint, separate } from './model.mjs';
import { classify, digitsNetwork, normalise, weightsOf } from './network.mjs';

export const seeds = [1, 2, 3];
const BITS = [8, 6, 5];
const WAYS = { joint, separate };
/** Images of the training set by which formats are chosen, and fewer. */
const CALIBRATION = 256;
const FEW = 64;

/** Single images of a set. */
function imagesOf({ pixels, labels }) {
  const of = (i) => pixels.subarray(i * 64, (i + 1) * 64);
  return Array.from(labels, (label, i) => ({ image: of(i), label }));
}

const shareOf = (images, see) =>
  images.filter(({ image, label }) => see(image) === label).length / images.length;

export function measure({ seed, data, steps = 2000 }) {
  const { known, unseen } = digits(data);
  const model = digitsNetwork();
  const trainer = Trainer.create({ model, batch: 32, steps, seed, learningRate: cosine(0.003) });
  const all = imagesOf(known);
  const some = shuffled(known.count, random(seed)).slice(0, CALIBRATION);
  const images = some.map((place) => all[place].image);
  normalise(trainer, images);
  trainOn(known, trainer);
  const modules = weightsOf(trainer);
  const tests = imagesOf(unseen);
  const found = { float64: shareOf(tests, (image) => classify(modules, image)) };
  const tried = (name, chosenBy, how) => {
    const { see, roundings, tensors } = exported(modules, chosenBy, how);
    found[`${name}${how.bits}`] = { accuracy: shareOf(tests, see), roundings, tensors };
  };
  for (const bits of BITS) {
    for (const [name, way] of Object.entries(WAYS)) tried(name, images, { way, bits });
    tried('few', images.slice(0, FEW), { way: joint, bits });
  }
  return found;
}

const percent = (share) => `${(100 * share).toFixed(2)} %`;

export function rows(found) {
  const float64 = mean(found.map((one) => one.float64));
  const of = (key) => mean(found.map((one) => one[key].accuracy));
  const counts = (way) => {
    const { roundings, tensors } = found[0][`${way}8`];
    return `${roundings} of activations, ${tensors} of weights`;
  };
  return [
    {
      shown: 'digits of 8 x 8 by int8 and shifts, joint, against float64',
      bar: 'within 0.5 points',
      measured: `${percent(of('joint8'))}, float64 ${percent(float64)}, ${found.length} seeds`,
      isReached: Math.abs(of('joint8') - float64) <= 0.005,
    },
    {
      shown: 'roundings on the way of an image, joint against layer by layer',
      bar: 'fewer',
      measured: `${counts('joint')}; ${counts('separate')}`,
      isReached: found[0].joint8.roundings < found[0].separate8.roundings,
    },
    {
      shown: `${BITS.join(', ')} bits, joint and layer by layer`,
      bar: 'joint better or equal at each',
      measured: BITS.map(
        (bits) => `${bits}: ${percent(of(`joint${bits}`))} and ${percent(of(`separate${bits}`))}`,
      ).join('; '),
      isReached: BITS.every((bits) => of(`joint${bits}`) >= of(`separate${bits}`)),
    },
    {
      shown: `the same, joint, with formats chosen by ${FEW} images instead of ${CALIBRATION}`,
      bar: 'none: what the choice costs',
      measured: BITS.map((bits) => `${bits}: ${percent(of(`few${bits}`))}`).join('; '),
      isReached: true,
    },
  ];
}
