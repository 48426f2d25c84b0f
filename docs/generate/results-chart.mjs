// Charts of the page of results: lines over linear axes, a light band of one deviation around each.

import { grouped } from './markdown.mjs';
import { AS, runsOf, statistics, write } from './results-numbers.mjs';
import {
  BOLD,
  describeLines,
  drawn,
  END,
  filled,
  MIDDLE,
  PALETTE,
  round,
  svg,
  text,
} from './svg.mjs';

const COLORS = Object.keys(PALETTE).filter((color) => color !== 'light-blue');

/** Mean and deviation at every place, a line a cell and field; the reference's colour does not
 *  depend on which cells ran. */
export function seriesOf({ points, x, y }, cells, runs) {
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
export function ticks(low, high, most) {
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
  const all = series.flatMap(({ points }) => points);
  const xs = all.map((point) => point.x);
  const ys = all.flatMap(({ mean: m, deviation: d = 0 }) => [(m - d) * scale, (m + d) * scale]);
  const [x0, x1, y0, y1] = [Math.min(...xs), Math.max(...xs), Math.min(...ys), Math.max(...ys)];
  const atX = (value) => round(LEFT + ((value - x0) / (x1 - x0 || 1)) * (WIDTH - LEFT - RIGHT));
  const atY = (value) =>
    round(HEIGHT - BOTTOM - ((value - y0) / (y1 - y0 || 1)) * (HEIGHT - TOP - BOTTOM));
  const parts = [text(LEFT, 20, title, BOLD)];
  for (const value of ticks(y0, y1, 6))
    parts.push(
      `<path d="M${LEFT} ${atY(value)}H${WIDTH - RIGHT}" class="grid"/>`,
      text(LEFT - 8, atY(value) + 4, value, END),
    );
  for (const value of ticks(x0, x1, 6))
    parts.push(
      text(
        atX(value),
        HEIGHT - BOTTOM + 18,
        grouped(value, Number.isInteger(value) ? 0 : 2),
        MIDDLE,
      ),
    );
  parts.push(text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 10, xTitle, MIDDLE));
  const line = (points, value) =>
    points.map((point) => `${atX(point.x)} ${atY(value(point) * scale)}`).join('L');
  for (const { color, points, isDashed } of series) {
    if (points.some(({ deviation: d }) => d > 0))
      parts.push(
        '<path ' +
          `d="M${line(points, ({ mean: m, deviation: d = 0 }) => m + d)}` +
          `L${line([...points].reverse(), ({ mean: m, deviation: d = 0 }) => m - d)}Z" ` +
          `${filled(color)} fill-opacity="0.12"/>`,
      );
    parts.push(
      `<path d="M${line(points, (point) => point.mean)}" ${drawn(color)} ` +
        `stroke-width="2"${isDashed ? ' stroke-dasharray="5 4"' : ''}/>`,
    );
    if (points.length < 10)
      for (const point of points)
        parts.push(
          `<circle cx="${atX(point.x)}" cy="${atY(point.mean * scale)}" r="3" ${filled(color)}/>`,
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
  const ends = describeLines(
    series.map(({ label, isDashed, points: all }) => ({
      label: isDashed ? `${label}, dashed` : label,
      points: all.map((point) => [grouped(point.x, Number.isInteger(point.x) ? 0 : 2), point.mean]),
    })),
    xTitle,
    (value) => write(value, as),
  );
  const description = `${title}; by ${xTitle}. ${ends}`;
  return svg({ title, description, width: WIDTH, height }, parts);
}
