// What a program makes of a byte p before its first layer, x = (p rescale - mean) / deviation,
// beside ours, z = (2 p - 255) / 128:  x = scale z + offset, of each colour.

import { UsageError } from '../core/errors.ts';

/** Of each colour. */
export interface Pixels {
  readonly scale: readonly number[];
  readonly offset: readonly number[];
}

/** Of ViTImageProcessor. */
const RESCALE = 1 / 255;
const HALF = 0.5;
/** Most that a pixel may become. */
const MOST = 2 ** 16;
/** An offset that rounding may leave where there is none. */
const NOTHING = 1e-12;

const bad = (name: string, value: unknown, expected: string): UsageError =>
  new UsageError(
    `${name} of the preprocessor is ${JSON.stringify(value)}, expected ${expected}`,
    'preprocessor_config.json of a ViTImageProcessor has it',
  );

const isNumber = (value: unknown): value is number =>
  typeof value === 'number' && Number.isFinite(value);

/** A number of each colour; one alone is that of all. */
function ofColours(name: string, given: unknown, colours: number): number[] {
  const all = isNumber(given) ? Array.from({ length: colours }, () => given) : given;
  if (Array.isArray(all) && all.length === colours && all.every(isNumber)) return all;
  throw bad(name, given, `${colours} ${colours === 1 ? 'number' : 'numbers, one of each colour'}`);
}

const flagOf = (name: string, value: unknown): boolean => {
  if (value === undefined || value === null || value === true) return true;
  if (value === false) return false;
  throw bad(name, value, 'true or false');
};

/** The pixels of a program by its preprocessor_config.json, parsed; what it does not say is as
 *  ViTImageProcessor has it: (p / 255 - 1/2) / (1/2). Throws UsageError for numbers that are none.
 */
export function pixelsOf(preprocessor: object, colours: number): Pixels {
  const given = preprocessor as Record<string, unknown>;
  const rescale = flagOf('do_rescale', given.do_rescale) ? (given.rescale_factor ?? RESCALE) : 1;
  if (!isNumber(rescale) || rescale <= 0) throw bad('rescale_factor', rescale, 'a number above 0');
  const isNormal = flagOf('do_normalize', given.do_normalize);
  const mean = ofColours('image_mean', isNormal ? (given.image_mean ?? HALF) : 0, colours);
  const deviation = ofColours('image_std', isNormal ? (given.image_std ?? HALF) : 1, colours);
  if (deviation.some((value) => value <= 0)) throw bad('image_std', deviation, 'numbers above 0');
  // p = 64 z + 255 / 2
  const offset = mean.map((value, c) => ((255 / 2) * rescale - value) / deviation[c]);
  const scale = deviation.map((value) => (64 * rescale) / value);
  if (![...scale, ...offset].every((value) => Math.abs(value) <= MOST))
    throw bad('image_std', deviation, `numbers by which no pixel is beyond ${MOST}`);
  return {
    scale,
    offset: offset.map((value) => (Math.abs(value) < NOTHING ? 0 : value)),
  };
}

/** Of a file that this library wrote. */
export const ownPixels = (colours: number): Pixels => ({
  scale: Array.from({ length: colours }, () => 1),
  offset: Array.from({ length: colours }, () => 0),
});
