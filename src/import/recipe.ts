// How a parameter is made of a source's tensors: which ones, which way round, moved where, and
// times which powers of two. Powers of two are exact, so whatever they do is undone by others.

import { CheckpointError } from '../core/errors.ts';
import type { TensorPiece, TensorSource } from './pieces.ts';

/** Fraction bits of a master weight, and the largest |raw|: just under 16. */
const MASTER_FRACTION = 24;
export const WEIGHT_LIMIT = 2 ** 28 - 2 ** 15 - 1;

/** A tensor of the source that fills rows of a parameter. */
export interface Part {
  /** Its name in the source. */
  readonly name: string;
  /** Stored as [columns, rows]. */
  readonly isTransposed: boolean;
  /** How many rows it fills, and after which ones. */
  readonly rows: number;
  readonly firstRow: number;
}

/** What becomes of the rows, or of the columns. */
export interface Axis {
  /** Each is multiplied by this power of two (0). */
  readonly exponents?: ArrayLike<number> | undefined;
  /** Where each goes; -1: nowhere (where it is). */
  readonly places?: ArrayLike<number> | undefined;
  /** Each is multiplied by this number too (1). */
  readonly factors?: ArrayLike<number> | undefined;
}

/** Where numbers go, what they are multiplied by, and what is then added to each of a row (0). */
export interface Placing {
  readonly onRows?: Axis | undefined;
  readonly onColumns?: Axis | undefined;
  readonly added?: ArrayLike<number> | undefined;
}

/** A parameter: its parts, and what becomes of them. Rows are outputs, columns inputs; a vector has
 *  one column. */
export interface Recipe extends Placing {
  readonly path: string;
  readonly shape: readonly number[];
  readonly parts: readonly Part[];
  /** Columns of the parts. */
  readonly columns: number;
  /** All is multiplied by this power of two. */
  readonly exponent?: number | undefined;
}

/** Calls `put` with row, column and value of every element of the parts. */
export async function eachElement(
  source: TensorSource,
  { parts, columns }: Pick<Recipe, 'parts' | 'columns'>,
  put: (row: number, column: number, value: number) => void,
): Promise<void> {
  for (const part of parts)
    for await (const piece of source.pieces(part.name, 0, part.rows * columns))
      eachOfPiece(piece, part, columns, put);
}

function eachOfPiece(
  { first, values }: TensorPiece,
  { isTransposed, rows, firstRow }: Part,
  columns: number,
  put: (row: number, column: number, value: number) => void,
): void {
  const width = isTransposed ? rows : columns;
  let line = Math.floor(first / width);
  let place = first % width;
  for (let i = 0; i < values.length; i++) {
    if (isTransposed) put(firstRow + place, line, values[i]);
    else put(firstRow + line, place, values[i]);
    if (++place < width) continue;
    place = 0;
    line++;
  }
}

const tooLarge = ({ path, parts }: Recipe, row: number, column: number, raw: number) =>
  new CheckpointError(
    `${path} (${parts.map(({ name }) => name).join(', ')}) has ${raw / 2 ** MASTER_FRACTION} at ` +
      `[${row}, ${column}], weights are within +-16`,
    'calibrate with text or images of the kind that it will see',
  );

/** By what each row or column is multiplied; undefined: nothing. */
function scalesOf({ exponents, factors }: Axis, size: number): Float64Array | undefined {
  if (exponents === undefined && factors === undefined) return undefined;
  const one = (i: number): number => (factors?.[i] ?? 1) * 2 ** (exponents?.[i] ?? 0);
  return Float64Array.from({ length: size }, (_, i) => one(i));
}

/** The same with row and column where the numbers go, multiplied and added to; `row` and `column`
 *  are where they were. */
export async function eachPlaced(
  source: TensorSource,
  recipe: Pick<Recipe, 'parts' | 'columns'> & Placing,
  put: (toRow: number, toColumn: number, value: number, row: number, column: number) => void,
): Promise<void> {
  const { onRows = {}, onColumns = {}, added, parts, columns } = recipe;
  const rows = parts.reduce((most, part) => Math.max(most, part.firstRow + part.rows), 0);
  const { places: rowPlaces } = onRows;
  const { places: columnPlaces } = onColumns;
  const rowScales = scalesOf(onRows, rows);
  const columnScales = scalesOf(onColumns, columns);
  await eachElement(source, recipe, (row, column, value) => {
    const toRow = rowPlaces === undefined ? row : rowPlaces[row];
    const toColumn = columnPlaces === undefined ? column : columnPlaces[column];
    if (toRow < 0 || toColumn < 0) return;
    let scaled = value;
    if (rowScales !== undefined) scaled *= rowScales[row];
    if (columnScales !== undefined) scaled *= columnScales[column];
    put(toRow, toColumn, added === undefined ? scaled : scaled + added[row], row, column);
  });
}

/** Fills `out` with the parameter's master weights, rounded to the nearest with 24 fraction bits.
 *  Throws CheckpointError for one beyond +-16, by name and place. */
export async function makeMaster(
  source: TensorSource,
  recipe: Recipe,
  out: Int32Array,
): Promise<void> {
  const { shape, exponent = 0 } = recipe;
  const unit = 2 ** (MASTER_FRACTION + exponent);
  const width = shape.length > 1 ? shape[shape.length - 1] : 1;
  out.fill(0);
  await eachPlaced(source, recipe, (toRow, toColumn, value, row, column) => {
    const raw = Math.round(value * unit);
    if (Math.abs(raw) > WEIGHT_LIMIT) throw tooLarge(recipe, row, column, raw);
    out[toRow * width + toColumn] = raw;
  });
}
