// Layer by layer, the way that joint quantization is held against.

import {
  byChannel,
  clip,
  convolve,
  joined,
  ownFormat,
  quantise,
  rectify,
  shift,
} from './model.mjs';

/** Values in the format that is best for them alone. */
function alone(values, bits) {
  const fraction = ownFormat(values, bits);
  return { fraction, whole: quantise(values, bits, fraction) };
}

/** A layer of its own: sums of `at` fraction bits and a bias, rounded to the format that is best
 *  for what comes out. */
function layer(sumsOf, bias, inputs, { at, bits }) {
  const b = alone(bias, bits);
  const biased = (input) =>
    byChannel(sumsOf(input), (sum, c) => sum + shift(b.whole[c], b.fraction - at));
  const o = ownFormat(
    joined(inputs.map(biased)).map((value) => value / 2 ** at),
    bits,
  );
  return { o, run: (input) => byChannel(biased(input), (sum) => clip(shift(sum, at - o), bits)) };
}

/** Layer by layer: convolution and normalisation each round their output, and each tensor has the
 *  format that is best for it alone. */
export function separate(module, inputs, _, { x, bits }) {
  const [w, g] = [module.weight, module.gain].map((values) => alone(values, bits));
  const sumsOf = (input) => convolve(input, w.whole, module);
  const format = { at: x + w.fraction, bits };
  if (!module.isNormal)
    return { ...layer(sumsOf, module.bias, inputs, format), roundings: 1, tensors: 2 };
  const sums = layer(sumsOf, new Float64Array(module.bias.length), inputs, format);
  const scaled = (image) => byChannel(image, (value, c) => value * g.whole[c]);
  const after = { at: sums.o + g.fraction, bits };
  const normal = layer(scaled, module.bias, inputs.map(sums.run), after);
  const run = (input) => rectify(normal.run(sums.run(input)));
  return { run, o: normal.o, roundings: 2, tensors: 3 };
}
