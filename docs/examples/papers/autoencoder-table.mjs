// What the tables of the papers' autoencoders are made by: training on sets of digits, and what a
// network makes of all digits.

import { adamw, cosine, createWasmBackend, normals, Run, Trainer } from 'retrograd';
import { decoding, PIXELS } from './autoencoder.mjs';
import { share, trainOn } from './data.mjs';

/** Digits of a step, and of a set; the highest rate. */
const DIGITS = 128;
export const ROWS = 64;
const PEAK = 0.003;

/** A rate that falls to zero in a straight line. */
export const falling = {
  name: 'falling',
  options: {},
  rate: (step, steps) =>
    (BigInt(Math.round(PEAK * 2 ** 32)) * BigInt(steps - step)) / BigInt(steps),
};

/** Trains on sets of known digits in the order of the seed. */
export function trained(known, { model, seed, steps, rate = cosine(PEAK) }) {
  const options = { model, batch: DIGITS / ROWS, steps, seed, learningRate: rate };
  const optimizer = adamw({ weightDecay: 0 });
  return trainOn(known, Trainer.create({ ...options, optimizer }), ROWS);
}

/** A model with the weights of those of `from` that it has. */
export const withWeights = (model, from) =>
  share(from, Trainer.create({ model, batch: 1, steps: 1 }));

/** What a network for sets of one digit makes of every digit of a set. */
export const outputs = (trainer, { pixels, count }) =>
  Array.from({ length: count }, (_, s) =>
    trainer.predict(pixels.subarray(s * PIXELS, (s + 1) * PIXELS)),
  );

/** The decoder of a network: a function from latents to an image. */
export function decoderOf(trainer, count) {
  const decoder = withWeights(decoding({ count }), trainer);
  return (latents) => decoder.predict(Array.from(latents));
}

/** The mean squared error of images by their pixels. */
export function distortion(images, { pixels }) {
  let sum = 0;
  images.forEach((image, s) => {
    for (let c = 0; c < PIXELS; c++) {
      const difference = image[c] - (2 * pixels[s * PIXELS + c] - 255) / 128;
      sum += difference * difference;
    }
  });
  return sum / (images.length * PIXELS);
}

/** The channel's noise for n digits, as far from training's as another stream is. */
export function noise(n, d, deviation, stream) {
  const run = new Run(createWasmBackend({ pages: Math.ceil((n * d * 4) / 65536) + 4 }));
  const { base } = run.backend;
  normals(run, base, n * d, deviation * 2 ** 16, stream);
  return Array.from({ length: n }, (_, i) =>
    Float64Array.from(run.view(base + i * d * 4, d), (raw) => raw / 2 ** 16),
  );
}
