// The tensors of a run, as `tensors()` gives them, checkpoints hold them and `restore` takes them:
// which there are, and what numbers a run can have. One check, so that what is written can be read.

import { list, properties, show, text, typed, whole } from '../core/check.ts';
import { CheckpointError } from '../core/errors.ts';
import {
  MASTER_FRACTION,
  MOMENT_LIMIT,
  OPTIMIZER_FRACTION,
  WEIGHT_LIMIT,
} from '../memory/formats.ts';
import type { Parameter } from '../memory/parameter.ts';
import type { Slot } from '../optim/optimizer.ts';
import { MAX_SCALE, MIN_SCALE } from '../optim/updater.ts';

/** An int32 tensor: value = data * 2^-fraction. */
export interface NamedTensor {
  /** A parameter's path, or `optimizer.`, the name of what the optimizer keeps, and a parameter's
   *  path. */
  name: string;
  /** Elements along each axis. */
  shape: readonly number[];
  /** Elements, row-major. From a trainer: a view of live memory that later steps change. */
  data: Int32Array;
  /** Fraction bits: 24 for weights; 30 for the optimizer's tensors, fewer after unclipped gradients
   *  above 1. */
  fraction: number;
}

/** Whether a tensor is a weight: every one is that is not of the optimizer.
 *  @example
 *  console.log(isWeight({ name: 'norm.gain' }), isWeight({ name: 'optimizer.m.norm.gain' }));
 *  // true false
 */
export const isWeight = (tensor: { name: string }): boolean =>
  !text('name', properties('tensor', tensor, ['name']).name).startsWith('optimizer.');

/** What the tensors of a run must be. */
export interface TensorTable {
  readonly parameters: readonly Pick<Parameter, 'path' | 'shape' | 'frozen'>[];
  readonly slots: readonly Slot[];
}

/** The fraction bits of a slot if a run can have them, else those that most have. */
function slotFraction(given: number): number {
  const scale = Number.isInteger(given) ? OPTIMIZER_FRACTION - given : Number.NaN;
  const isPossible = scale >= MIN_SCALE && scale <= MAX_SCALE;
  return isPossible ? given : OPTIMIZER_FRACTION;
}

/** Most steps of a run. */
const MAX_STEPS = 2 ** 31 - 1;

/** Throws CheckpointError unless a run can have done so many steps. Beyond its schedule it may go
 *  on. */
export function checkStep(step: number, what: string = show(step)): void {
  if (!Number.isInteger(step) || step < 0 || step > MAX_STEPS)
    throw new CheckpointError(
      `its step is ${what}, expected a whole number from 0 to ${MAX_STEPS}`,
    );
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
  const keys = ['name', 'shape', 'data', 'fraction'] as const;
  const tensor = properties(what, value as NamedTensor, keys);
  const data = typed(what, tensor.data, 'Int32Array');
  const { buffer } = data;
  const side = (name: string, n: unknown): number => whole(name, n, 0, MAX_STEPS);
  const shape = list(what, tensor.shape, side);
  const isOwn = buffer instanceof ArrayBuffer && buffer !== live;
  return { ...tensor, shape, data: isOwn ? data : new Int32Array(data) };
}

/** Throws CheckpointError unless a tensor has this shape. */
function checkShape(what: string, { shape, data }: NamedTensor, expected: readonly number[]): void {
  const wanted = expected.join(', ');
  const sides = shape.join(', ');
  const size = expected.reduce((a, b) => a * b, 1);
  if (sides !== wanted)
    throw new CheckpointError(`${what} has shape [${sides}], expected [${wanted}]`);
  if (data.length !== size)
    throw new CheckpointError(`${what} has ${data.length} numbers, expected ${size}`);
}

/** The tensors of a table, in its order: weights, then slot by slot. Throws CheckpointError unless
 *  they are just these, with the shapes, fraction bits and numbers that a run can have, and
 *  UsageError for what are no tensors. `live`: memory that will be written to. */
export function checkTensors(
  tensors: readonly NamedTensor[],
  { parameters, slots }: TensorTable,
  live?: ArrayBufferLike,
): NamedTensor[] {
  const all = list('tensors', tensors, (what, value) => readTensor(what, value, live));
  const given = new Map(all.map((tensor) => [tensor.name, tensor]));
  const take = (name: string, shape: readonly number[], low: number, high: number): NamedTensor => {
    const tensor = given.get(name);
    const what = `tensor ${name}`;
    if (tensor === undefined || !given.delete(name))
      throw new CheckpointError(`${what} is missing`);
    checkShape(what, tensor, shape);
    checkNumbers(what, tensor.data, low, high);
    return tensor;
  };
  const weights = parameters.map(({ path, shape }) =>
    checkFraction(take(path, shape, -WEIGHT_LIMIT, WEIGHT_LIMIT), MASTER_FRACTION),
  );
  const fractions = new Map<string, number>(); // those of a parameter's first slot are all slots'
  const trained = parameters.filter(({ frozen }) => !frozen);
  const kept = slots.flatMap(({ name, low }) =>
    trained.map(({ path, shape }) => {
      const tensor = take(`optimizer.${name}.${path}`, shape, low, MOMENT_LIMIT);
      const fraction = fractions.get(path) ?? slotFraction(tensor.fraction);
      fractions.set(path, fraction);
      return checkFraction(tensor, fraction);
    }),
  );
  for (const name of given.keys())
    throw new CheckpointError(`tensor ${show(name)} is not one of the model's`);
  const checked = [...weights, ...kept];
  if (all.length > checked.length) throw new CheckpointError('a tensor is given twice');
  return checked;
}

function checkFraction(tensor: NamedTensor, fraction: number): NamedTensor {
  if (tensor.fraction !== fraction)
    throw new CheckpointError(
      `tensor ${tensor.name} has ${show(tensor.fraction)} fraction bits, expected ${fraction}`,
    );
  return tensor;
}
