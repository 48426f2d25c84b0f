// A flow of two self-normalizing layers, and its likelihood in float64.

import { defineModel, features, meanSquaredError } from 'retrograd';
import { leaky } from './leaky.mjs';
import { selfNormalizing } from './model.mjs';

const NAMES = ['first', 'second'];

/** Its loss is the mean square of z: with what its layers add, twice the negative log likelihood of
 *  a normal density, but for a constant. */
export const flow = defineModel('self-normalizing-flow', ({ size, penalty }) => ({
  input: features({ count: size }),
  layers: [
    selfNormalizing({ name: NAMES[0], penalty }),
    leaky(),
    selfNormalizing({ name: NAMES[1], penalty }),
  ],
  loss: meanSquaredError(),
}));

/** One layer alone, whose cost is measured. */
export const single = defineModel('self-normalizing-layer', ({ size }) => ({
  input: features({ count: size }),
  layers: [selfNormalizing({ name: NAMES[0] })],
  loss: meanSquaredError(),
}));

/** The parameters as they lie in memory: what is written here is what is trained. */
const parametersOf = (trainer) => new Map(trainer.tensors().map(({ name, data }) => [name, data]));

const real = (data) => Float64Array.from(data, (raw) => raw / 2 ** 24);

/** The identity and its inverse: where training begins. */
export function begin(trainer, size) {
  for (const [name, data] of parametersOf(trainer))
    if (!name.startsWith('optimizer.'))
      for (let i = 0; i < data.length; i++) data[i] = i % (size + 1) === 0 ? 2 ** 24 : 0;
}

/** Makes a column of [A, B] that of the identity; the pivot by which it was divided. */
function eliminate(rows, column) {
  const below = rows.slice(column).map((row) => Math.abs(row[column]));
  const pivot = column + below.indexOf(Math.max(...below));
  [rows[column], rows[pivot]] = [rows[pivot], rows[column]];
  const own = rows[column];
  const by = own[column];
  for (let j = column; j < own.length; j++) own[j] /= by;
  for (const row of rows) {
    const factor = row === own ? 0 : row[column];
    for (let j = column; factor !== 0 && j < own.length; j++) row[j] -= factor * own[j];
  }
  return by;
}

/** Gauss-Jordan with the largest pivot of a column: A^-1 and log |det A|. */
export function inverted(A, size) {
  const rows = Array.from({ length: size }, (_, i) =>
    Float64Array.from({ length: 2 * size }, (__, j) =>
      j < size ? A[i * size + j] : Number(j - size === i),
    ),
  );
  let logDeterminant = 0;
  for (let column = 0; column < size; column++)
    logDeterminant += Math.log(Math.abs(eliminate(rows, column)));
  const inverse = Float64Array.from({ length: size * size }, (_, at) =>
    Number(rows[Math.floor(at / size)][size + (at % size)]),
  );
  return { inverse, logDeterminant };
}

/** Puts W^-1, computed in float64, in the place of what every layer has learned: with it -2 R^T is
 *  the exact gradient. It costs D^3. */
export function invertExactly(trainer, size, names = NAMES) {
  const all = parametersOf(trainer);
  for (const name of names) {
    const { inverse } = inverted(real(all.get(`${name}.weight`)), size);
    const R = all.get(`${name}.inverse`);
    for (let i = 0; i < R.length; i++) R[i] = Math.round(inverse[i] * 2 ** 24);
  }
}

/** Mean log likelihood of samples in nats, by the exact determinants. */
export function logLikelihood(trainer, size, samples) {
  const all = parametersOf(trainer);
  const layers = NAMES.map((name) => real(all.get(`${name}.weight`)));
  const volume = layers.reduce((sum, W) => sum + inverted(W, size).logDeterminant, 0);
  const multiply = (W, x) =>
    x.map((_, i) => x.reduce((sum, value, j) => sum + W[i * size + j] * value, 0));
  const one = (x) => {
    const y = multiply(layers[0], x);
    const steep = y.filter((value) => value < 0).length;
    const z = multiply(
      layers[1],
      y.map((value) => (value < 0 ? value / 2 : value)),
    );
    const square = z.reduce((sum, value) => sum + value * value, 0);
    return volume - steep * Math.LN2 - square / 2 - (size / 2) * Math.log(2 * Math.PI);
  };
  return samples.reduce((sum, x) => sum + one(x), 0) / samples.length;
}
