// A trained network in whole numbers, module by module.

import { byChannel, joined, ownFormat, quantise } from './model.mjs';
import { inputOf, moduleOf, pooledOf } from './network.mjs';

/** A network of n bits, made module by module with some images: its outputs of an image, and how
 *  many roundings an activation goes through and tensors of weights it has. */
export function exported(modules, images, { way, bits }) {
  let real = images.map(inputOf);
  const first = ownFormat(joined(real), bits);
  let inputs = real.map((input) => byChannel(input, (v) => quantise([v], bits, first)[0]));
  const steps = [];
  for (const module of modules) {
    const wanted = real.map((input) => moduleOf(module, input));
    const step = way(module, inputs, wanted, { x: steps.at(-1)?.o ?? first, bits });
    steps.push({ ...step, module });
    real = wanted.map((image) => pooledOf(module, image));
    inputs = inputs.map((input) => pooledOf(module, step.run(input)));
  }
  const outputs = (image) => {
    const input = byChannel(inputOf(image), (v) => quantise([v], bits, first)[0]);
    const { values } = steps.reduce((x, { module, run }) => pooledOf(module, run(x)), input);
    return values.map((value) => value / 2 ** steps.at(-1).o);
  };
  const sum = (key) => steps.reduce((total, step) => total + step[key], 0);
  return { outputs, roundings: 1 + sum('roundings'), tensors: sum('tensors') };
}
