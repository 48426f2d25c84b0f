// A drawing as the images of the set were made: the ink in its box becomes 32 x 32 pixels, black or
// not, and each pixel of the result counts those of a block of 4 x 4. The forms of the set were
// scaled to a box by themselves, so where on the pad and how large one draws does not matter.

/** A point of a stroke, in any unit: x to the right, y down. */
export type Point = readonly [number, number];
/** Where a pen went without being lifted. */
export type Stroke = readonly Point[];

const FINE = 32;
const BLOCK = 4;
const SIDE = FINE / BLOCK;
const DARKEST = BLOCK * BLOCK;
/** Of the larger side of a drawing: how wide a pen is, for as much ink as forms of the set have. */
const PEN = 1 / 7;
/** Columns of the fine pixels that most forms of the set fill. */
const WIDE = 24;
/** A narrow form is widened so many times at most. */
const MOST_STRETCH = 1.6;
/** A drawing is taken to be so high at least, as a share of its width: a level line stays one. */
const LEAST_HIGH = 1 / 2;
/** A drawing has no form if it is smaller than this share of the pad. */
export const LEAST_SIZE = 0.08;

interface Box {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}

/** The smallest box with all points. */
export function boxOf(strokes: readonly Stroke[]): Box {
  let [left, top, right, bottom] = [Infinity, Infinity, -Infinity, -Infinity];
  for (const [x, y] of strokes.flat()) {
    left = Math.min(left, x);
    right = Math.max(right, x);
    top = Math.min(top, y);
    bottom = Math.max(bottom, y);
  }
  return { left, top, width: right - left, height: bottom - top };
}

/** The square of the distance of a point from a part of a stroke. */
function distance2([x, y]: Point, [ax, ay]: Point, [bx, by]: Point): number {
  const [dx, dy] = [bx - ax, by - ay];
  const length2 = dx * dx + dy * dy;
  const along = length2 === 0 ? 0 : ((x - ax) * dx + (y - ay) * dy) / length2;
  const t = Math.max(0, Math.min(1, along));
  const [ex, ey] = [x - ax - t * dx, y - ay - t * dy];
  return ex * ex + ey * ey;
}

function isInk(point: Point, strokes: readonly Stroke[], radius2: number): boolean {
  return strokes.some((points) =>
    points.some((at, i) => distance2(point, points[Math.max(0, i - 1)], at) <= radius2),
  );
}

/** uint8 [8, 8], 0..255 as the set's. Undefined if nothing was drawn. The same in every engine: it
 *  adds, multiplies and divides. `pen`: times the usual width. */
export function pictureOf(strokes: readonly Stroke[], pen = 1): Uint8Array | undefined {
  if (strokes.every((points) => points.length === 0)) return undefined;
  const box = boxOf(strokes);
  const size = Math.max(box.width, box.height, Number.MIN_VALUE);
  const radius = (pen * PEN * size) / 2;
  const width = box.width + 2 * radius;
  const height = Math.max(box.height + 2 * radius, LEAST_HIGH * width);
  const down = FINE / height; // fine pixels a unit
  const right = Math.min(Math.max(down, Math.min(WIDE / width, MOST_STRETCH * down)), WIDE / width);
  const middle: Point = [box.left + box.width / 2, box.top + box.height / 2];
  const image = new Uint8Array(SIDE * SIDE);
  for (let i = 0; i < FINE * FINE; i++) {
    const [column, row] = [i % FINE, Math.floor(i / FINE)];
    const x = middle[0] + (column + 0.5 - FINE / 2) / right;
    const y = middle[1] + (row + 0.5 - FINE / 2) / down;
    if (isInk([x, y], strokes, radius * radius))
      image[Math.floor(row / BLOCK) * SIDE + Math.floor(column / BLOCK)]++;
  }
  return image.map((ink) => Math.floor((255 * ink + DARKEST / 2) / DARKEST));
}
