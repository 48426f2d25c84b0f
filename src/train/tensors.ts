// The tensors of a run, as `tensors()` gives them, checkpoints hold them and `restore` takes them:
// which there are, and what numbers a run can have. One check, so that what is written can be read.

import { list, properties, show, typed, whole } from '../core/check.ts';
import { CheckpointError } from '../errors.ts';
import type { Parameter } from '../nn/parameters.ts';
import {
  MASTER_FRACTION,
  MOMENT_LIMIT,
  OPTIMIZER_FRACTION,
  WEIGHT_LIMIT,
} from '../tensor/formats.ts';
import { MAX_SCALE, MIN_SCALE } from './optimizer.ts';

/** An int32 tensor: value = data * 2^-fraction. */
export interface NamedTensor {
  /** A parameter's name, or `optimizer.m.` or `optimizer.r.` and a parameter's name. */
  name: string;
  /** Elements along each axis. */
  shape: readonly number[];
  /** Elements, row-major. From a trainer: a view of live memory that later steps change. */
  data: Int32Array;
  /** Fraction bits: 24 for weights; 30 for the optimizer's tensors, fewer after unclipped gradients
   *  above 1. */
  fraction: number;
}

/** Of every parameter: prefix of the name, smallest and largest raw number. */
const KINDS = [
  ['', -WEIGHT_LIMIT, WEIGHT_LIMIT],
  ['optimizer.m.', -MOMENT_LIMIT, MOMENT_LIMIT],
  ['optimizer.r.', 0, MOMENT_LIMIT],
] as const;
/** The fraction bits of a moment if a run can have them, else those that most have. */
const momentFraction = (given: number): number => {
  const scale = Number.isInteger(given) ? OPTIMIZER_FRACTION - given : NaN;
  return scale >= MIN_SCALE && scale <= MAX_SCALE ? given : OPTIMIZER_FRACTION;
};
/** Most steps of a run. */
const MAX_STEPS = 2 ** 31 - 1;

/** Throws CheckpointError unless a run can have done so many steps: it may go on beyond its own. */
export function checkStep(step: number, what: string = show(step)): void {
  if (!Number.isInteger(step) || step < 0 || step > MAX_STEPS)
    throw new CheckpointError(
      `its step is ${what}, expected a whole number from 0 to ${MAX_STEPS}`,
    );
}

/** Throws CheckpointError for another shape, and for data that are not of it. */
function checkShape(what: string, { shape, data }: NamedTensor, expected: readonly number[]): void {
  const given = shape.join(', '), right = expected.join(', ');
  if (given !== right)
    throw new CheckpointError(`${what} has shape [${given}], expected [${right}]`);
  const size = shape.reduce((a, b) => a * b, 1);
  if (data.length !== size)
    throw new CheckpointError(`${what} has ${data.length} numbers, expected ${size}`);
}

/** Throws CheckpointError for a number outside low..high. */
function checkNumbers(what: string, data: Int32Array, low: number, high: number): void {
  for (let i = 0; i < data.length; i++) {
    if (data[i] < low || data[i] > high)
      throw new CheckpointError(`${what} has ${data[i]} at ${i}, a run's are ${low} to ${high}`);
  }
}

/** One tensor, read once. Data in `live` memory, which is about to change, or in memory that others
 *  may change, are copied before they are looked at. */
export function readTensor(what: string, value: unknown, live?: ArrayBufferLike): NamedTensor {
  const tensor = properties(what, value as NamedTensor, ['name', 'shape', 'data', 'fraction']);
  const data = typed(what, tensor.data, 'Int32Array'), { buffer } = data;
  const shape = list(what, tensor.shape, (name, side) => whole(name, side, 0, MAX_STEPS));
  return {
    ...tensor,
    shape,
    data: buffer instanceof ArrayBuffer && buffer !== live ? data : new Int32Array(data),
  };
}

/** The tensors of a model with this table of parameters, in its order: weights, m, r. Throws
 *  CheckpointError unless they are just these, with the shapes, fraction bits and numbers that a
 *  run can have, and UsageError for what are no tensors. `live`: memory that will be written to. */
export function checkTensors(
  tensors: readonly NamedTensor[],
  table: readonly Pick<Parameter, 'name' | 'shape'>[],
  live?: ArrayBufferLike,
): NamedTensor[] {
  const all = list('tensors', tensors, (what, value) => readTensor(what, value, live));
  const given = new Map(all.map((tensor) => [tensor.name, tensor]));
  const moments = new Map<string, number>(); // fraction bits of m, which r has too
  const checked = KINDS.flatMap(([prefix, low, high]) =>
    table.map(({ name, shape }) => {
      const tensor = given.get(prefix + name), what = `tensor ${prefix}${name}`;
      if (tensor === undefined || !given.delete(tensor.name))
        throw new CheckpointError(`${what} is missing`);
      checkShape(what, tensor, shape);
      const fraction =
        prefix === '' ? MASTER_FRACTION : (moments.get(name) ?? momentFraction(tensor.fraction));
      if (prefix !== '') moments.set(name, fraction);
      if (tensor.fraction !== fraction)
        throw new CheckpointError(
          `${what} has ${show(tensor.fraction)} fraction bits, expected ${fraction}`,
        );
      checkNumbers(what, tensor.data, low, high);
      return tensor;
    }),
  );
  for (const name of given.keys())
    throw new CheckpointError(`tensor ${show(name)} is not one of the model's`);
  if (all.length > checked.length) throw new CheckpointError('a tensor is given twice');
  return checked;
}
