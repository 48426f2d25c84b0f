// Choices (an update rule, an optimizer, a schedule) as data, for threads and checkpoints: a
// value's name and options. Whoever reads them is given what they may be.

import { show } from '../core/check.ts';
import { UsageError } from '../core/errors.ts';
import type { Choice, Makers } from '../models/define.ts';

/** A choice in JSON. */
interface ChoiceJson {
  choice: string;
  options: unknown;
}

const isObject = (value: unknown): value is object => typeof value === 'object' && value !== null;

/** A choice has functions beside its name and options; plain data has none. */
const isChoice = (value: object): value is Choice =>
  'name' in value &&
  'options' in value &&
  Object.values(value).some((v) => typeof v === 'function');

/** Data with choices as data without. */
export function toData(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(toData);
  if (!isObject(value)) return value;
  if (isChoice(value)) return { choice: value.name, options: toData(value.options) };
  return Object.fromEntries(Object.entries(value).map(([key, of]) => [key, toData(of)]));
}

const isChoiceJson = (value: object): value is ChoiceJson =>
  'choice' in value && typeof value.choice === 'string' && 'options' in value;

/** The opposite. Throws UsageError for a choice that `makers` has not. */
export function fromData(value: unknown, makers: Makers): unknown {
  if (Array.isArray(value)) return value.map((each) => fromData(each, makers));
  if (!isObject(value)) return value;
  if (isChoiceJson(value)) return make(value, makers);
  const entries = Object.entries(value).map(([key, of]) => [key, fromData(of, makers)]);
  return Object.fromEntries(entries);
}

function make({ choice, options }: ChoiceJson, makers: Makers): Choice {
  const known = Object.keys(makers);
  if (!known.includes(choice))
    throw new UsageError(
      `${show(choice)} is not known here, expected one of ${known.join(', ')}`,
      'give what makes it as one of the choices',
    );
  return makers[choice](fromData(options, makers) as never);
}
