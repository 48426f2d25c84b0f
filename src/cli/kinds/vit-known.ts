// What a checkpoint of a vision transformer keeps beside it: the names of the classes, and options
// that the library does not know.

import { type ImageSet, UsageError, type VitConfig } from '../library.ts';
import type { RunValues } from '../options.ts';
import { MAX_STEPS } from '../rows.ts';

/** Times that each image is seen, and pixels of margin of a cut, unless they are given. */
export const EPOCHS = 8;
export const CROP = 2;

/** Options of a run that the library does not know, as a checkpoint keeps them. */
export interface Settings {
  /** Images held out of the training set, or its own test set. */
  validation: 'test' | number;
  /** Training images used; null: all. */
  limit: number | null;
  crop: number;
  flip: boolean;
  /** Epochs asked for; null: steps were. */
  epochs: number | null;
}

export interface VitKnown extends Settings {
  names: string[];
}

/** The settings, by the options of a command and the images. Throws UsageError. */
export function settingsOf(
  { validation = 'test', limit, crop, flip = false, steps, epochs }: RunValues,
  { width, height }: ImageSet,
): Settings {
  const side = Math.min(width, height);
  if (crop !== undefined && crop >= side)
    throw new UsageError(
      `--crop is ${crop}, expected a whole number from 0 to ${side - 1} for images of ` +
        `${width} x ${height}`,
    );
  return {
    validation,
    limit: limit ?? null,
    crop: crop ?? Math.min(CROP, Math.floor(side / 8)),
    flip,
    epochs: steps === undefined ? (epochs ?? EPOCHS) : null,
  };
}

const isCount = (value: unknown, low: number): value is number =>
  Number.isInteger(value) && (value as number) >= low && (value as number) <= MAX_STEPS;

/** Undefined if it is not what a checkpoint of such a model has. */
export function fromJson(
  value: unknown,
  { classes, width, height }: Required<VitConfig>,
): VitKnown | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const { kind, names, validation, limit, crop, flip, epochs } = value as Record<string, unknown>;
  if (
    kind !== 'classes' ||
    !Array.isArray(names) ||
    names.length !== classes ||
    !names.every((name) => typeof name === 'string')
  )
    return undefined;
  if (
    (validation !== 'test' && !isCount(validation, 1)) ||
    (limit !== null && !isCount(limit, 1)) ||
    (epochs !== null && !isCount(epochs, 1))
  )
    return undefined;
  if (!isCount(crop, 0) || crop >= Math.min(width, height) || typeof flip !== 'boolean')
    return undefined;
  return { names, validation, limit, crop, flip, epochs };
}
