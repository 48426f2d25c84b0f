// The table of dataflow-based joint quantization: a trained network for digits in float64, and in
// whole numbers of 8, 6 and 5 bits, jointly and layer by layer.

import { cosine, Trainer } from 'retrograd';
import { digits, mean, percent, random, shuffled, trainOn } from '../data.mjs';
import { exported } from './export.mjs';
import { joint } from './model.mjs';
import { digitOf, digitsNetwork, normalise, outputsOf, weightsOf } from './network.mjs';
import { separate } from './separate.mjs';

export const seeds = [1, 2, 3];
const BITS = [8, 6, 5];
const WAYS = { joint, separate };
const WAY_NAMES = Object.keys(WAYS);
/** Images of the training set by which formats are chosen, and fewer. */
const CALIBRATION = 256;
const FEW = 64;

/** Single images of a set. */
function imagesOf({ pixels, labels }) {
  const of = (i) => pixels.subarray(i * 64, (i + 1) * 64);
  return Array.from(labels, (label, i) => ({ image: of(i), label }));
}

const shareOf = (images, isSo) => images.filter(isSo).length / images.length;

/** The share of images that is recognised, and that is seen as float64 sees it; the distance of the
 *  outputs to those of float64, by their length. */
function judge(images, wanted, outputs) {
  const found = images.map(({ image }) => outputs(image));
  const square = (values) => values.reduce((sum, value) => sum + value ** 2, 0);
  const errors = found.map((all, i) => square(all.map((value, j) => value - wanted[i][j])));
  return {
    accuracy: shareOf(images, ({ label }, i) => digitOf(found[i]) === label),
    agreement: shareOf(images, (_, i) => digitOf(found[i]) === digitOf(wanted[i])),
    distance: Math.sqrt(mean(errors) / mean(wanted.map(square))),
  };
}

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
  const wanted = tests.map(({ image }) => outputsOf(modules, image));
  const float64 = shareOf(tests, ({ label }, i) => digitOf(wanted[i]) === label);
  const found = { float64 };
  const tried = (name, chosenBy, how) => {
    const { outputs, ...counts } = exported(modules, chosenBy, how);
    found[`${name}${how.bits}`] = { ...judge(tests, wanted, outputs), ...counts };
  };
  for (const bits of BITS) {
    for (const [name, way] of Object.entries(WAYS)) tried(name, images, { way, bits });
    tried('few', images.slice(0, FEW), { way: joint, bits });
  }
  return found;
}

export function rows(found) {
  const float64 = mean(found.map((one) => one.float64));
  const of = (key, what = 'accuracy') => mean(found.map((one) => one[key][what]));
  const isAhead = (what) =>
    BITS.every((bits) => of(`joint${bits}`, what) >= of(`separate${bits}`, what));
  const pairs = (what) =>
    BITS.map((bits) => {
      const [one, other] = WAY_NAMES.map((name) => percent(of(`${name}${bits}`, what)));
      return `${bits}: ${one} and ${other}`;
    }).join('; ');
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
      shown: `outputs of ${BITS.join(', ')} bits, joint and layer by layer: distance to float64's`,
      bar: 'joint nearer or equal at each',
      measured: pairs('distance'),
      isReached: BITS.every(
        (bits) => of(`joint${bits}`, 'distance') <= of(`separate${bits}`, 'distance'),
      ),
    },
    {
      shown: 'the same: digits that are seen as float64 sees them',
      bar: 'joint more or as many at each',
      measured: pairs('agreement'),
      isReached: isAhead('agreement'),
    },
    {
      shown: 'the same: digits that are recognised',
      bar: 'joint more or as many at each',
      measured: pairs('accuracy'),
      isReached: isAhead('accuracy'),
    },
    {
      shown: `the same, joint, formats chosen by ${FEW} images instead of ${CALIBRATION}`,
      bar: 'none: what the choice costs',
      measured: BITS.map((bits) => `${bits}: ${percent(of(`few${bits}`))}`).join('; '),
      isReached: true,
    },
  ];
}
