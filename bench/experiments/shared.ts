// What several definitions say in the same words.

import type { Cell, Chart, Metric } from './experiment.ts';

export const cell = (
  id: string,
  label: string,
  options: Cell['options'],
  paper?: string,
): Cell => ({ id, label, options, paper });

export const PLAIN = { reversible: 'none' } as const;
export const BDIA = { reversible: 'bdia' } as const;
/** BDIA with operands of 8 bits. */
export const BDIA_INT8: Cell = {
  ...cell('bdia-int8', 'BDIA, int8', { ...BDIA, operands: 'int8' }),
  isAside: true,
};

/** Columns that every trained cell has. */
export const COST: Metric[] = [
  { path: 'millisecondsPerStep', title: 'ms a step', as: 'milliseconds' },
  { path: 'peakBytes', title: 'memory, MB', as: 'megabytes' },
  { path: 'totals.saturated', title: 'saturated', as: 'count' },
];

export const IMAGE_METRICS: Metric[] = [
  { path: 'final.accuracy', title: 'test accuracy, %', as: 'percent', better: 'higher' },
  { path: 'best.accuracy', title: 'best on the way, %', as: 'percent', better: 'higher' },
  { path: 'final.loss', title: 'test loss', as: 'nats', better: 'lower' },
  { path: 'final.trainLoss', title: 'training loss', as: 'nats' },
  ...COST,
];
export const TEXT_METRICS: Metric[] = [
  { path: 'final.loss', title: 'validation loss at the end', as: 'nats', better: 'lower' },
  { path: 'best.loss', title: 'lowest on the way', as: 'nats', better: 'lower' },
  { path: 'final.trainLoss', title: 'training loss at the end', as: 'nats' },
  ...COST,
];

export const accuracyChart = (name: string, title: string): Chart => ({
  file: `results-${name}.svg`,
  title,
  points: 'curve',
  x: 'step',
  xTitle: 'step',
  y: ['accuracy'],
  as: 'percent',
});

export const REVIEWS =
  'as reported in machine-written reviews of the second arXiv version; spread over its three ' +
  'runs not known; not verified';
