// What the public functions check of what they are given: names, types and ranges, once, at the
// border; the code inside trusts. Each check returns the value that it has checked, so that a
// property is read once and cannot be another one later, and throws nothing but UsageError,
// whatever it is given: a symbol, a revoked proxy, a getter that throws, an array of another realm.

import { RetrogradError, UsageError } from './errors.ts';

/** Options with every default filled in. Unlike Required, it does so where undefined is a value,
 *  too. */
export type Filled<T> = { [K in keyof T]-?: Exclude<T[K], undefined> };

/** Most elements of an array: no limit. */
export const MAX_LENGTH = 2 ** 31 - 1;

/** What all typed arrays inherit: its getters tell what an array is, in every realm, and whatever
 *  it says of itself. */
const TYPED: object = Object.getPrototypeOf(Int8Array.prototype);
const tagOf = (value: unknown): unknown => Reflect.get(TYPED, Symbol.toStringTag, value);
const lengthOf = (array: object): number => Reflect.get(TYPED, 'length', array) as number;

/** A value as an error shows it: short, and without calling anything of the value's own. */
export function show(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value.slice(0, 40));
  const isOpaque = Object(value) === value || typeof value === 'bigint';
  return isOpaque ? `of type ${tagOf(value) ?? typeof value}` : String(value);
}

/** Throws the UsageError of a value that is not what it should be. */
export function refuse(name: string, value: unknown, expected: string, hint?: string): never {
  throw new UsageError(`${name} is ${show(value)}, expected ${expected}`, hint);
}

const isReal = (value: unknown, low: number, high: number): value is number =>
  typeof value === 'number' && value >= low && value <= high;

/** A number from low to high. */
export function real(
  name: string,
  value: unknown,
  low: number,
  high: number,
  hint?: string,
): number {
  return isReal(value, low, high)
    ? value
    : refuse(name, value, `a number from ${low} to ${high}`, hint);
}

/** A whole number from low to high. */
export function whole(
  name: string,
  value: unknown,
  low: number,
  high: number,
  hint?: string,
): number {
  return isReal(value, low, high) && value % 1 === 0
    ? value
    : refuse(name, value, `a whole number from ${low} to ${high}`, hint);
}

/** One of a few values: words, numbers, or true and false. */
export function choice<const T>(name: string, value: unknown, known: readonly T[]): T {
  const expected = known.length > 2 ? `one of ${known.join(', ')}` : known.join(' or ');
  return known.includes(value as T) ? (value as T) : refuse(name, value, expected);
}

/** True or false. */
export const flag = (name: string, value: unknown): boolean => choice(name, value, [true, false]);

/** A string. */
export function text(name: string, value: unknown): string {
  return typeof value === 'string' ? value : refuse(name, value, 'a string');
}

/** A function. */
export function callback<F>(name: string, value: F): F {
  return typeof value === 'function' ? value : refuse(name, value, 'a function');
}

function checkLength(name: string, length: number, least: number, most: number): void {
  if (length >= least && length <= most) return;
  const range = most < MAX_LENGTH ? `${least} to ${most}` : `at least ${least}`;
  const expected = least === most ? least : range;
  throw new UsageError(`${name} has ${length} elements, expected ${expected}`);
}

interface Typed {
  BigInt64Array: BigInt64Array;
  Int32Array: Int32Array;
  Int16Array: Int16Array;
  Uint8Array: Uint8Array;
}

/** A typed array of one type (a Buffer is a Uint8Array, a plain array is none), of any realm, with
 *  least to most elements: itself, to be read at once or written to. */
export function typed<K extends keyof Typed>(
  name: string,
  value: unknown,
  type: K,
  least = 0,
  most = least || MAX_LENGTH,
): Typed[K] {
  if (tagOf(value) !== type) refuse(name, value, type, `make one: new ${type}(...)`);
  const array = value as Typed[K];
  const length = lengthOf(array);
  if (array.length !== length) refuse(`the length of ${name}`, array.length, String(length));
  checkLength(name, length, least, most);
  return array;
}

/** What an error says, whatever it is. */
function words(error: unknown): string {
  try {
    return String(error);
  } catch {
    return show(error);
  }
}

/** What `read` gives; whatever a getter, a proxy or a function of the user's throws meanwhile
 *  becomes a UsageError with that as its cause. */
