// Data of the papers' systems: digits, batches of them, and random numbers as a function of a seed.

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { EpochOrder, isWeight, readCifar, readDigits, readIdx } from 'retrograd';

/** The bytes of a file of a folder or of the folders in it, which may be gzipped. */
function read(folder, name) {
  const entries = readdirSync(folder, { withFileTypes: true });
  const inner = entries.filter((entry) => entry.isDirectory()).map((entry) => entry.name);
  const places = ['', ...inner].flatMap((each) => [name, `${name}.gz`].map((n) => join(each, n)));
  const found = places.map((place) => join(folder, place)).find((path) => existsSync(path));
  if (found === undefined)
    throw new Error(`${folder} has no ${name}, nor has a folder in it: give --data DIR`);
  const bytes = readFileSync(found);
  return found.endsWith('.gz') ? gunzipSync(bytes) : bytes;
}

/** Handwritten digits of 8 x 8 pixels (UCI optdigits, CC BY 4.0): optdigits.tra to learn from and
 *  optdigits.tes, of other writers. */
export function digits(folder) {
  const set = (name) => readDigits(read(folder, name), name);
  return { known: set('optdigits.tra'), unseen: set('optdigits.tes') };
}

/** MNIST (LeCun, Cortes, CC BY-SA 3.0), 28 x 28 pixels: 60,000 to learn from and 10,000 unseen. */
export function mnist(folder) {
  const set = (part) => {
    const names = [`${part}-images-idx3-ubyte`, `${part}-labels-idx1-ubyte`];
    return readIdx(read(folder, names[0]), read(folder, names[1]), names);
  };
  return { known: set('train'), unseen: set('t10k') };
}

/** A file of CIFAR-10 (Krizhevsky 2009), binary version: 32 x 32 pixels of three colours. */
export const cifar = (folder, name) => readCifar(read(folder, name), 10, name);

/** The images of some places in a set, as a batch. */
export function pick({ width, height, channels, pixels, labels }, places) {
  const size = width * height * channels;
  const images = new Uint8Array(places.length * size);
  places.forEach((place, i) => {
    images.set(pixels.subarray(place * size, place * size + size), i * size);
  });
  return { images, labels: Int32Array.from(places, (place) => labels[place]) };
}

/** Trains to the end on a set of images in the order of the trainer's seed. `each`: images of a
 *  sample. */
export function trainOn(set, trainer, each = 1) {
  const { batch, steps, seed } = trainer.options;
  const order = new EpochOrder(seed, set.count);
  const count = batch * each;
  while (trainer.steps < steps) {
    const first = trainer.steps * count;
    const places = Array.from({ length: count }, (_, i) => order.at(first + i));
    trainer.step(pick(set, places));
  }
  return trainer;
}

/** Gives a network the weights of another one that have the names of its own. */
export function share(from, to) {
  const known = new Map(from.tensors().map(({ name, data }) => [name, data]));
  for (const tensor of to.tensors())
    if (isWeight(tensor) && known.has(tensor.name)) tensor.data.set(known.get(tensor.name));
  return to;
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

export const percent = (share, decimals = 2) => `${(100 * share).toFixed(decimals)} %`;
