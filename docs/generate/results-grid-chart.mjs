// The chart of a grid: a panel for each set of data, a line for each rule, a point for each
// evaluation. The training loss falls from left to right, on a logarithmic axis.

import { grouped } from './markdown.mjs';
import { ticks } from './results-chart.mjs';
import { differencesOf, othersOf, setsOf } from './results-grid.mjs';
import { write } from './results-numbers.mjs';
import { BOLD, describeLines, drawn, END, MIDDLE, round, svg, text } from './svg.mjs';

const COLORS = ['blue', 'green', 'orange', 'purple', 'red'];
const COLUMNS = 2;
const WIDTH = 760;
const PANEL = { width: 372, height: 236, left: 58, right: 14, top: 30, bottom: 34 };
const HEAD = 66;

/** Lines of a set that have points: [{ label, color, points }]. */
const linesOf = (one, runs, set) =>
  othersOf(one)
    .map((rule, i) => ({
      label: rule.label,
      color: COLORS[i],
      points: differencesOf(one, runs, set, rule),
    }))
    .filter(({ points }) => points.length > 0);

/** 1, 2 and 5 times powers of ten between two positive values; more where these are few. */
function logTicks(low, high) {
  const first = Math.floor(Math.log10(low));
  const decades = Array.from(
    { length: Math.ceil(Math.log10(high)) - first + 1 },
    (_, i) => 10 ** (first + i),
  );
  const few = decades
    .flatMap((ten) => [ten, 2 * ten, 5 * ten])
    .map((value) => Number(value.toPrecision(3)))
    .filter((value) => value >= low && value <= high);
  if (few.length > 7) return few.filter((value) => /^[0.]*1/.test(String(value)));
  return few.length > 2 ? few : ticks(low, high, 4);
}

/** Places of a panel at (x, y): where a training loss and a difference are, and its edges. */
function placesOf(lines, x, y) {
  const points = lines.flatMap((line) => line.points);
  const losses = points.map((point) => point.x);
  const ends = points.flatMap(({ mean, deviation = 0 }) => [mean - deviation, mean + deviation]);
  const [low, high] = [Math.min(...losses), Math.max(...losses)];
  const [below, above] = [Math.min(0, ...ends), Math.max(0, ...ends)];
  const [left, right] = [x + PANEL.left, x + PANEL.width - PANEL.right];
  const [top, bottom] = [y + PANEL.top, y + PANEL.height - PANEL.bottom];
  const share = (value) => Math.log(high / value) / (Math.log(high / low) || 1);
  return {
    ...{ low, high, below, above, left, right, bottom },
    atX: (value) => round(left + share(value) * (right - left)),
    atY: (value) => round(bottom - ((value - below) / (above - below || 1)) * (bottom - top)),
  };
}

/** A line of a panel: its points, and a bar of one deviation either way at each. */
function drawnLine({ color, points }, { atX, atY }) {
  const path = (of) => points.map(of).join('');
  const line = points.map(({ x, mean }) => `${atX(x)} ${atY(mean)}`).join('L');
  const bars = path(
    ({ x, mean, deviation = 0 }) => `M${atX(x)} ${atY(mean - deviation)}V${atY(mean + deviation)}`,
  );
  const dots = path(({ x, mean }) => `M${atX(x)} ${atY(mean)}h0`);
  return [
    `<path d="M${line}" ${drawn(color)} stroke-width="1.5"/>`,
    `<path d="${bars}" ${drawn(color)} stroke-opacity="0.4"/>`,
    `<path d="${dots}" ${drawn(color)} stroke-width="5" stroke-linecap="round"/>`,
  ];
}

/** A panel at (x, y): axes, the line where both are alike, and the rules. */
function panel(label, lines, x, y) {
  const places = placesOf(lines, x, y);
  const { low, high, below, above, left, right, bottom, atX, atY } = places;
  return [
    text(left, y + 18, label, BOLD),
    ...ticks(below, above, 5).flatMap((value) => [
      `<path d="M${left} ${atY(value)}H${right}" class="grid"/>`,
      text(left - 6, atY(value) + 4, value, END),
    ]),
    `<path d="M${left} ${atY(0)}H${right}" ${drawn('grey')} stroke-width="1.5"/>`,
    ...logTicks(low, high).map((value) => text(atX(value), bottom + 18, value, MIDDLE)),
    ...lines.flatMap((line) => drawnLine(line, places)),
  ];
}

/** The chart, or undefined if no set has a rule beside plain. */
export function gridChart(one, runs) {
  const { title, xTitle } = one.grid.chart;
  const panels = setsOf(one, runs)
    .map((set) => ({ set, lines: linesOf(one, runs, set) }))
    .filter(({ lines }) => lines.length > 0);
  if (panels.length === 0) return undefined;
  const height = HEAD + Math.ceil(panels.length / COLUMNS) * PANEL.height + 28;
  const parts = [
    text(12, 20, `${title}: below 0 it is ahead`, BOLD),
    ...othersOf(one).map((rule, i) => text(12 + i * 180, 44, rule.label, '', COLORS[i])),
    ...panels.flatMap(({ set, lines }, i) =>
      panel(
        set.label,
        lines,
        (i % COLUMNS) * (PANEL.width + 8),
        HEAD + Math.floor(i / COLUMNS) * PANEL.height,
      ),
    ),
    text(WIDTH / 2, height - 10, `${xTitle}, falling to the right`, MIDDLE),
  ];
  const words = describeLines(
    panels.flatMap(({ set, lines }) =>
      lines.map(({ label, points }) => ({
        label: `${set.label}, ${label}`,
        points: points.map((point) => [grouped(point.x, 3), point.mean]),
      })),
    ),
    'a training loss of',
    (value) => write(value, 'nats'),
  );
  const description = `${title}; by the ${xTitle}. ${words}`;
  return svg({ title, description, width: WIDTH, height }, parts);
}
