// The chart of memory against depth, drawn from bench/results/memory.json.

import { grouped } from './markdown.mjs';
import {
  BOLD,
  describeLines,
  drawn,
  END,
  exponents,
  filled,
  MIDDLE,
  round,
  svg,
  text,
} from './svg.mjs';

const WIDTH = 720;
const HEIGHT = 340;
const LEFT = 64;
const RIGHT = 150;
const TOP = 36;
const BOTTOM = 48;
/** 2^e as people write it: 4, 1/4. */
const powerOfTwo = (e) => (e < 0 ? `1/${2 ** -e}` : String(2 ** e));

/** Lines over logarithmic axes. series: [{ label, color, points: [[x, y], ...] }]. */
function logLogChart({ title, xLabel, yLabel, xs, series }) {
  const [left, right] = exponents(xs);
  const [low, high] = exponents(series.flatMap(({ points }) => points.map(([, value]) => value)));
  const atX = (value) =>
    round(LEFT + ((Math.log2(value) - left) / (right - left)) * (WIDTH - LEFT - RIGHT));
  const atY = (value) =>
    round(HEIGHT - BOTTOM - ((Math.log2(value) - low) / (high - low)) * (HEIGHT - TOP - BOTTOM));
  const parts = [text(LEFT, 20, title, BOLD)];
  for (let e = low; e <= high; e += 2)
    parts.push(
      `<path d="M${LEFT} ${atY(2 ** e)}H${WIDTH - RIGHT}" class="grid"/>`,
      text(LEFT - 8, atY(2 ** e) + 4, powerOfTwo(e), END),
    );
  for (const value of xs) parts.push(text(atX(value), HEIGHT - BOTTOM + 18, value, MIDDLE));
  parts.push(
    text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 10, xLabel, MIDDLE),
    text(
      14,
      (TOP + HEIGHT - BOTTOM) / 2,
      yLabel,
      `text-anchor="middle" transform="rotate(-90 14 ${(TOP + HEIGHT - BOTTOM) / 2})"`,
    ),
  );
  for (const { label, color, points } of series) {
    const [lastX, lastY] = points.at(-1);
    parts.push(
      `<path d="M${points.map(([px, py]) => `${atX(px)} ${atY(py)}`).join('L')}" ` +
        `${drawn(color)} stroke-width="2"/>`,
    );
    for (const [px, py] of points)
      parts.push(`<circle cx="${atX(px)}" cy="${atY(py)}" r="3" ${filled(color)}/>`);
    parts.push(text(atX(lastX) + 8, atY(lastY) + 4, label, '', color));
  }
  const lines = describeLines(series, 'a depth of', (value) => `${grouped(value, 2)} ${yLabel}`);
  const description = `Logarithmic axes, ${yLabel} against ${xLabel}. ${lines}`;
  return svg({ title, description, width: WIDTH, height: HEIGHT }, parts);
}

/** Bytes kept of the forward pass against depth, reversible and stored. data:
 *  bench/results/memory.json. */
export function memoryChart({ rows, channels, context, batch }) {
  const mib = (bytes) => bytes / 2 ** 20;
  const line = (label, color, bytes) => ({
    label,
    color,
    points: rows.map((row) => [row.layers, mib(bytes(row))]),
  });
  return logLogChart({
    title: `Memory of the forward pass: ${channels} channels, context ${context}, batch ${batch}`,
    xLabel: 'layers',
    yLabel: 'MiB',
    xs: rows.map(({ layers }) => layers),
    series: [
      line('stored', 'red', ({ none }) => none.bytes.states),
      line('states, reversible', 'blue', ({ bdia }) => bdia.bytes.states),
      line('side bits', 'green', ({ bdia }) => bdia.bytes.sideBits),
    ],
  });
}
