// What the page of results says of an experiment: which cell is best and by how much, what was to
// be reached, how sound its runs were, and where they come from.

import { grouped } from './markdown.mjs';
import { metricOf, plural, runsOf, spread, UNIT, write } from './results-numbers.mjs';

/** Which cell has the best mean of the first metric, and whether the difference to the reference
 *  exceeds the spread of seeds. */
export function verdict({ cells, reference, metrics: [{ path, title, as, better }] }, runs) {
  const found = cells
    .filter(({ isAside }) => !isAside)
    .map(({ id, label }) => ({ id, label, ...metricOf(runs, id, path) }))
    .filter(({ n }) => n !== undefined);
  const ours = found.find(({ id }) => id === reference);
  const name = title.replace(/, [%M].*$/, '');
  const what = (one) => `${one.label} (${spread(one, as)}${UNIT[as]})`;
  if (ours === undefined)
    return (
      `${cells.find(({ id }) => id === reference).label} has no run yet, so nothing is ` +
      'compared.'
    );
  if (found.length < 2) return `Only ${what(ours)} was run, so nothing is compared.`;
  const sign = better === 'lower' ? -1 : 1;
  const [best, second] = [...found].sort((a, b) => sign * (b.mean - a.mean));
  const other = best === ours ? second : best;
  const difference = Math.abs(best.mean - (best === ours ? second : ours).mean);
  const spreads = [ours.deviation, other.deviation];
  const size =
    'the difference of ' +
    `${write(difference, as)}${as === 'percent' ? ' percentage points' : UNIT[as]}`;
  const largest = Math.max(...spreads);
  const spoken =
    largest === 0
      ? `${size} does not depend on the seed`
      : `${size} ${difference > largest ? 'exceeds' : 'does **not** exceed'} the spread of ` +
        `seeds (larger standard deviation of the two: ${write(largest, as)})`;
  const compared = spreads.includes(undefined)
    ? `${size} cannot be compared with the spread of seeds: a cell has one run only`
    : spoken;
  const extreme = better === 'lower' ? 'lowest' : 'highest';
  const missing = cells.filter(({ id }) => runsOf(runs, id).length === 0).length;
  const won = `${what(best)} has the ${extreme} mean (${name}), `;
  const rank =
    best === ours
      ? `${won}before ${what(second)}`
      : `**Not ${ours.label}**: ${won}${what(ours)} is behind`;
  return (
    `${rank}; ${compared}.` +
    (missing > 0 ? ` ${plural(missing, 'cell')} of ${cells.length} not run yet.` : '')
  );
}

/** What was to be reached, and whether it was: a mean, or its ratio to the mean of the cell `of`.
 */
export function barLines({ bars, cells, metrics }, runs) {
  const labelOf = (cell) => cells.find(({ id }) => id === cell).label;
  const targetOf = ({ cell, atLeast, atMost, of }, title, as) => {
    const name = title.replace(/, [%M].*$/, '');
    const side = atLeast === undefined ? 'at most' : 'at least';
    const that = of === undefined ? '' : ` that of ${labelOf(of)}`;
    return `${labelOf(cell)}, ${name}: ${side} ${write(atLeast ?? atMost, as)}${UNIT[as]}${that}`;
  };
  return bars.map((bar) => {
    const { cell, path, atLeast, atMost, of } = bar;
    const { title, as: own } = metrics.find((metric) => metric.path === path);
    const as = of === undefined ? own : 'ratio';
    const target = targetOf(bar, title, as);
    const value = metricOf(runs, cell, path);
    const unit = of === undefined ? { mean: 1 } : metricOf(runs, of, path);
    if (value === undefined || unit === undefined) return `Target: ${target}; not run yet.`;
    const measured = value.mean / unit.mean;
    const isReached = measured >= (atLeast ?? -Infinity) && measured <= (atMost ?? Infinity);
    const found =
      of === undefined
        ? `${spread(value, as)}${UNIT[as]}`
        : `${write(measured, as)}${UNIT[as]} (n = ${value.n} and ${unit.n})`;
    return `Target: ${target}; measured ${found}: ${isReached ? 'reached' : '**missed**'}.`;
  });
}

/** Reconstruction over all runs, and the runs that ended by themselves. */
export function soundness(runs) {
  const sum = (key) => runs.reduce((total, { found }) => total + (found.totals?.[key] ?? 0), 0);
  const failed = runs.filter(({ found }) => found.failed !== undefined);
  return [
    `${grouped(sum('checkedStates'), 0)} states were rebuilt and checked in ` +
      `${plural(runs.length, 'run')}: ${plural(sum('mismatchedElements'), 'element')} ` +
      `differed, ${plural(sum('overflowed'), 'element')} overflowed.`,
    ...failed.map(
      ({ label, seed, found }) => `**${label}, seed ${seed}, ended by itself**: ${found.failed}.`,
    ),
  ].join(' ');
}

const distinct = (runs, value) => [...new Set(runs.map(value))];

/** Seeds, time and machines of runs. */
export function origin(runs) {
  const machines = distinct(
    runs,
    ({ environment: { cpu, cores, system, node, threads, commit }, libraryVersion }) =>
      `${cpu}, ${cores} cores, ${system}, Node ${node}, ${plural(threads, 'thread')}, ` +
      `version ${libraryVersion}, commit ${commit ?? 'unknown'}`,
  );
  const dates = distinct(runs, ({ environment }) => environment.date).sort();
  const hours = runs.reduce((sum, { seconds }) => sum + seconds, 0) / 3600;
  const seeds = distinct(runs, ({ seed }) => seed).sort((a, b) => a - b);
  return (
    `seeds ${seeds.join(', ')}; ${hours.toFixed(1)} h of runs, ` +
    `${dates.length > 1 ? `${dates[0]} to ${dates.at(-1)}` : dates[0]}: ${machines.join('; ')}.`
  );
}

/** Data, machine, time; and whether runs of one table are of one kind. */
export function provenance({ dataWords, budget }, runs) {
  const digests = distinct(runs, ({ data }) => data.sha256).filter((digest) => digest !== null);
  const kinds = distinct(runs, ({ options: { model, batch, steps, augmentation, trainImages } }) =>
    JSON.stringify({ model, batch, steps, augmentation, trainImages }),
  );
  const digest = digests.length === 1 ? ` (SHA-256 ${digests[0].slice(0, 16)}...)` : '';
  return [
    `${dataWords}${digest}. ${budget}, ${origin(runs)}`,
    digests.length > 1 ? ' **The runs are of different data.**' : '',
    kinds.length > 1 ? ' **The runs are of different sizes or budgets.**' : '',
  ].join('');
}
