// The networks that AutoShuffleNet is shown with.

import {
  conv2d,
  crossEntropy,
  defineModel,
  features,
  linear,
  maxPool2d,
  meanSquaredError,
  patches,
  relu,
} from 'retrograd';
import { shuffle } from './model.mjs';

/** A shuffle alone: y = M x. */
export const planted = defineModel('planted', ({ channels }) => ({
  input: features({ count: channels }),
  layers: [shuffle()],
  loss: meanSquaredError(),
}));

/** Two layers whose channels are in different orders: a sample is x and what the one makes of it,
 *  A x. Both are shuffled, and the second's weights and ones, [-A', I], give M A x - A' M x. */
export const aligned = defineModel('aligned', ({ channels }) => ({
  input: features({ count: 2 * channels }),
  layers: [shuffle({ channels }), linear(channels, { name: 'second' })],
  loss: meanSquaredError(),
}));

/** Digits of 8 x 8 pixels by a ShuffleNet unit: products of channels in groups only, and a shuffle
 *  between them. */
export const grouped = defineModel('grouped', ({ channels: C, groups }) => ({
  input: patches({ width: 8, height: 8, colours: 1, patch: 1 }),
  layers: [
    conv2d(C, { name: 'first', bias: true }),
    relu(),
    maxPool2d(),
    conv2d(C, { name: 'in', kernel: 1, groups, bias: true }),
    relu(),
    shuffle(),
    conv2d(C, { name: 'depth', groups: C, bias: true }),
    conv2d(C, { name: 'out', kernel: 1, groups, bias: true }),
    relu(),
    maxPool2d(),
    conv2d(C, { name: 'last', kernel: 2, padding: 0, groups, bias: true }),
    relu(),
    linear(10, { name: 'classes', deviation: 0.1, bias: true }),
  ],
  loss: crossEntropy({ targets: ({ labels }) => labels, name: 'labels', counts: true }),
}));
