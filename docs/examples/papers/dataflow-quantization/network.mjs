// The convolutional network for digits of 8 x 8 that is quantised, and what it computes in float64.

import { conv2d, crossEntropy, defineModel, linear, maxPool2d, patches, relu } from 'retrograd';
import { byChannel, convolve, rectify } from './model.mjs';

/** Modules, one after the other: a convolution, with or without a normalisation by channels, which
 *  at inference is a gain and a bias of each channel, a rectifier, and pooling. */
const CHANNELS = [12, 24, 48];
export const MODULES = [
  { name: 'first', kernel: 3, padding: 1, isNormal: true, pooled: true },
  { name: 'second', kernel: 3, padding: 1, isNormal: true, pooled: true },
  { name: 'third', kernel: 2, padding: 0, isNormal: true, pooled: false },
  { name: 'out', kernel: 1, padding: 0, isNormal: false, pooled: false },
];

/** In the library: the gain and the bias are a convolution of one pixel, each channel alone. */
export const digitsNetwork = defineModel('quantised-digits', () => ({
  input: patches({ width: 8, height: 8, colours: 1, patch: 1 }),
  layers: [
    ...CHANNELS.flatMap((out, i) => {
      const { name, kernel, padding, pooled } = MODULES[i];
      const normal = { name: `${name}-normal`, kernel: 1, groups: out, bias: true, deviation: 1 };
      const pool = pooled ? [maxPool2d()] : [];
      return [conv2d(out, { name, kernel, padding }), conv2d(out, normal), relu(), ...pool];
    }),
    linear(10, { name: 'out', deviation: 0.1, bias: true }),
  ],
  loss: crossEntropy({ targets: ({ labels }) => labels, name: 'labels', counts: true }),
}));

/** The weights of the modules as real numbers. */
export function weightsOf(trainer) {
  const all = new Map(trainer.tensors().map((tensor) => [tensor.name, tensor]));
  const real = (name) => {
    const { data, fraction } = all.get(name);
    return Float64Array.from(data, (raw) => raw / 2 ** fraction);
  };
  return MODULES.map((module) => {
    const { name, isNormal } = module;
    const normal = isNormal ? `${name}-normal` : name;
    const bias = real(`${normal}.bias`);
    const gain = isNormal ? real(`${normal}.weight`) : new Float64Array(bias.length).fill(1);
    return { ...module, weight: real(`${name}.weight`), gain, bias };
  });
}

/** The input of an image: bytes to about +-2, as the library has it. */
export const inputOf = (image) => ({
  side: 8,
  channels: 1,
  values: Float64Array.from(image, (byte) => (2 * byte - 255) / 128),
});

/** The largest of each 2 x 2 values. */
export function pool({ side, channels, values }) {
  const to = side / 2;
  const largest = Float64Array.from({ length: to * to * channels }, (_, i) => {
    const pixel = Math.floor(i / channels);
    const at = (2 * Math.floor(pixel / to) * side + 2 * (pixel % to)) * channels + (i % channels);
    const below = at + side * channels;
    return Math.max(values[at], values[at + channels], values[below], values[below + channels]);
  });
  return { side: to, channels, values: largest };
}

/** What a module gives: normalised sums, then rectified and pooled but for the last one. */
export function moduleOf(module, input) {
  const { gain, bias, isNormal } = module;
  const sums = convolve(input, module.weight, module);
  const normal = byChannel(sums, (value, c) => value * gain[c] + bias[c]);
  return isNormal ? rectify(normal) : normal;
}

export const pooledOf = ({ pooled }, image) => (pooled ? pool(image) : image);

/** The outputs of the float64 network. */
export const outputsOf = (modules, image) =>
  modules.reduce((x, module) => pooledOf(module, moduleOf(module, x)), inputOf(image)).values;

/** The digit of such outputs. */
export const digitOf = (outputs) => outputs.indexOf(Math.max(...outputs));

/** Gives the normalisations the gains and biases with which the channels of some images have mean 0
 *  and deviation 1 (Salimans & Kingma 2016, section 3): training goes on from there. */
export function normalise(trainer, images) {
  const all = new Map(trainer.tensors().map((tensor) => [tensor.name, tensor]));
  const modules = weightsOf(trainer);
  let inputs = images.map(inputOf);
  for (const module of modules.filter(({ isNormal }) => isNormal)) {
    const sums = inputs.map((input) => convolve(input, module.weight, module));
    const { channels } = sums[0];
    for (let c = 0; c < channels; c++) {
      const own = sums.flatMap(({ values }) => [...values.filter((_, i) => i % channels === c)]);
      const mean = own.reduce((a, b) => a + b) / own.length;
      const square = own.reduce((a, b) => a + (b - mean) ** 2, 0) / own.length;
      module.gain[c] = 1 / Math.sqrt(square + 1e-3);
      module.bias[c] = -mean * module.gain[c];
      for (const [part, value] of [
        ['weight', module.gain[c]],
        ['bias', module.bias[c]],
      ]) {
        const { data, fraction } = all.get(`${module.name}-normal.${part}`);
        data[c] = Math.round(value * 2 ** fraction);
      }
    }
    inputs = inputs.map((input) => pooledOf(module, moduleOf(module, input)));
  }
}
