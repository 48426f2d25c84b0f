// Digits of 8 x 8 pixels by two hidden layers, with splines or ReLU.

import { crossEntropy, defineModel, linear, patches, relu } from 'retrograd';
import { spline } from './model.mjs';

export const classifier = defineModel('splines', ({ width, isSpline = true }) => {
  const activation = (name) => (isSpline ? spline({ name }) : relu());
  return {
    input: patches({ width: 8, height: 8, colours: 1, patch: 8 }),
    layers: [
      linear(width, { name: 'first', deviation: 0.1, bias: true }),
      activation('spline1'),
      linear(width, { name: 'second', deviation: 0.2, bias: true }),
      activation('spline2'),
      linear(10, { name: 'out', deviation: 0.2, bias: true }),
    ],
    loss: crossEntropy({ targets: ({ labels }) => labels, name: 'labels', counts: true }),
  };
});
