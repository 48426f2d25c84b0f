// Makes the tables, sentences and charts of docs/results.md from the runs of `npm run experiment`
// in bench/results/experiments: means and standard deviations over seeds, and, computed, which cell
// is best and whether it is BDIA. Any subset of runs may be there.
//
//   node docs/generate/results-page.mjs            rewrites what is stale: the page's blocks
//                                                  between markers, and docs/results-*.svg
//   node docs/generate/results-page.mjs --check    changes nothing, exits 1 if anything is stale

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from '../../bench/stamp.mjs';
import { table } from './markdown.mjs';
import { renew } from './renew.mjs';
import { lineChart, seriesOf } from './results-chart.mjs';
import { gridBlock, gridVerdict, runsOfGrid } from './results-grid.mjs';
import { gridChart } from './results-grid-chart.mjs';
import { metricOf, plural, runsOf, spread, write } from './results-numbers.mjs';
import { barLines, provenance, soundness, verdict } from './results-words.mjs';
import { runExperiment } from './source.mjs';

export const RESULTS_PAGE = 'results.md';
const FOLDER = join(ROOT, 'bench', 'results', 'experiments');

// ---- definitions and runs -----------------------------------------------------------------------

/** Experiments and figures, as their command lists them. */
export function definitions() {
  const events = runExperiment('--list', '--json')
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line));
  return {
    experiments: events.filter(({ event }) => event === 'experiment'),
    figures: events.filter(({ event }) => event === 'figure'),
  };
}

/** All runs of an experiment, in the order of seeds. */
export function readRuns(name, folder = FOLDER) {
  const path = join(folder, name);
  if (!existsSync(path)) return [];
  return readdirSync(path)
    .filter((file) => /^[\w-]+-\d+\.json$/.test(file))
    .map((file) => JSON.parse(readFileSync(join(path, file), 'utf8')))
    .sort((a, b) => a.seed - b.seed);
}

// ---- blocks -------------------------------------------------------------------------------------

const notRun = (name) => `Not run yet: \`npm run experiment -- ${name}\`.`;

/** A chart in a page; every value it shows is in the description inside it. */
const image = ({ title, xTitle, file }) => `![Chart by ${xTitle}: ${title}](${file})`;

/** The block of an experiment: table, verdict, targets, chart. */
export function experimentBlock(one, runs) {
  if (runs.length === 0) return notRun(one.name);
  const { cells, metrics, charts } = one;
  const hasPaper = cells.some(({ paper }) => paper !== undefined);
  const rows = cells.map(({ id, label, paper }) => {
    const all = runsOf(runs, id);
    const failed = all.filter(({ found }) => found.failed !== undefined).length;
    const values = metrics
      .map(({ path }) => metricOf(runs, id, path))
      .map((value, i) => (value === undefined ? '' : spread(value, metrics[i].as)));
    return [
      label,
      all.length === 0
        ? 'not run yet'
        : `${all.length}${failed > 0 ? ` (${failed} ended by itself)` : ''}`,
      ...values,
      ...(hasPaper ? [paper ?? ''] : []),
    ];
  });
  const drawn = charts
    .filter((chart) => seriesOf(chart, cells, runs).length > 0)
    .map((chart) => `\n${image(chart)}`);
  return [
    table(
      ['', 'n', ...metrics.map(({ title }) => title), ...(hasPaper ? ['paper'] : [])],
      rows,
      metrics.map((_, i) => i + 2),
    ),
    '',
    verdict(one, runs),
    ...barLines(one, runs),
    '',
    `Answers to: ${one.paper}.${hasPaper ? ` Column "paper": ${one.paperSource}.` : ''} ` +
      `${one.sizes}`,
    '',
    soundness(runs),
    '',
    `Mean ± standard deviation (n - 1) over n seeds. ${provenance(one, runs)}`,
    ...drawn,
  ].join('\n');
}

/** The block of a figure: values at each place, and how far each cell falls from its best place. */
export function figureBlock({ name, paper, cells: ids, chart }, { cells, budget }, runs) {
  const series = seriesOf(
    chart,
    cells.filter(({ id }) => ids.includes(id)),
    runs,
  );
  const { as } = chart;
  if (series.length === 0) return notRun(name);
  const places = [...new Set(series.flatMap(({ points }) => points.map(({ x }) => x)))].sort(
    (a, b) => a - b,
  );
  const value = ({ points }, x) => points.find((point) => point.x === x);
  const falls = series.map((one) => ({
    ...one,
    fall: (value(one, 0)?.mean ?? NaN) - Math.min(...one.points.map((point) => point.mean)),
  }));
  return [
    table(
      [chart.xTitle, ...series.map(({ label }) => `${label}${as === 'percent' ? ', %' : ''}`)],
      places.map((x) => [
        x,
        ...series.map((one) => (value(one, x) === undefined ? '' : spread(value(one, x), as))),
      ]),
      series.map((_, i) => i + 1),
    ),
    '',
    'From gamma 0 to its worst gamma, ' +
      falls
        .map(
          ({ label, fall, n }) => `${label} loses ${write(fall, as)} percentage points (n = ${n})`,
        )
        .join('; ') +
      '.',
    '',
    `Answers to: ${paper}. Measured at the end of the same runs as the table above (${budget}).`,
    '',
    image(chart),
  ].join('\n');
}

