// The network that predicts.

import { defineModel, features, linear, meanSquaredError, relu } from 'retrograd';

export const layersOf = ({ past, width }) => [
  linear(width, { name: 'first', deviation: 1 / Math.sqrt(past), bias: true }),
  relu(),
  linear(width, { name: 'second', deviation: 1 / Math.sqrt(width), bias: true }),
  relu(),
  linear(1, { name: 'last', deviation: 1 / Math.sqrt(width), bias: true }),
];

/** The next value from the last ones. */
export const predictor = defineModel('predictor', (config) => ({
  input: features({ count: config.past }),
  layers: layersOf(config),
  loss: meanSquaredError(),
}));
