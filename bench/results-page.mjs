// Makes the tables, sentences and charts of docs/results.md from the runs of `npm run experiment`
// in bench/results/experiments: means and standard deviations over seeds, and, computed, which cell
// is best and whether it is BDIA. Any subset of runs may be there.
//
//   node bench/results-page.mjs            rewrites what is stale: the page's blocks between
//                                          markers, and docs/results-*.svg
//   node bench/results-page.mjs --check    changes nothing, exits 1 if something is stale

import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { runExperiment } from './source.mjs';
import { ROOT } from './stamp.mjs';

export const RESULTS_PAGE = 'results.md';
const FOLDER = join(ROOT, 'bench', 'results', 'experiments');

// ---- statistics ---------------------------------------------------------------------------------

export const mean = (values) => values.reduce((a, b) => a + b, 0) / values.length;
/** Standard deviation of a sample, with n - 1; undefined for fewer than two values. */
export const deviation = (values) =>
  values.length < 2
    ? undefined
    : Math.sqrt(values.reduce((sum, v) => sum + (v - mean(values)) ** 2, 0) / (values.length - 1));
const statistics = (values) =>
  values.length === 0
    ? undefined
    : { n: values.length, mean: mean(values), deviation: deviation(values) };

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

const at = (value, path) => path.split('.').reduce((inner, key) => inner?.[key], value);
const runsOf = (runs, cell) => runs.filter((run) => run.cell === cell);
/** Statistics of a metric of a cell over the runs that ended well. */
const metricOf = (runs, cell, path) =>
  statistics(
    runsOf(runs, cell)
      .filter(({ found }) => found.failed === undefined)
      .map(({ found }) => at(found, path))
      .filter(Number.isFinite),
  );

// ---- writing numbers and tables -----------------------------------------------------------------

const grouped = (value, digits) =>
  value.toLocaleString('en-US', { minimumFractionDigits: digits, maximumFractionDigits: digits });
const AS = {
  percent: [100, 2],
  nats: [1, 4],
  bleu: [1, 2],
  megabytes: [1e-6, 1],
  milliseconds: [1, 1],
  ratio: [1, 3],
  count: [1, 0],
};
const UNIT = {
  percent: ' %',
  nats: '',
  bleu: '',
  megabytes: ' MB',
  milliseconds: ' ms',
  ratio: ' x',
  count: '',
};
const write = (value, as) => grouped(value * AS[as][0], AS[as][1]);
/** "98.61 ± 0.05"; without a deviation that rounds to nothing of something that does not vary. */
const spread = ({ mean: m, deviation: d }, as) =>
  write(m, as) + (d === undefined || d === 0 ? '' : ` ± ${write(d, as)}`);
const table = (head, rows, right = []) =>
  [
    `| ${head.join(' | ')} |`,
    `| ${head.map((_, i) => (right.includes(i) ? '---:' : '---')).join(' | ')} |`,
    ...rows.map(
      (row) => `| ${row.map((cell) => String(cell).replaceAll('|', '\\|')).join(' | ')} |`,
    ),
  ].join('\n');
const plural = (n, one) => `${grouped(n, 0)} ${one}${n === 1 ? '' : 's'}`;
const notRun = (name) => `Not run yet: \`npm run experiment -- ${name}\`.`;

// ---- sentences ----------------------------------------------------------------------------------

/** Which cell has the best mean of the first metric, and whether the difference to the reference
 *  exceeds the spread of seeds. */
