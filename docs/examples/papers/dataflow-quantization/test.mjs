// What is so of dataflow-based joint quantization, and a short run of it.

import { adamw, conv2d, sha256Hex, Trainer } from 'retrograd';
import { exported } from './export.mjs';
import { convolve, folded, joint, quantise, runJoint, shift, sumBound } from './model.mjs';
import { digitOf, digitsNetwork, inputOf, normalise, outputsOf, weightsOf } from './network.mjs';
import { separate } from './separate.mjs';

const normal = conv2d(8, { name: 'normal', kernel: 1, groups: 8, bias: true, deviation: 1 });
/** None is new: a normalisation at inference is a convolution of single channels. */
export const layers = {
  'a gain and a bias of each channel': [
    normal,
    { input: { kind: 'operand', rows: 16, columns: 8 }, wanted: 'operand' },
  ],
};

const images = Array.from({ length: 8 }, (_, i) =>
  Uint8Array.from({ length: 64 }, (__, j) => ((i + 3) * (j + 1) * (j + 7 * i) * 89) % 256),
);

/** A network that was trained for some steps. */
function trained(given = {}) {
  const options = { batch: 4, steps: 10, optimizer: adamw() };
  const trainer = Trainer.create({ model: digitsNetwork(), ...options, ...given });
  normalise(trainer, images);
  const pixels = Uint8Array.from(images.slice(0, 4).flatMap((each) => [...each]));
  while (trainer.steps < 10) trainer.step({ images: pixels, labels: Int32Array.of(3, 1, 4, 5) });
  return trainer;
}

/** A module of one weight and one bias. */
const tiny = (weight, bias) => ({
  ...{ name: 'tiny', kernel: 1, padding: 0, isNormal: false, pooled: false },
  weight: Float64Array.of(weight),
  gain: Float64Array.of(1),
  bias: Float64Array.of(bias),
});

export const facts = {
  'shifts round half up, also below zero': () =>
    [5, 6, 7, -5, -6, -7].map((value) => shift(value, 2)).join() === '1,2,2,-1,-1,-2' &&
    shift(-3, 0) === -3 &&
    shift(-3, -2) === -12,
  'values beyond n bits are clipped': () =>
    quantise(Float64Array.of(1, -1, 0.3, 0.5), 8, 7).join() === '127,-128,38,64',
  'a bound has the largest weights, the largest input and the bias': () =>
    sumBound(tiny(-128, 127), { x: 0, w: 0, b: 0, bits: 8 }) === 128 * 255 + 127,
  'no sum of a network leaves int32': () => {
    const modules = weightsOf(trained());
    const inputs = images.map(inputOf);
    const wanted = inputs.map((input) => convolve(input, folded(modules[0]).weight, modules[0]));
    const { own, formats } = joint(modules[0], inputs, wanted, { x: 5, bits: 8 });
    return sumBound(own, formats) < 2 ** 31;
  },
  'float64 sees what the library sees': () => {
    const trainer = trained();
    const modules = weightsOf(trainer);
    const seen = images.map((each) => digitOf(outputsOf(modules, each)));
    const batch = { images: Uint8Array.from(images.flatMap((each) => [...each])) };
    const { accuracy } = trainer.evaluate({ ...batch, labels: Int32Array.from(seen) });
    return accuracy === 1;
  },
  'a weight and a bias that fit are exact': () => {
    const inputs = [{ side: 1, channels: 1, values: Float64Array.of(3) }];
    const wanted = [{ side: 1, channels: 1, values: Float64Array.of(2.25) }];
    const { run, o } = joint(tiny(0.5, 0.75), inputs, wanted, { x: 0, bits: 8 });
    return run(inputs[0]).values[0] / 2 ** o === 2.25;
  },
  'a rectified output has no sign: twice as large a value fits': () => {
    const module = { ...tiny(1, 0), isNormal: true };
    const formats = { x: 0, w: 0, b: 0, o: 0, bits: 8 };
    const outputOf = (value, isNormal) => {
      const input = { side: 1, channels: 1, values: Float64Array.of(value) };
      return runJoint({ ...module, isNormal }, input, formats).values[0];
    };
    const all = [
      [300, true],
      [-5, true],
      [300, false],
      [-300, false],
    ];
    return all.map((each) => outputOf(...each)).join() === '255,0,127,-128';
  },
  'five roundings instead of eight': () => {
    const modules = weightsOf(trained());
    const of = (way) => exported(modules, images, { way, bits: 8 });
    return of(joint).roundings === 5 && of(separate).roundings === 8;
  },
};

/** Ten steps, and the digits that networks of 8, 6 and 5 bits see. */
export async function brief(given) {
  const trainer = trained(given);
  const modules = weightsOf(trainer);
  const seen = [8, 6, 5].flatMap((bits) =>
    [joint, separate].flatMap((way) => {
      const { outputs } = exported(modules, images, { way, bits });
      return images.map((each) => digitOf(outputs(each)));
    }),
  );
  const words = `${await trainer.weightsSha256()} ${seen.join(' ')}`;
  return sha256Hex(new TextEncoder().encode(words));
}
