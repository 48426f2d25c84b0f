// Handwritten digits of 8 x 8 pixels (optdigits) with ReLU.
//   node digits.ts optdigits.tra optdigits.tes

import { readFileSync } from 'node:fs';
import {
  EpochOrder,
  type ImageBatch,
  type ImageSet,
  Trainer,
  cosine,
  crossEntropy,
  defineModel,
  linear,
  patches,
  readDigits,
  relu,
} from 'retrograd';

/** One patch: the whole image. */
export const classifier = defineModel('classifier', ({ width }: { width: number }) => ({
  input: patches<ImageBatch>({ width: 8, height: 8, colours: 1, patch: 8 }),
  layers: [
    linear(width, { name: 'hidden', deviation: 0.1, bias: true }),
    relu(),
    linear(10, { name: 'out', deviation: 0.1, bias: true }),
  ],
  loss: crossEntropy<ImageBatch>({ targets: ({ labels }) => labels, name: 'labels', counts: true }),
}));

export const options = {
  model: classifier({ width: 64 }),
  batch: 32,
  steps: 1500,
  learningRate: cosine(0.003),
};

/** The images of some places in a set. */
export function pick({ pixels, labels }: ImageSet, places: ArrayLike<number>): ImageBatch {
  const images = new Uint8Array(places.length * 64);
  const found = new Int32Array(places.length);
  Array.from(places).forEach((place, i) => {
    images.set(pixels.subarray(place * 64, (place + 1) * 64), i * 64);
    found[i] = labels[place];
  });
  return { images, labels: found };
}

/** Trains, and returns the share of the unseen digits that is recognised. */
export function run(train: ImageSet, unseen: ImageSet, trainer = Trainer.create(options)): number {
  const order = new EpochOrder(1, train.count);
  const batchOf = (step: number): ImageBatch => {
    const places = Array.from({ length: 32 }, (_, i) => order.at(step * 32 + i));
    return pick(train, places);
  };
  while (trainer.steps < options.steps) trainer.step(batchOf(trainer.steps));
  return trainer.evaluate({ images: unseen.pixels, labels: unseen.labels }).accuracy;
}
