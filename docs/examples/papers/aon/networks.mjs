// The network that AON is shown with, and what it is compared with.

import {
  crossEntropy,
  defineModel,
  factorOf,
  linear,
  moveWeight,
  patches,
  relu,
  times,
} from 'retrograd';
import { aon, Normalised, product, rounded } from './model.mjs';

const layerOf = (way, width, name) =>
  way === 'aon' ? aon(width, { name }) : linear(width, { name, deviation: 0.125, bias: true });

/** Digits of 8 x 8 pixels by two hidden layers, of AON or linear. */
export const network = defineModel('aon', ({ width, way }) => {
  const hidden = (name) => [layerOf(way, width, name), relu()];
  return {
    input: patches({ width: 8, height: 8, colours: 1, patch: 8 }),
    layers: [
      ...hidden('hidden1'),
      ...hidden('hidden2'),
      linear(10, { name: 'classes', deviation: 0.125, bias: true }),
    ],
    loss: crossEntropy({ targets: ({ labels }) => labels, name: 'labels', counts: true }),
  };
});

const isHidden = ({ path }) => /^hidden.*weight$/.test(path);

/** W <- W - factor (W W^T - I) W, 16 fraction bits, for at most 32 rows shorter than 8. */
function descend(run, { shape: [out, into], master, size }, factor) {
  const w = Float64Array.from(run.view(master, size), (value) => rounded(value, 2 ** 8)); // 2^19
  const S = product([w, into, 1], [w, 1, into], [out, into, out], 2 ** 16); // 2^38
  const more = S.map((value, i) => value - (i % (out + 1) === 0 ? 2 ** 16 : 0)); // 2^22
  const slope = product([more, out, 1], [w, into, 1], [out, out, into], 2 ** 16); // 2^46
  slope.forEach((value, i) => {
    moveWeight(run, master / 4 + i, -times(value, factor));
  });
}

/** An optimizer that also goes down penalty |W W^T - I|^2 of hidden layers (Frobenius norm), whose
 *  slope is 4 (W W^T - I) W. One thread changes all of a W. */
export const orthonormal = (base, { penalty }) => ({
  ...base,
  name: `orthonormal ${base.name}`,
  options: { ...base.options, penalty },
  unit: (parameter) => (isHidden(parameter) ? parameter.size : 64),
  update(run, part, info) {
    const clamped = base.update(run, part, info);
    const rate = Math.floor(4 * penalty * Number(info.rate));
    if (isHidden(part.parameter) && part.n > 0)
      descend(run, part.parameter, factorOf(rate, 32 - 8));
    return clamped;
  },
});

/** The largest absolute cosine of two rows of M [out, in]. */
export function largestCosine(M, [out, into]) {
  const dot = (a, b) => {
    let sum = 0;
    for (let i = 0; i < into; i++) sum += M[a * into + i] * M[b * into + i];
    return sum;
  };
  let most = 0;
  for (let a = 0; a < out; a++)
    for (let b = 0; b < a; b++)
      most = Math.max(most, Math.abs(dot(a, b)) / Math.sqrt(dot(a, a) * dot(b, b)));
  return most;
}

/** What the hidden layers of a trained network multiply by. */
export const matrices = (trainer, way) =>
  trainer
    .tensors()
    .filter(({ name }) => isHidden({ path: name }))
    .map(({ data, shape }) => {
      if (way !== 'aon') return { M: data, shape };
      const normalised = new Normalised(...shape, 4);
      normalised.set(data);
      return { M: normalised.h, shape };
    });
