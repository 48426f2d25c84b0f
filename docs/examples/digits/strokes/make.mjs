// node docs/examples/digits/strokes/make.mjs: writes digits.json and strange.json, drawings as a
// pad records them: the points of shapes.json, which a hand aims at, joined by a curve, as one
// that trembles a little leaves them. Coordinates are whole numbers of 0..1000, there of 0..100: x
// to the right, y down.
//
// Three hands write the digits: one upright, one quick and slanted, one wide, with hooks and bars.
// The strange ones are no digits. Nobody knew what a model says of them when they were written.

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Points of the curve between two points that were aimed at. */
const BETWEEN = 5;
const TREMBLE = 7;

/** Numbers -1 .. 1 of a linear congruence modulo 2^31. */
function drawOf(seed) {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1103515245) + 12345) & 0x7fffffff;
    return ((state >>> 8) % 2001) / 1000 - 1;
  };
}

/** Between b and c on the curve through a, b, c, d (Catmull and Rom 1974). */
const curve = ([a, b, c, d], t) =>
  (2 * b + (c - a) * t + (2 * a - 5 * b + 4 * c - d) * t * t + (3 * b - a - 3 * c + d) * t ** 3) /
  2;

function stroke(points, draw) {
  const at = (i) => points[Math.max(0, Math.min(points.length - 1, i))];
  const found = [];
  for (let i = 0; i + 1 < points.length; i++)
    for (let k = 0; k < BETWEEN; k++)
      found.push(
        [0, 1].map((axis) =>
          curve(
            [i - 1, i, i + 1, i + 2].map((j) => at(j)[axis]),
            k / BETWEEN,
          ),
        ),
      );
  found.push(points.at(-1));
  return found.map((point) =>
    point.map((value) => Math.max(0, Math.min(1000, Math.round(10 * value + TREMBLE * draw())))),
  );
}

/** name -> strokes of [x, y] as JSON, a drawing a line. */
function written(shapes, seed) {
  const draw = drawOf(seed);
  const lines = Object.entries(shapes).map(
    ([name, strokes]) =>
      `  ${JSON.stringify(name)}: ${JSON.stringify(strokes.map((points) => stroke(points, draw)))}`,
  );
  return `{\n${lines.join(',\n')}\n}\n`;
}

const { digits, strange } = JSON.parse(
  readFileSync(join(import.meta.dirname, 'shapes.json'), 'utf8'),
);
export const FILES = {
  'digits.json': () => written(digits, 3),
  'strange.json': () => written(strange, 4),
};

if (process.argv[1] === import.meta.filename)
  for (const [name, make] of Object.entries(FILES))
    writeFileSync(join(import.meta.dirname, name), make());
