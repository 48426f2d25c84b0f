// Digits turned by any angle, each by its own, sampled on a hexagon of 61 cells or on the square of
// 64 pixels that they have.

import { hexagon } from './model.mjs';

export const RADIUS = 4;
export const SIZE = 8;
const HALF_ROOT_3 = 0.8660254037844386;

/** Where cells and pixels lie, in pixels of the picture from its middle. */
export const CELLS = hexagon(RADIUS).map(([q, r]) => [q + r / 2, r * HALF_ROOT_3]);
export const PIXELS = Array.from({ length: SIZE * SIZE }, (_, i) => [
  (i % SIZE) - (SIZE - 1) / 2,
  Math.floor(i / SIZE) - (SIZE - 1) / 2,
]);

/** The grey of a picture at a place, between its pixels linearly; 0 outside. */
function greyAt(picture, [x, y]) {
  const [left, top] = [x + (SIZE - 1) / 2, y + (SIZE - 1) / 2];
  const [column, row] = [Math.floor(left), Math.floor(top)];
  const pixel = (c, r) => (c < 0 || r < 0 || c >= SIZE || r >= SIZE ? 0 : picture[r * SIZE + c]);
  const [right, below] = [left - column, top - row];
  const above = (1 - right) * pixel(column, row) + right * pixel(column + 1, row);
  const under = (1 - right) * pixel(column, row + 1) + right * pixel(column + 1, row + 1);
  return (1 - below) * above + below * under;
}

/** A cosine and sine from whole numbers, so that they are the same everywhere: a half turn or not,
 *  and the angle whose half has tangent t. */
function direction({ uniform, below }) {
  const t = 2 * uniform() - 1;
  const sign = below(2) === 0 ? 1 : -1;
  const [c, s] = [(1 - t * t) / (1 + t * t), (2 * t) / (1 + t * t)];
  return [sign * c, sign * s];
}

/** A set with every image turned by a random angle of its own, sampled at such places. Grey is
 *  128 to 255, so that an empty place is next to 0, as all are that lie outside. */
export function sampled(set, places, random) {
  const images = Array.from({ length: set.count }, (_, i) => {
    const [c, s] = direction(random);
    const picture = set.pixels.subarray(i * SIZE * SIZE, (i + 1) * SIZE * SIZE);
    const greyOf = ([x, y]) => greyAt(picture, [c * x - s * y, s * x + c * y]);
    return places.map((place) => 128 + Math.floor(greyOf(place) / 2));
  });
  const pixels = Uint8Array.from(images.flat());
  return { ...set, width: places.length, height: 1, pixels };
}

/** Images first .. end of a set. */
export const partOf = ({ pixels, labels, ...set }, first, end) => ({
  ...set,
  count: end - first,
  pixels: pixels.subarray(first * SIZE * SIZE, end * SIZE * SIZE),
  labels: labels.subarray(first, end),
});
