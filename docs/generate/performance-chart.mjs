// The chart of docs/performance.md: bars of step time, lines of memory against depth.
// Bars start at zero; both axes of the lines are logarithmic.

import { grouped } from './markdown.mjs';
import {
  BOLD,
  describeLines,
  drawn,
  END,
  exponents,
  FAINT,
  filled,
  MIDDLE,
  round,
  svg,
  text,
} from './svg.mjs';

const WIDTH = 760;
const OURS = 'blue';
const OURS_TOO = 'light-blue';
const OTHERS = 'grey';
/** How the page calls our two update rules. */
export const NAMES = {
  'retrograd none': 'retrograd, plain',
  'retrograd bdia': 'retrograd, reversible',
  'retrograd none int8': 'retrograd, plain, int8',
  'retrograd bdia int8': 'retrograd, reversible, int8',
  'retrograd none before': 'retrograd before int8, plain',
  'retrograd bdia before': 'retrograd before int8, reversible',
};

/** rows: [{ label, value, ours }], shortest first; value in milliseconds. Returns { parts, height,
 *  description }. */
function bars(top, title, rows) {
  const left = 224;
  const right = 90;
  const line = 24;
  const longest = Math.max(...rows.map(({ value }) => value));
  const parts = [text(16, top + 20, title, BOLD)];
  rows.forEach(({ label, value, ours }, i) => {
    const y = top + 36 + i * line;
    const width = round(Math.max(1, (value / longest) * (WIDTH - left - right)));
    parts.push(
      text(left - 8, y + 14, label, END),
      `<rect x="${left}" y="${y + 2}" width="${width}" height="16" ` +
        `${ours ? filled(OURS) : `${filled(OTHERS)} ${FAINT}`}/>`,
      text(left + width + 6, y + 14, value.toFixed(0)),
    );
  });
  const values = rows.map(({ label, value }) => `${label}: ${value.toFixed(0)}`);
  const description = `${title}: ${values.join('; ')}.`;
  return { parts, height: 36 + rows.length * line + 16, description };
}

/** series: [{ label, color, points: [[depth, bytes], ...] }]. */
function lines(top, title, series) {
  const left = 70;
  const right = 230;
  const height = 280;
  const bottom = top + height;
  const mib = (bytes) => bytes / 2 ** 20;
  const all = series.flatMap(({ points }) => points);
  const [x0, x1] = exponents(all.map(([depth]) => depth));
  const [y0, y1] = exponents(all.map(([, bytes]) => mib(bytes)));
  const atX = (depth) =>
    round(left + ((Math.log2(depth) - x0) / (x1 - x0)) * (WIDTH - left - right));
  const atY = (value) => round(bottom - ((Math.log2(value) - y0) / (y1 - y0)) * (height - 36));
  const parts = [text(16, top + 20, title, BOLD)];
  for (let e = y0; e <= y1; e++)
    parts.push(
      `<path d="M${left} ${atY(2 ** e)}H${WIDTH - right}" class="grid"/>`,
      text(left - 8, atY(2 ** e) + 4, 2 ** e, END),
    );
  for (const depth of new Set(all.map(([d]) => d)))
    parts.push(text(atX(depth), bottom + 18, depth, MIDDLE));
  parts.push(text((left + WIDTH - right) / 2, bottom + 38, 'layers', MIDDLE));
  for (const { label, color, points } of series) {
    const [depth, bytes] = points.at(-1);
    parts.push(
      `<path d="M${points.map(([d, b]) => `${atX(d)} ${atY(mib(b))}`).join('L')}" ` +
        `${drawn(color)} stroke-width="2"/>`,
    );
    for (const [d, b] of points)
      parts.push(`<circle cx="${atX(d)}" cy="${atY(mib(b))}" r="3" ${filled(color)}/>`);
    parts.push(text(atX(depth) + 8, atY(mib(bytes)) + 4, label, '', color));
  }
  const inWords = series.map(({ label, points }) => ({
    label,
    points: points.map(([depth, bytes]) => [depth, mib(bytes)]),
  }));
  const ends = describeLines(inWords, 'a depth of', (value) => grouped(value, 1));
  return { parts, height: height + 50, description: `${title}, logarithmic axes. ${ends}` };
}

/** Step times and memory of the result files; either may be undefined. */
export function performanceChart(step, memory) {
  const parts = [];
  const descriptions = [];
  let top = 0;
  const add = (panel) => {
    parts.push(...panel.parts);
    descriptions.push(panel.description);
    top += panel.height;
  };
  if (step !== undefined) {
    const rows = step.engines
      .filter(({ milliseconds }) => milliseconds !== undefined)
      .map(({ id, threads, milliseconds }) => ({
        label: `${NAMES[id] ?? id}, ${threads} ${threads === 1 ? 'thread' : 'threads'}`,
        value: milliseconds.median,
        ours: id.startsWith('retrograd'),
      }));
    add(
      bars(
        top,
        'Training step of one GPT, milliseconds',
        rows.sort((a, b) => a.value - b.value),
      ),
    );
  }
  if (memory !== undefined) {
    const line = (label, color, value) => ({
      label,
      color,
      points: memory.rows
        .filter((row) => value(row) !== undefined)
        .map((row) => [row.layers, value(row)]),
    });
    add(
      lines(
        top,
        'Memory of training against depth, MiB',
        [
          line('jax-js', OTHERS, ({ jax }) => jax?.heap),
          line('float32, frugal (formula)', 'ochre', ({ frugal }) => frugal),
          line('retrograd, stored', OURS_TOO, ({ none }) => none.total),
          line('retrograd, reversible', OURS, ({ bdia }) => bdia.total),
        ].filter(({ points }) => points.length > 0),
      ),
    );
  }
  const description = descriptions.join(' ');
  return svg({ title: 'Step time and memory', description, width: WIDTH, height: top }, parts);
}
