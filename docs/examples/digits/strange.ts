// When a drawing with ink is said to be strange. Three rules, in this order:
//
//   small     the ink has no form: a dot
//   far       no learned digit looks like it: the distance to the nearest one is above FAR
//   unsure    the network's highest probability is below SURE
//
// A network that has seen digits alone calls everything a digit, often with a probability near 1:
// `far` is what notices most strange drawings. The bounds are from the set: no digit of the people
// who were not learned from is as far as FAR, and all but a few in a hundred are surer than SURE.

import type { ImageSet } from 'retrograd';
import { boxOf, LEAST_SIZE, type Stroke } from './picture.ts';

/** Root of the mean square of the difference of two images' pixels, of 255. */
export const FAR = 65;
export const SURE = 0.5;

export type Verdict = 'nothing' | 'small' | 'far' | 'unsure' | 'digit' | 'unlearned';
/** Those that are called strange. */
export const isStrange = (verdict: Verdict): boolean =>
  ['small', 'far', 'unsure'].includes(verdict);

/** How far an image is from the nearest of a set: FAR's unit. */
export function distanceOf(image: Uint8Array, { pixels, count }: ImageSet): number {
  const size = image.length;
  let least = Number.POSITIVE_INFINITY;
  for (let k = 0; k < count; k++) {
    let sum = 0;
    for (let i = 0; i < size && sum < least; i++) sum += (image[i] - pixels[k * size + i]) ** 2;
    least = Math.min(least, sum);
  }
  return Math.sqrt(least / size);
}

/** Whether there is ink enough for a form, on a pad of so many units. */
export function hasForm(strokes: readonly Stroke[], pad: number): boolean {
  const { width, height } = boxOf(strokes);
  return Math.max(width, height) >= LEAST_SIZE * pad;
}

/** Of a drawing that has a form; `probabilities` are undefined before anything was learned. */
export function verdictOf(distance: number, probabilities: readonly number[] | undefined): Verdict {
  if (distance > FAR) return 'far';
  if (probabilities === undefined) return 'unlearned';
  return Math.max(...probabilities) < SURE ? 'unsure' : 'digit';
}