export function verdict({ cells, reference, metrics: [{ path, title, as, better }] }, runs) {
  const found = cells
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
function barLines({ bars, cells, metrics }, runs) {
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
function soundness(runs) {
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

/** Data, machine, time; and whether runs of one table are of one kind. */
function provenance({ dataWords, budget }, runs) {
  const distinct = (value) => [...new Set(runs.map(value))];
  const digests = distinct(({ data }) => data.sha256).filter((digest) => digest !== null);
  const machines = distinct(
    ({ environment: { cpu, cores, system, node, threads, commit }, libraryVersion }) =>
      `${cpu}, ${cores} cores, ${system}, Node ${node}, ${plural(threads, 'thread')}, ` +
      `version ${libraryVersion}, commit ${commit ?? 'unknown'}`,
  );
  const dates = distinct(({ environment }) => environment.date).sort();
  const hours = runs.reduce((sum, { seconds }) => sum + seconds, 0) / 3600;
  const kinds = distinct(({ options: { model, batch, steps, augmentation, trainImages } }) =>
    JSON.stringify({ model, batch, steps, augmentation, trainImages }),
  );
  const digest = digests.length === 1 ? ` (SHA-256 ${digests[0].slice(0, 16)}...)` : '';
  const seeds = distinct(({ seed }) => seed).sort((a, b) => a - b);
  return [
    `${dataWords}${digest}. ${budget}, seeds ${seeds.join(', ')}; ${hours.toFixed(1)} h of runs, `,
    `${dates.length > 1 ? `${dates[0]} to ${dates.at(-1)}` : dates[0]}: ${machines.join('; ')}.`,
    digests.length > 1 ? ' **The runs are of different data.**' : '',
    kinds.length > 1 ? ' **The runs are of different sizes or budgets.**' : '',
  ].join('');
}

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
    .map(({ file, title }) => `\n![${title}](${file})`);
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
  const { as, title, file } = chart;
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
    `![${title}](${file})`,
  ].join('\n');
}

// ---- charts -------------------------------------------------------------------------------------

const COLORS = [
  '#0b57d0',
  '#b3261e',
  '#188038',
  '#e37400',
  '#7627bb',
  '#00838f',
  '#c2185b',
  '#5f6368',
  '#8d6e00',
];

/** Mean and deviation at every place, a line a cell and field; the reference's colour does not
 *  depend on which cells ran. */
function seriesOf({ points, x, y }, cells, runs) {
  return cells
    .flatMap(({ id, label }, i) =>
      y.map((field, j) => {
        const lists = runsOf(runs, id)
          .map(({ found }) => found[points] ?? [])
          .filter((list) => list.length > 0);
        const places = [...new Set(lists.flat().map((point) => point[x]))].sort((a, b) => a - b);
        const made = places.map((place) => ({
          x: place,
          ...statistics(
            lists
              .flatMap((list) =>
                list.filter((point) => point[x] === place).map((point) => point[field]),
              )
              .filter(Number.isFinite),
          ),
        }));
        return {
          label,
          color: COLORS[i % COLORS.length],
          isDashed: j > 0,
          n: lists.length,
          points: made.filter((point) => point.mean !== undefined),
        };
      }),
    )
    .filter((one) => one.points.length > 0);
}

/** Round numbers from low to high, about `most` of them. */
function ticks(low, high, most) {
  const raw = (high - low || 1) / most;
  const unit = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 5, 10].map((k) => k * unit).find((k) => k >= raw - 1e-12);
  return Array.from(
    { length: Math.floor(high / step + 1e-9) - Math.ceil(low / step - 1e-9) + 1 },
    (_, i) => Number(((Math.ceil(low / step - 1e-9) + i) * step).toPrecision(12)),
  );
}

