// Data of the papers' systems: digits, batches of them, and random numbers as a function of a seed.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { EpochOrder, readDigits } from 'retrograd';

/** Handwritten digits of 8 x 8 pixels (UCI optdigits, CC BY 4.0): optdigits.tra to learn from and
 *  optdigits.tes, of other writers, of a folder or its folder optdigits. */
export function digits(folder) {
  const read = (name) => {
    for (const place of [join(folder, 'optdigits', name), join(folder, name)])
      try {
        return readDigits(readFileSync(place), name);
      } catch (error) {
        if (error.code !== 'ENOENT') throw error;
      }
    throw new Error(`${folder} has no ${name}, nor has its folder optdigits: give --data DIR`);
  };
  return { known: read('optdigits.tra'), unseen: read('optdigits.tes') };
}

/** The images of some places in a set, as a batch. */
export function pick({ width, height, channels, pixels, labels }, places) {
  const size = width * height * channels;
  const images = new Uint8Array(places.length * size);
  places.forEach((place, i) => {
    images.set(pixels.subarray(place * size, place * size + size), i * size);
  });
  return { images, labels: Int32Array.from(places, (place) => labels[place]) };
}

/** Trains to the end on a set of images in the order of the trainer's seed. */
export function trainOn(set, trainer) {
  const { batch, steps, seed } = trainer.options;
  const order = new EpochOrder(seed, set.count);
  while (trainer.steps < steps) {
    const first = trainer.steps * batch;
    trainer.step(
      pick(
        set,
        Array.from({ length: batch }, (_, i) => order.at(first + i)),
      ),
    );
  }
  return trainer;
}

/** The share of a set's images that is recognised. */
export const accuracyOn = ({ pixels, labels }, trainer) =>
  trainer.evaluate({ images: pixels, labels }).accuracy;

/** Random numbers as a function of a seed (mulberry32): uniform in 0..1, whole ones below n, and
 *  about normal ones. */
export function random(seed) {
  let state = seed | 0;
  const uniform = () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
  const below = (n) => Math.floor(uniform() * n);
  const normal = () => Array.from({ length: 12 }, uniform).reduce((a, b) => a + b) - 6;
  return { uniform, below, normal };
}

/** The numbers below n in random order. */
export function shuffled(n, { below }) {
  const order = Array.from({ length: n }, (_, i) => i);
  for (let i = n - 1; i > 0; i--) {
    const j = below(i + 1);
    [order[i], order[j]] = [order[j], order[i]];
  }
  return order;
}

export const mean = (values) => values.reduce((a, b) => a + b, 0) / values.length;
