// 10,000 images of CIFAR-10: BDIA against the plain transformer, another reversible rule and other
// regularisers, equal in all else. Figure 1 is measured at the end of
// the runs that have a gamma.

import type { Figure } from './experiment.ts';
import { type ImageSetting, imageExperiment } from './image-experiment.ts';
import { accuracyChart, BDIA, cell, IMAGE_METRICS, PLAIN, REVIEWS } from './shared.ts';

const GAMMAS = [-0.5, -0.25, -0.125, 0, 0.125, 0.25, 0.5];
const CIFAR: ImageSetting = {
  images: 10_000,
  patch: 4,
  layers: 6,
  channels: 64,
  heads: 4,
  batch: 32,
  epochs: 10,
  learningRate: 0.001,
  crop: 4,
  flip: true,
  points: 10,
  gammas: GAMMAS,
};

export const cifar = imageExperiment(
  {
    name: 'cifar',
    title: 'CIFAR-10: update rules and regularisers',
    dataWords:
      '10,000 training and 2,000 test images of CIFAR-10, **from a copy that was compressed ' +
      'as JPEG**: its pixels are not the original ones',
    paper:
      'Table 1, validation accuracy on CIFAR-10, and controls that it lacks: dropout and ' +
      'stochastic depth',
    paperSource: REVIEWS,
    sizes:
      'A fifth of the images and a fortieth of the epochs that the replication of the paper ' +
      'used (50,000; 400): accuracies are far ' +
      "below the paper's and only comparable with each other. 6 blocks and 65 tokens as in " +
      'the paper; 64 channels and 4 heads, AdamW instead of SET-Adam.',
    budget: `${CIFAR.epochs} epochs, batch ${CIFAR.batch}`,
    reference: 'bdia',
    cells: [
      cell('plain', 'plain', PLAIN, '88.15 %'),
      cell('bdia', 'BDIA', BDIA, '89.10 %'),
      cell('coupling', 'coupling (RevViT)', { reversible: 'coupling' }, '86.22 %'),
      cell('dropout', 'plain, dropout 0.1', { ...PLAIN, dropout: 0.1 }),
      cell('depth', 'plain, stochastic depth 0.1', { ...PLAIN, stochasticDepth: 0.1 }),
    ],
    metrics: [
      ...IMAGE_METRICS,
      { path: 'plan.bytes.sideBits', title: 'side bits, MB', as: 'megabytes' },
    ],
    charts: [accuracyChart('cifar', 'CIFAR-10, 10,000 images: test accuracy, %')],
    bars: [],
  },
  CIFAR,
);

export const figure1: Figure = {
  name: 'figure1',
  title: 'Accuracy against a fixed gamma at inference',
  of: 'cifar',
  cells: ['plain', 'bdia'],
  paper: 'Figure 1: BDIA-ViT nearly flat, ViT falls sharply (as reviews of the paper describe it)',
  chart: {
    file: 'results-figure1.svg',
    title: 'CIFAR-10: test accuracy against gamma at inference, %',
    points: 'gammas',
    x: 'gamma',
    xTitle: 'gamma',
    y: ['accuracy'],
    as: 'percent',
  },
};
