// The table of dataflow-based joint quantization: a trained network for digits in float64, and in
// whole numbers of 8, 6 and 5 bits, jointly and layer by layer.

import { cosine, Trainer } from 'retrograd';
import { digits, mean, percent, random, shuffled, trainOn } from '../data.mjs';
import { exported } from './export.mjs';
import { compare, judge, recognised, signTest } from './judge.mjs';
import { joint } from './model.mjs';
import { digitsNetwork, normalise, outputsOf, weightsOf } from './network.mjs';
import { separate } from './separate.mjs';

export const seeds = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10];
const BITS = [8, 6, 5];
const WAYS = { joint, separate };
const WAY_NAMES = Object.keys(WAYS);
/** Jointly, with outputs that keep a sign, of which the rectifier leaves half. */
const signed = (module, ...rest) => joint({ ...module, isSigned: true }, ...rest);
/** Images of the training set by which formats are chosen, and fewer. */
const CALIBRATION = 256;
const FEW = 64;

/** Single images of a set. */
function imagesOf({ pixels, labels }) {
  const of = (i) => pixels.subarray(i * 64, (i + 1) * 64);
  return Array.from(labels, (label, i) => ({ image: of(i), label }));
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
  const found = { float64: mean(recognised(tests, wanted)) };
  const tried = (name, chosenBy, how) => {
    const { outputs, ...counts } = exported(modules, chosenBy, how);
    const all = tests.map(({ image }) => outputs(image));
    found[`${name}${how.bits}`] = { ...judge(tests, wanted, all), ...counts };
    return all;
  };
  for (const bits of BITS) {
    const both = Object.entries(WAYS).map(([name, way]) => tried(name, images, { way, bits }));
    found[`pairs${bits}`] = compare(tests, both);
    found[`floats${bits}`] = compare(tests, [wanted, both[1]]);
    tried('few', images.slice(0, FEW), { way: joint, bits });
    tried('signed', images, { way: signed, bits });
  }
  return found;
}

function splitOf(all, bits) {
  const sum = (what) => all.reduce((total, one) => total + one[what], 0);
  const split = { ahead: sum('ahead'), behind: sum('behind') };
  const chance = signTest(split);
  const p = chance < 0.001 ? 'below 0.001' : chance.toFixed(3);
  return `${bits}: ${split.ahead} and ${split.behind} (p ${p})`;
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
  const splits = (what) =>
    BITS.map((bits) =>
      splitOf(
        found.map((one) => one[what + bits]),
        bits,
      ),
    ).join('; ');
  const alone = (way) => BITS.map((bits) => `${bits}: ${percent(of(way + bits))}`).join('; ');
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
      measured: `${pairs('accuracy')} (float64 ${percent(float64)})`,
      isReached: isAhead('accuracy'),
    },
    {
      shown: 'digits of all seeds that only one of both recognises, joint and layer by layer',
      bar: 'none: whether the difference is more than chance (sign test)',
      measured: splits('pairs'),
      isReached: true,
    },
    {
      shown: 'the same of float64 and layer by layer',
      bar: 'none: what a way that loses nothing would reach',
      measured: splits('floats'),
      isReached: true,
    },
    {
      shown: 'digits that are recognised, joint, with outputs that keep a sign',
      bar: 'none: another try, and what the sign costs',
      measured: alone('signed'),
      isReached: true,
    },
    {
      shown: `the same, joint, formats chosen by ${FEW} images instead of ${CALIBRATION}`,
      bar: 'none: what the choice costs',
      measured: alone('few'),
      isReached: true,
    },
  ];
}
