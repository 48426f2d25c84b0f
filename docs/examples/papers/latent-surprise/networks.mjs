// The classifier whose hidden states are looked at.

import { crossEntropy, defineModel, linear, meanSquaredError, patches, relu } from 'retrograd';
import { reading } from './model.mjs';

const layersOf = ({ width }) => [
  linear(width, { name: 'first', deviation: 0.04, bias: true }),
  relu(),
  linear(width, { name: 'second', deviation: 0.1, bias: true }),
  relu(),
  linear(10, { name: 'classes', deviation: 0.1, bias: true }),
];

const inputOf = ({ side }) => patches({ width: side, height: side, colours: 1, patch: side });

/** Digits by two hidden layers. */
export const classifier = defineModel('classifier', (config) => ({
  input: inputOf(config),
  layers: layersOf(config),
  loss: crossEntropy({ targets: ({ labels }) => labels, name: 'labels', counts: true }),
}));

/** Its first `depth` layers, and what they give. */
export const hidden = defineModel('hidden', (config) => ({
  input: inputOf(config),
  layers: [...layersOf(config).slice(0, config.depth), reading()],
  loss: meanSquaredError(),
}));
