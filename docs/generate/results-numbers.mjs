// Means and deviations of runs, and how the page of results writes them.

import { load } from '../../bench/load.mjs';
import { grouped } from './markdown.mjs';

export const { mean, deviation } = await load('src/cli/statistics.ts');

/** How many values there are, their mean and deviation; undefined if there are none. */
export const statistics = (values) =>
  values.length === 0
    ? undefined
    : { n: values.length, mean: mean(values), deviation: deviation(values) };

const at = (value, path) => path.split('.').reduce((inner, key) => inner?.[key], value);
export const runsOf = (runs, cell) => runs.filter((run) => run.cell === cell);
/** Statistics of a metric of a cell over the runs that ended well. */
export const metricOf = (runs, cell, path) =>
  statistics(
    runsOf(runs, cell)
      .filter(({ found }) => found.failed === undefined)
      .map(({ found }) => at(found, path))
      .filter(Number.isFinite),
  );

export const AS = {
  percent: [100, 2],
  nats: [1, 4],
  bleu: [1, 2],
  megabytes: [1e-6, 1],
  milliseconds: [1, 1],
  ratio: [1, 3],
  count: [1, 0],
};
export const UNIT = {
  percent: ' %',
  nats: '',
  bleu: '',
  megabytes: ' MB',
  milliseconds: ' ms',
  ratio: ' x',
  count: '',
};
export const write = (value, as) => grouped(value * AS[as][0], AS[as][1]);
/** "98.61 ± 0.05"; without a deviation that rounds to nothing of something that does not vary. */
export const spread = ({ mean: m, deviation: d }, as) =>
  write(m, as) + (d === undefined || d === 0 ? '' : ` ± ${write(d, as)}`);
export const plural = (n, one) => `${grouped(n, 0)} ${one}${n === 1 ? '' : 's'}`;
