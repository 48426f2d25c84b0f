// The table of HexaConv: digits turned by any angle, sampled on a hexagon of 61 cells and on a
// square of 64 pixels, by convolutions over p6 and by square ones with as many weights.

import { cosine, Trainer } from 'retrograd';
import { accuracyOn, digits, mean, percent, random, trainOn } from '../data.mjs';
import { hexagon, turned } from './model.mjs';
import { hexagonal, square } from './networks.mjs';

export const seeds = [1, 2, 3];
const RADIUS = 4;
const SIZE = 8;
const HALF_ROOT_3 = 0.8660254037844386;

/** Where cells and pixels lie, in pixels of the picture from its middle. */
const CELLS = hexagon(RADIUS).map(([q, r]) => [q + r / 2, r * HALF_ROOT_3]);
const PIXELS = Array.from({ length: SIZE * SIZE }, (_, i) => [
  (i % SIZE) - (SIZE - 1) / 2,
  Math.floor(i / SIZE) - (SIZE - 1) / 2,
]);

/** The grey of a picture at a place, between its pixels linearly; 0 outside. */
function greyAt(picture, [x, y]) {
  const [left, top] = [x + (SIZE - 1) / 2, y + (SIZE - 1) / 2];
  const [column, row] = [Math.floor(left), Math.floor(top)];
  const pixel = (c, r) => (c < 0 || r < 0 || c >= SIZE || r >= SIZE ? 0 : picture[r * SIZE + c]);
  const [right, below] = [left - column, top - row];
  const above = (1 - right) * pixel(column, row) + right * pixel(column + 1, row);
  const under = (1 - right) * pixel(column, row + 1) + right * pixel(column + 1, row + 1);
  return Math.round((1 - below) * above + below * under);
}

/** A cosine and sine from whole numbers, so that they are the same everywhere: a half turn or not,
 *  and the angle whose half has tangent t. */
function direction({ uniform, below }) {
  const t = 2 * uniform() - 1;
  const sign = below(2) === 0 ? 1 : -1;
  const [c, s] = [(1 - t * t) / (1 + t * t), (2 * t) / (1 + t * t)];
  return [sign * c, sign * s];
}

/** A set with every image turned by an angle of its own, sampled at such places. */
function sampled(set, places, seed) {
  const from = random(seed);
  const images = Array.from({ length: set.count }, (_, i) => {
    const [c, s] = direction(from);
    const picture = set.pixels.subarray(i * SIZE * SIZE, (i + 1) * SIZE * SIZE);
    return places.map(([x, y]) => greyAt(picture, [c * x - s * y, s * x + c * y]));
  });
  const pixels = Uint8Array.from(images.flat());
  return { ...set, width: places.length, height: 1, pixels };
}

const NETWORKS = {
  p6: [CELLS, hexagonal({ radius: RADIUS, channels: 8 })],
  square: [PIXELS, square({ size: SIZE, channels: 17 })],
};

/** How many samples get the same digit in all six turns. */
function unmoved({ pixels, count, width }, trainer) {
  const best = (logits) => logits.indexOf(Math.max(...logits));
  const isUnmoved = (_, i) => {
    let image = pixels.slice(i * width, (i + 1) * width);
    const said = Array.from({ length: 6 }, () => {
      image = turned(image, RADIUS);
      return best(trainer.predict(image));
    });
    return new Set(said).size === 1;
  };
  return Array.from({ length: Math.min(count, 200) }, isUnmoved).filter((is) => is).length;
}

export function measure({ seed, data, steps = 700 }) {
  const { known, unseen } = digits(data);
  const found = Object.entries(NETWORKS).map(([name, [places, model]]) => {
    const options = { model, batch: 32, steps, seed, learningRate: cosine(0.003) };
    const trainer = trainOn(sampled(known, places, seed), Trainer.create(options));
    const test = sampled(unseen, places, seed + 1000);
    const accuracy = accuracyOn(test, trainer);
    const still = name === 'p6' ? { unmoved: unmoved(test, trainer) } : {};
    return [name, { weights: trainer.parameters, accuracy, ...still }];
  });
  return Object.fromEntries(found);
}

export function rows(found) {
  const of = (name) => mean(found.map((f) => f[name].accuracy));
  const said = (name) => `${percent(of(name))} (${found[0][name].weights} weights)`;
  const still = Math.min(...found.map(({ p6 }) => p6.unmoved));
  return [
    {
      shown: 'a turn by 60° of the input',
      bar: 'turns the output, bit for bit',
      measured:
        `equal to the bit in every layer (its test); ${still} of 200 digits are named alike in ` +
        'all six turns',
      isReached: still === 200,
    },
    {
      shown: 'digits of 8 x 8 turned by any angle',
      bar: 'p6 beats square filters with as many weights, 3 seeds, at one short setting',
      measured: `p6 ${said('p6')}; square ${said('square')}`,
      isReached:
        found.length >= 3 &&
        found.every(({ p6, square: other }) => p6.accuracy > other.accuracy) &&
        found[0].p6.weights <= found[0].square.weights,
    },
  ];
}
