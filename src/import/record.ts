// What an export of this library says of itself (src/export/record.ts): the configuration, and what
// float32 took from the weights beyond +-1, so that the same integers come back.

import type { TensorSource } from './pieces.ts';
import { type Axis, type Recipe, WEIGHT_LIMIT } from './recipe.ts';

/** The record of an export. */
export interface ExportRecord {
  readonly config: Readonly<Record<string, unknown>>;
  /** By path, index and remainder in turn. */
  readonly remainders: ReadonlyMap<string, readonly number[]>;
}

const isTable = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** The record of a file of such a model; undefined for what is none. Nothing in it is trusted. */
export function recordOf({ metadata }: TensorSource, model: string): ExportRecord | undefined {
  let value: unknown;
  try {
    value = JSON.parse(metadata.retrograd);
  } catch {
    return undefined;
  }
  if (!isTable(value) || value.version !== 1 || value.model !== model || !isTable(value.config))
    return undefined;
  const remainders = isTable(value.remainders) ? Object.entries(value.remainders) : [];
  const isList = (entry: [string, unknown]): entry is [string, number[]] =>
    Array.isArray(entry[1]) && entry[1].every((n) => Number.isInteger(n));
  return { config: value.config, remainders: new Map(remainders.filter(isList)) };
}

const isWhole = (axis: Axis | undefined): boolean =>
  axis?.places === undefined || !Array.from(axis.places).includes(-1);
const isZero = (powers: ArrayLike<number> | undefined): boolean =>
  powers === undefined || Array.from(powers).every((power) => power === 0);

const isOne = (factors: ArrayLike<number> | undefined): boolean =>
  factors === undefined || Array.from(factors).every((factor) => factor === 1);

/** Adds what float32 took from a parameter, unless it was rescaled. */
export function addRemainders(
  record: ExportRecord | undefined,
  { path, exponent = 0, onRows, onColumns, added }: Recipe,
  data: Int32Array,
): void {
  const pairs = record?.remainders.get(path);
  if (pairs === undefined || added !== undefined || exponent !== 0) return;
  if (![onRows, onColumns].every((axis) => isWhole(axis) && isZero(axis?.exponents))) return;
  if (![onRows, onColumns].every((axis) => isOne(axis?.factors))) return;
  for (let i = 0; i + 1 < pairs.length; i += 2) {
    const raw = data[pairs[i]] + pairs[i + 1]; // NaN beyond the tensor
    if (Math.abs(raw) <= WEIGHT_LIMIT) data[pairs[i]] = raw;
  }
}