/** Lines over linear axes, a light band of one standard deviation around each. */
export function lineChart({ title, xTitle, as }, series) {
  const WIDTH = 760;
  const HEIGHT = 360;
  const LEFT = 64;
  const RIGHT = 210;
  const TOP = 36;
  const BOTTOM = 48;
  const scale = AS[as][0];
  const round = (value) => Math.round(value * 10) / 10;
  const text = (x, y, content, more = '', color = '#333') =>
    `<text x="${x}" y="${y}" font-family="sans-serif" font-size="13" ` +
    `fill="${color}"${more === '' ? '' : ` ${more}`}>${content}</text>`;
  const all = series.flatMap(({ points }) => points);
  const xs = all.map((point) => point.x);
  const ys = all.flatMap(({ mean: m, deviation: d = 0 }) => [(m - d) * scale, (m + d) * scale]);
  const [x0, x1, y0, y1] = [Math.min(...xs), Math.max(...xs), Math.min(...ys), Math.max(...ys)];
  const atX = (value) => round(LEFT + ((value - x0) / (x1 - x0 || 1)) * (WIDTH - LEFT - RIGHT));
  const atY = (value) =>
    round(HEIGHT - BOTTOM - ((value - y0) / (y1 - y0 || 1)) * (HEIGHT - TOP - BOTTOM));
  const parts = [
    `<rect width="${WIDTH}" height="${HEIGHT}" fill="#fff"/>`,
    text(LEFT, 20, title, 'font-weight="bold"'),
  ];
  for (const value of ticks(y0, y1, 6))
    parts.push(
      `<path d="M${LEFT} ${atY(value)}H${WIDTH - RIGHT}" stroke="#ddd"/>`,
      text(LEFT - 8, atY(value) + 4, value, 'text-anchor="end"'),
    );
  for (const value of ticks(x0, x1, 6))
    parts.push(
      text(
        atX(value),
        HEIGHT - BOTTOM + 18,
        grouped(value, Number.isInteger(value) ? 0 : 2),
        'text-anchor="middle"',
      ),
    );
  parts.push(text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 10, xTitle, 'text-anchor="middle"'));
  const line = (points, value) =>
    points.map((point) => `${atX(point.x)} ${atY(value(point) * scale)}`).join('L');
  for (const { color, points, isDashed } of series) {
    if (points.some(({ deviation: d }) => d > 0))
      parts.push(
        '<path ' +
          `d="M${line(points, ({ mean: m, deviation: d = 0 }) => m + d)}` +
          `L${line([...points].reverse(), ({ mean: m, deviation: d = 0 }) => m - d)}Z" ` +
          `fill="${color}" fill-opacity="0.12"/>`,
      );
    parts.push(
      `<path d="M${line(points, (point) => point.mean)}" fill="none" stroke="${color}" ` +
        `stroke-width="2"${isDashed ? ' stroke-dasharray="5 4"' : ''}/>`,
    );
    if (points.length < 10)
      for (const point of points)
        parts.push(
          `<circle cx="${atX(point.x)}" cy="${atY(point.mean * scale)}" r="3" fill="${color}"/>`,
        );
  }
  let below = TOP - 12; // labels in the order of the ends of their lines, none over another
  for (const { label, color, points } of series
    .filter(({ isDashed }) => !isDashed)
    .sort((a, b) => b.points.at(-1).mean - a.points.at(-1).mean)) {
    below = Math.max(below + 16, atY(points.at(-1).mean * scale) + 4);
    parts.push(text(WIDTH - RIGHT + 8, round(below), label, '', color));
  }
  const height = Math.max(HEIGHT, Math.ceil(below) + 12);
  parts[0] = parts[0].replace(`height="${HEIGHT}"`, `height="${height}"`);
  return (
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" role="img" ` +
    `aria-label="${title}">\n${parts.join('\n')}\n</svg>\n`
  );
}

// ---- the page -----------------------------------------------------------------------------------

/** One line an experiment: which cell is best. */
function summaryBlock({ experiments }, runs) {
  const anchor = (title) =>
    title
      .toLowerCase()
      .replace(/[^\p{L}\p{N} -]/gu, '')
      .replaceAll(' ', '-');
  const lines = experiments.map(
    (one) =>
      `- [${one.title}](#${anchor(one.title)}): ` +
      (runs[one.name].length === 0
        ? 'not run yet.'
        : [verdict(one, runs[one.name]), ...barLines(one, runs[one.name])].join(' ')),
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
    blocks[`results-${one.name}`] = experimentBlock(one, runs[one.name]);
    for (const chart of one.charts) draw(chart, one.cells, one.name);
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
  return Object.entries(made)
    .filter(([name, content]) => {
      const file = join(out, name);
      const isStale = !existsSync(file) || readFileSync(file, 'utf8') !== content;
      if (isStale && !isCheck) writeFileSync(file, content);
      return isStale;
    })
    .map(([name]) => name);
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
