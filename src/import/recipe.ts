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

/** The same with row and column where the numbers go, multiplied and added to; their powers of two
 *  are left to who asks, by the rows and columns where they were. */
export async function eachPlaced(
  source: TensorSource,
  recipe: Pick<Recipe, 'parts' | 'columns'> & Placing,
  put: (row: number, column: number, value: number, from: readonly [number, number]) => void,
): Promise<void> {
  const { onRows = {}, onColumns = {}, added } = recipe;
  const place = (axis: Axis, i: number): number => axis.places?.[i] ?? i;
  const factor = (axis: Axis, i: number): number => axis.factors?.[i] ?? 1;
  const from: [number, number] = [0, 0];
  await eachElement(source, recipe, (row, column, value) => {
    const r = place(onRows, row);
    const c = place(onColumns, column);
    if (r < 0 || c < 0) return;
    from[0] = row;
    from[1] = column;
    const scaled = value * factor(onRows, row) * factor(onColumns, column);
    put(r, c, scaled + (added?.[row] ?? 0), from);
  });
}

/** Fills `out` with the parameter's master weights, rounded to the nearest with 24 fraction bits.
 *  Throws CheckpointError for one beyond +-16, by name and place. */
export async function makeMaster(
  source: TensorSource,
  recipe: Recipe,
  out: Int32Array,
): Promise<void> {
  const { onRows = {}, onColumns = {}, shape, exponent = 0 } = recipe;
  const unit = 2 ** (MASTER_FRACTION + exponent);
  const width = shape.length > 1 ? shape[shape.length - 1] : 1;
  const power = (axis: Axis, i: number): number => 2 ** (axis.exponents?.[i] ?? 0);
  out.fill(0);
  await eachPlaced(source, recipe, (r, c, value, [row, column]) => {
    const raw = Math.round(value * unit * power(onRows, row) * power(onColumns, column));
    if (Math.abs(raw) > WEIGHT_LIMIT) throw tooLarge(recipe, row, column, raw);
    out[r * width + c] = raw;
  });
}
