// An image a little turned, sheared, scaled and moved, as another hand might have written it, so
// that a few thousand images are enough. In whole numbers: what a network learns decides its bits.

const SIDE = 8;
/** Twice the middle of an image, in pixels. */
const SPAN = SIDE - 1;
/** Fraction bits of positions and factors. */
const ONE = 256;

/** The most that is done, in 256ths: a turn of 8.5 degrees, a shear of 11, a scaling by 12 %, and
 *  half a pixel. */
const MOST = { turn: 44, shear: 76, scale: 38, shift: 128 };

/** Where an image stands in a run. */
export interface Place {
  readonly seed: number;
  /** step * batch + sample. */
  readonly place: number;
}

/** A random word: a function of the place and an index (the mixing steps of MurmurHash3). */
function word({ seed, place }: Place, index: number): number {
  let x = Math.imul(seed ^ Math.floor(seed / 2 ** 32), 0x9e3779b1);
  for (const part of [place, index]) {
    x = Math.imul(x ^ part, 0x85ebca6b);
    x = Math.imul(x ^ (x >>> 13), 0xc2b2ae35);
    x ^= x >>> 16;
  }
  return x >>> 0;
}

/** A whole number -most .. most. */
const draw = (at: Place, index: number, most: number): number =>
  ((word(at, index) >>> 8) % (2 * most + 1)) - most;

/** Where a pixel of the result comes from: x' = xx x + xy y + x0, and y' by turn and scale. */
export interface Affine {
  readonly xx: number;
  readonly xy: number;
  readonly yx: number;
  readonly yy: number;
  readonly right: number;
  readonly down: number;
}

function affineAt(at: Place): Affine {
  const turn = draw(at, 0, MOST.turn);
  return {
    xx: ONE + draw(at, 2, MOST.scale),
    xy: draw(at, 1, MOST.shear) - turn,
    yx: turn,
    yy: ONE + draw(at, 3, MOST.scale),
    right: draw(at, 4, MOST.shift),
    down: draw(at, 5, MOST.shift),
  };
}

/** uint8 [8, 8] -> uint8 [8, 8]: each pixel is the mean of the four around where it comes from,
 *  rounded half up; outside is no ink. */
export function transform(from: Uint8Array, to: Uint8Array, affine: Affine): void {
  const { xx, xy, yx, yy, right, down } = affine;
  const ink = (x: number, y: number): number =>
    x < 0 || y < 0 || x >= SIDE || y >= SIDE ? 0 : from[y * SIDE + x];
  for (let i = 0; i < SIDE * SIDE; i++) {
    const x = 2 * (i % SIDE) - SPAN; // twice the distance from the middle
    const y = 2 * Math.floor(i / SIDE) - SPAN;
    const column = ((x * xx + y * xy + SPAN * ONE) >> 1) + right;
    const row = ((x * yx + y * yy + SPAN * ONE) >> 1) + down;
    const [left, top] = [column >> 8, row >> 8];
    const [a, b] = [column & (ONE - 1), row & (ONE - 1)];
    const above = ink(left, top) * (ONE - a) + ink(left + 1, top) * a;
    const below = ink(left, top + 1) * (ONE - a) + ink(left + 1, top + 1) * a;
    to[i] = (above * (ONE - b) + below * b + ONE * (ONE / 2)) >> 16;
  }
}

/** What becomes of an image at its place in a run. */
export function warp(from: Uint8Array, to: Uint8Array, at: Place): void {
  transform(from, to, affineAt(at));
}
