// Handwritten digits of 8 x 8 pixels (optdigits): a small network with ReLU.

import type { ImageBatch, ImageSet } from 'retrograd';
import {
  cosine,
  crossEntropy,
  defineModel,
  EpochOrder,
  linear,
  patches,
  relu,
  Trainer,
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
  model: classifier({ width: 128 }),
  batch: 32,
  steps: 2000,
  learningRate: cosine(0.003),
};

/** The images of some places in a set. */
export function pick({ pixels, labels }: ImageSet, places: readonly number[]): ImageBatch {
  const image = (place: number): number[] => [...pixels.subarray(place * 64, place * 64 + 64)];
  return {
    images: Uint8Array.from(places.flatMap(image)),
    labels: Int32Array.from(places, (place) => labels[place] ?? 0),
  };
}

/** Trains, and returns the share of the unseen digits that is recognised. */
export function train(
  known: ImageSet,
  unseen: ImageSet,
  trainer = Trainer.create(options),
): number {
  const { batch, steps } = trainer.options;
  const order = new EpochOrder(1, known.count);
  while (trainer.steps < steps) {
    const first = trainer.steps * batch;
    trainer.step(
      pick(
        known,
        Array.from({ length: batch }, (_, i) => order.at(first + i)),
      ),
    );
  }
  return trainer.evaluate({ images: unseen.pixels, labels: unseen.labels }).accuracy;
}
