// What is so of approximated orthonormal normalisation, and a short run of it.

import { adamw, Trainer } from 'retrograd';
import { aon, Normalised } from './model.mjs';
import { largestCosine, matrices, network, orthonormal } from './networks.mjs';

const layerOf = (out, into, order) => [
  aon(out, { order }),
  { input: { kind: 'operand', rows: 2, columns: into }, wanted: 'operand' },
];
export const layers = {
  'aon of order 1': layerOf(3, 5, 1),
  'aon of order 4': layerOf(6, 9, 4),
  'aon, square': layerOf(4, 4, 2),
};

const SHAPE = [6, 10];
/** Rows that have much in common. */
const W = Int32Array.from({ length: 60 }, (_, i) => ((i * i * 7919) % 65536) * 64 - 2 ** 20);

function normalised(weights, order, shape = SHAPE) {
  const found = new Normalised(...shape, order);
  found.set(weights);
  return found.h;
}

/** The largest singular value of M [6, 10] in units of 2^20, by the power method. */
function norm(M) {
  let x = new Float64Array(10).fill(1);
  let length = 0;
  for (let step = 0; step < 200; step++) {
    const y = Array.from({ length: 6 }, (_, i) => x.reduce((s, v, j) => s + v * M[i * 10 + j], 0));
    x = x.map((_, j) => y.reduce((s, v, i) => s + v * M[i * 10 + j], 0));
    length = Math.sqrt(Math.sqrt(x.reduce((s, v) => s + v * v, 0)));
    x = x.map((v) => v / length ** 2);
  }
  return length / 2 ** 20;
}

const images = Uint8Array.from({ length: 256 }, (_, i) => (i * 89) % 256);
const labels = Int32Array.of(3, 1, 4, 5);

function trained(way, given) {
  const options = { model: network({ width: 6, way }), batch: 4, steps: 10, learningRate: 0.01 };
  const trainer = Trainer.create({ ...options, ...given });
  while (trainer.steps < 10) trainer.step({ images, labels });
  return trainer;
}

const cosineOf = (order) => largestCosine(normalised(W, order), SHAPE);

export const facts = {
  'the largest singular value of h(W) is one': () =>
    [1, 4].every((order) => Math.abs(norm(normalised(W, order)) - 1) < 0.001),
  'every term of the series brings rows nearer to orthogonal ones': () =>
    cosineOf(0) > 0.5 && cosineOf(1) < cosineOf(0) && cosineOf(4) < cosineOf(1),
  'h(W) does not depend on the scale of W': () => {
    const [one, two] = [W, W.map((w) => 2 * w)].map((each) => normalised(each, 4));
    return one.every((value, i) => value === two[i]);
  },
  'orthogonal rows of one length stay as they are, to a part in 2^15': () => {
    const rows = Int32Array.from({ length: 60 }, (_, i) => (i % 11 === 0 ? 3 * 2 ** 22 : 0));
    return normalised(rows, 4).every(
      (value, i) => Math.abs(value / 2 ** 20 - (i % 11 === 0 ? 1 : 0)) < 2 ** -15,
    );
  },
  'orthonormal regularisation makes rows more orthogonal': () => {
    const [less, more] = [0, 20].map((penalty) => {
      const trainer = trained('plain', { optimizer: orthonormal(adamw(), { penalty }) });
      const [, { M, shape }] = matrices(trainer, 'plain');
      return largestCosine(M, shape);
    });
    return more < less;
  },
};

/** Ten steps of the network with layers of AON. */
export const brief = (given) => trained('aon', given).weightsSha256();
