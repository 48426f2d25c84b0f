// A model of another program: its shape, what fills each parameter of ours, and its numbers.

import type { BlockShape, ParameterPath } from './paths.ts';
import type { TensorSource } from './pieces.ts';
import { eachPlaced, type Part, type Placing } from './recipe.ts';
import type { ExportRecord } from './record.ts';

/** A model in a source. */
export interface ForeignModel<Shape extends BlockShape = BlockShape> {
  readonly source: TensorSource;
  readonly shape: Shape;
  /** Whether the head is the token embedding. */
  readonly isTied: boolean;
  /** Whether the last layer norm reads the first row alone. */
  readonly isPooled: boolean;
  /** What an export of this library says of itself. */
  readonly record: ExportRecord | undefined;
  /** Its parameters in the order of forward. */
  readonly paths: readonly ParameterPath[];
  /** The parts that fill so many rows of a parameter. */
  parts(path: string, rows: number): readonly Part[];
  /** Where its numbers go, if not where they are, and what they are multiplied by. */
  placing?(path: string): Placing | undefined;
}

/** The numbers of a parameter of the other program, in our order. */
async function read(
  model: ForeignModel,
  path: string,
  columns: number,
  out: Float32Array | Float64Array,
): Promise<void> {
  const parts = model.parts(path, out.length / columns);
  const recipe = { parts, columns, ...model.placing?.(path) };
  await eachPlaced(model.source, recipe, (row, column, value) => {
    out[row * columns + column] = value;
  });
}

/** A matrix [out, in]. */
export async function readMatrix(
  model: ForeignModel,
  path: string,
  out: number,
  into: number,
): Promise<Float32Array> {
  const weight = new Float32Array(out * into);
  await read(model, path, into, weight);
  return weight;
}

/** A vector. */
export async function readVector(
  model: ForeignModel,
  path: string,
  size: number,
): Promise<Float64Array> {
  const values = new Float64Array(size);
  await read(model, path, 1, values);
  return values;
}