export function reading<T>(name: string, read: () => T): T {
  try {
    return read();
  } catch (cause) {
    if (cause instanceof RetrogradError) throw cause;
    throw Object.assign(new UsageError(`${name} cannot be read: ${words(cause)}`), { cause });
  }
}

/** An instance of a class. */
export function instance<T>(
  name: string,
  value: unknown,
  type: { readonly prototype: T },
  expected: string,
): T {
  const isOne = reading(name, () => value instanceof (type as unknown as new () => object));
  return isOne ? (value as T) : refuse(name, value, expected);
}

/** A copy of an array, plain or typed, of least to most elements, each read once and checked. */
export function list<T>(
  name: string,
  value: ArrayLike<unknown>,
  check: (name: string, value: unknown) => T,
  least = 0,
  most = MAX_LENGTH,
): T[] {
  if (Object(value) !== value) refuse(name, value, 'an array');
  return reading(name, () => {
    const length = whole(`the length of ${name}`, value.length, least, most);
    const copy: T[] = [];
    for (let i = 0; i < length; i++) copy.push(check(`${name}[${i}]`, value[i]));
    return copy;
  });
}

/** Whether at most `edits` letters added, dropped or changed make b of a. */
function isNear(a: string, b: string, edits: number): boolean {
  if (a === b) return true;
  const [x, y] = [a.slice(1), b.slice(1)];
  if (a !== '' && a[0] === b[0]) return isNear(x, y, edits);
  return (
    edits > 0 &&
    [
      [x, y],
      [x, b],
      [a, y],
    ].some(([c, d]) => isNear(c, d, edits - 1))
  );
}

/** The known name that was meant: `learning_rate`, `layer`, `vocab`, and `lr` by its initials. */
function nearest(given: string, known: readonly string[]): string | undefined {
  const letters = given.toLowerCase().replace(/[^a-z]/g, '');
  return known.find((name) => {
    const lower = name.toLowerCase();
    const initials = name[0] + name.replace(/[^A-Z]/g, '').toLowerCase();
    return (
      initials === letters ||
      isNear(lower, letters, letters.length > 4 ? 2 : 1) ||
      (letters.length > 2 && (lower.includes(letters) || letters.includes(lower)))
    );
  });
}

/** A copy of some properties of an object, each read once. It may have others. */
export function properties<T extends object>(
  name: string,
  value: T,
  keys: readonly (keyof T)[],
): T {
  if (Object(value) !== value) refuse(name, value, 'an object');
  return reading(name, () => Object.fromEntries(keys.map((key) => [key, value[key]])) as T);
}

/** Part of a model: an object with these methods and, where it is named, an array of strings. */
export function having<T extends object>(
  name: string,
  value: unknown,
  methods: readonly (keyof T & string)[],
  array?: keyof T & string,
): T {
  const part = value as T;
  const given = properties(name, part, [...methods, ...(array === undefined ? [] : [array])]);
  for (const key of methods) callback(`${key} of ${name}`, given[key]);
  if (array !== undefined) list(`${array} of ${name}`, given[array] as string[], text, 1);
  return part;
}

/** What a function like adamw() makes: an object with a name, options and these methods. */
export function made<T extends object>(
  name: string,
  value: unknown,
  methods: readonly (keyof T & string)[],
  expected: string,
): T {
  const keys = ['name', 'options', ...methods];
  const given: Record<string, unknown> = properties(name, Object(value), keys);
  const isMade = typeof given.name === 'string' && Object(given.options) === given.options;
  if (isMade && methods.every((method) => typeof given[method] === 'function')) return value as T;
  return refuse(name, value, expected);
}

/** A copy of an object of options, with the default of each that is left out or undefined.
 *  `defaults` has every known name; another one is refused, with the one that was meant. */
export function fields<T extends object>(
  name: string,
  value: T,
  defaults: { readonly [K in keyof Filled<T>]: T[K] | undefined },
): Filled<T> {
  const known = Object.keys(defaults) as (keyof T & string)[];
  const given = properties(name, value, known);
  const other = reading(name, () =>
    Object.keys(value).find((key) => !Object.hasOwn(defaults, key)),
  );
  if (other !== undefined) {
    const meant = nearest(other, known) ?? `one of ${known.join(', ')}`;
    throw new UsageError(`${name} cannot have ${show(other)}`, `perhaps ${meant} was meant`);
  }
  for (const key of known)
    if (given[key] === undefined) given[key] = defaults[key] as T[typeof key];
  return given as Filled<T>;
}
