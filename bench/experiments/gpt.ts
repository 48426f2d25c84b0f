// Over-fitting on purpose: a character GPT that sees a short text many times.

import { BDIA, cell, PLAIN, TEXT_METRICS } from './shared.ts';
import { textExperiment } from './text-experiment.ts';

export const gpt = textExperiment(
  {
    name: 'gpt',
    title: 'GPT on a short text: over-fitting',
    dataWords:
      'the first 50,000 characters of tiny Shakespeare: 45,000 for training, 5,000 for validation',
    paper: 'BDIA-GPT2 on 0.05 % of openwebtext: higher training loss, lower validation loss',
    sizes:
      "4 layers, 128 channels, 4 heads, context 64, characters instead of GPT2's tokens; " +
      '4,000 steps of 12 windows, about 68 epochs.',
    budget: '4,000 steps, batch 12',
    reference: 'bdia',
    cells: [cell('bdia', 'BDIA', BDIA), cell('plain', 'plain', PLAIN)],
    metrics: TEXT_METRICS,
    bars: [],
    charts: [
      {
        file: 'results-gpt.svg',
        title: 'Loss in nats a character: validation (solid), training (dashed)',
        points: 'curve',
        x: 'step',
        xTitle: 'step',
        y: ['loss', 'trainLoss'],
        as: 'nats',
      },
    ],
  },
  {
    characters: 50_000,
    layers: 4,
    channels: 128,
    heads: 4,
    context: 64,
    batch: 12,
    steps: 4000,
    learningRate: 0.001,
    points: 40,
  },
);