// ---- the page -----------------------------------------------------------------------------------

/** One line an experiment: which cell is best. */
function summaryBlock({ experiments }, runs) {
  const anchor = (title) =>
    title
      .toLowerCase()
      .replace(/[^\p{L}\p{N} -]/gu, '')
      .replaceAll(' ', '-');
  const said = (one) =>
    one.grid === undefined
      ? [verdict(one, runs[one.name]), ...barLines(one, runs[one.name])].join(' ')
      : gridVerdict(one, runsOfGrid(one, runs));
  const lines = experiments.map(
    (one) =>
      `- [${one.title}](#${anchor(one.title)}): ` +
      (runs[one.name].length === 0 ? 'not run yet.' : said(one)),
  );
  return (
    `${experiments.filter(({ name }) => runs[name].length > 0).length} of ` +
    `${plural(experiments.length, 'experiment')} run.\n\n${lines.join('\n')}`
  );
}

/** Blocks by name and charts by file, from definitions and a folder of runs. */
export function resultParts(defined, folder = FOLDER) {
  const { experiments, figures } = defined;
  const runs = Object.fromEntries(experiments.map(({ name }) => [name, readRuns(name, folder)]));
  const blocks = { 'results-summary': summaryBlock(defined, runs) };
  const charts = {};
  const draw = (chart, cells, name) => {
    const series = seriesOf(chart, cells, runs[name]);
    if (series.length > 0) charts[chart.file] = lineChart(chart, series);
  };
  for (const one of experiments) {
    const isGrid = one.grid !== undefined && runs[one.name].length > 0;
    blocks[`results-${one.name}`] = isGrid
      ? gridBlock(one, runs)
      : experimentBlock(one, runs[one.name]);
    for (const chart of one.charts) draw(chart, one.cells, one.name);
    const chart = isGrid ? gridChart(one, runsOfGrid(one, runs)) : undefined;
    if (chart !== undefined) charts[one.grid.chart.file] = chart;
  }
  for (const figure of figures) {
    const of = experiments.find(({ name }) => name === figure.of);
    blocks[`results-${figure.name}`] = figureBlock(figure, of, runs[figure.of]);
    draw(
      figure.chart,
      of.cells.filter(({ id }) => figure.cells.includes(id)),
      figure.of,
    );
  }
  return { blocks, charts };
}

/** The page with its blocks renewed. Throws if a marker has no block, or a block no marker: no
 *  experiment is left out. */
export function fillPage(text, blocks) {
  const seen = new Set();
  const filled = text.replace(
    /<!-- (results-[\w-]+):begin -->[\s\S]*?<!-- \1:end -->/g,
    (_, name) => {
      if (!Object.hasOwn(blocks, name))
        throw new Error(`${RESULTS_PAGE}: no experiment makes the block ${name}`);
      seen.add(name);
      return `<!-- ${name}:begin -->\n${blocks[name]}\n<!-- ${name}:end -->`;
    },
  );
  const unused = Object.keys(blocks).filter((name) => !seen.has(name));
  if (unused.length > 0) throw new Error(`${RESULTS_PAGE} has no place for ${unused.join(', ')}`);
  return filled;
}

/** Writes page and charts where they differ; returns the names of those. */
export function writeResults({
  isCheck = false,
  folder = FOLDER,
  out = join(ROOT, 'docs'),
  defined = definitions(),
} = {}) {
  const { blocks, charts } = resultParts(defined, folder);
  const page = join(out, RESULTS_PAGE);
  const made = { [RESULTS_PAGE]: fillPage(readFileSync(page, 'utf8'), blocks), ...charts };
  return renew(out, made, isCheck);
}

if (process.argv[1] === import.meta.filename) {
  const isCheck = process.argv.includes('--check');
  const stale = writeResults({ isCheck });
  console.log(
    `${stale.length} ` +
      `stale${isCheck || stale.length === 0 ? '' : ', rewritten'}` +
      stale.map((name) => `\n  docs/${name}`).join(''),
  );
  if (isCheck && stale.length > 0) process.exit(1);
}
