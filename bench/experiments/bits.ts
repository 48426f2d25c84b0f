// How fine the residual state must be: l fraction bits.

import { imageExperiment } from './image-experiment.ts';
import { BDIA, cell, IMAGE_METRICS } from './shared.ts';

const BITS = [6, 8, 9, 10, 12, 14];

export const bits = imageExperiment(
  {
    name: 'bits',
    title: 'Handwritten digits: fraction bits of the state',
    dataWords: 'optdigits: 3,823 training and 1,797 test images of 8 x 8',
    paper: 'l = 9 throughout; reviewers asked for an ablation',
    sizes: '6 blocks; 64 channels, 4 heads, patches of 2 x 2 (17 tokens), 30 epochs.',
    budget: '30 epochs, batch 32',
    reference: 'l9',
    cells: BITS.map((l) => cell(`l${l}`, `BDIA, l = ${l}`, { ...BDIA, fractionBits: l })),
    metrics: IMAGE_METRICS,
    charts: [],
    bars: [],
  },
  {
    patch: 2,
    layers: 6,
    channels: 64,
    heads: 4,
    batch: 32,
    epochs: 30,
    learningRate: 0.001,
    crop: 1,
    flip: false,
    points: 15,
  },
);
