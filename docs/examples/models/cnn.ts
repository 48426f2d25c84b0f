// The digits of digits.ts by a convolutional network: pixels are rows, channels are columns.

import type { ImageBatch } from 'retrograd';
import {
  avgPool2d,
  conv2d,
  cosine,
  crossEntropy,
  defineModel,
  linear,
  maxPool2d,
  patches,
  relu,
} from 'retrograd';

/** Patches of one pixel: the image as it is. */
export const convolutional = defineModel('convolutional', ({ width }: { width: number }) => ({
  input: patches<ImageBatch>({ width: 8, height: 8, colours: 1, patch: 1 }),
  layers: [
    conv2d(width, { name: 'first', bias: true }),
    relu(),
    maxPool2d(),
    conv2d(2 * width, { name: 'second', bias: true }),
    relu(),
    avgPool2d({ kernel: 2 }),
    conv2d(4 * width, { name: 'third', kernel: 2, padding: 0, bias: true }),
    relu(),
    linear(10, { name: 'out', deviation: 0.1, bias: true }),
  ],
  loss: crossEntropy<ImageBatch>({ targets: ({ labels }) => labels, name: 'labels', counts: true }),
}));

export const options = {
  model: convolutional({ width: 16 }),
  batch: 32,
  steps: 2000,
  learningRate: cosine(0.003),
};
