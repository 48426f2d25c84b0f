// All experiments, in the order of the page. One more: a file like these, and its name here.

import { quote } from '../../src/cli/argv.ts';
import { UsageError } from '../../src/cli/library.ts';
import { bits } from './bits.ts';
import { cifar, figure1 } from './cifar.ts';
import type { Experiment, Figure } from './experiment.ts';
import { gpt } from './gpt.ts';
import { memory } from './memory.ts';
import { mnist } from './mnist.ts';
import { translation } from './translation.ts';
import { where } from './where.ts';

export const EXPERIMENTS: readonly Experiment[] = [
  mnist,
  cifar,
  bits,
  gpt,
  translation,
  where,
  memory,
];
export const FIGURES: readonly Figure[] = [figure1];

export const NAMES = [...EXPERIMENTS, ...FIGURES].map(({ name }) => name).join(', ');
export const LIST_HINT = 'what they are: npm run experiment -- --list';

/** The experiment of a name, and the cells to run if it is that of a figure. Throws UsageError. */
export function findExperiment(name: string): { experiment: Experiment; cells: readonly string[] } {
  const figure = FIGURES.find((one) => one.name === name);
  const experiment = EXPERIMENTS.find((one) => one.name === (figure?.of ?? name));
  if (experiment === undefined)
    throw new UsageError(`experiment is ${quote(name)}, expected one of ${NAMES}`, LIST_HINT);
  return {
    experiment,
    cells:
      figure?.cells ??
      experiment.cells.filter(({ madeBy }) => madeBy === undefined).map(({ id }) => id),
  };
}
