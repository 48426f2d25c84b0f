// From words on the command line to values, and from errors to the one line that the user sees. The
// parsers check that a number is a number; the library checks its range, so that each range is
// stated once.

import { UsageError } from './library.ts';
import { printableLine } from './printable.ts';

const LONGEST_QUOTE = 60;

/** What was given, short enough for one line. */
export function quote(value: string): string {
  const short = value.length > LONGEST_QUOTE ? `${value.slice(0, LONGEST_QUOTE)}...` : value;
  return `'${short}'`;
}

/** An error is one line whatever was given. */
export const oneLine = printableLine;

const DECIMAL = /^[+-]?(\d+(\.\d*)?|\.\d+)(e[+-]?\d+)?$/i;

/** A parser as commander's types want it: what it makes is no text. */
export const as = <T>(parse: (given: string) => T): ((given: string) => string) =>
  parse as unknown as (given: string) => string;

/** Of every command that says something. */
export const JSON_OPTION = ['--json', 'one JSON object a line instead of words'] as const;

/** A parser of numbers for the option `flag`. */
export const number =
  (flag: string) =>
  (given: string): number => {
    if (!DECIMAL.test(given))
      throw new UsageError(
        `${flag} is ${quote(given)}, expected a number`,
        'digits with an optional point, as in 12 or 0.001',
      );
    return Number(given);
  };

/** A parser of whole numbers in a range that only the command line knows. */
export const wholeNumber =
  (flag: string, low: number, high: number) =>
  (given: string): number => {
    const value = number(flag)(given);
    if (!Number.isInteger(value) || value < low || value > high)
      throw new UsageError(
        `${flag} is ${quote(given)}, expected a whole number from ${low} to ${high}`,
      );
    return value;
  };

/** A parser of one of a few words. */
export const choice =
  <T extends string>(flag: string, ...words: T[]) =>
  (given: string): T => {
    const word = words.find((candidate) => candidate === given);
    if (word === undefined)
      throw new UsageError(`${flag} is ${quote(given)}, expected ${words.join(' or ')}`);
    return word;
  };

/** A parser of names with a comma between. */
export const names =
  (flag: string) =>
  (given: string): string[] => {
    const all = given.split(',').map((name) => name.trim());
    if (all.some((name) => name === ''))
      throw new UsageError(
        `${flag} is ${quote(given)}, expected names with a comma between`,
        "as in 'token.*,position.*'",
      );
    return all;
  };

const UNITS: Record<string, number> = { '': 1, k: 2 ** 10, m: 2 ** 20, g: 2 ** 30 };

/** A parser of amounts of memory: 800000000, 512MiB, 1.5G; units are powers of 1,024. */
export const byteCount =
  (flag: string) =>
  (given: string): number => {
    const match = /^(\d+(?:\.\d*)?|\.\d+) ?([kmg]?)(i?b)?$/i.exec(given);
    const value =
      match === null ? NaN : Math.floor(Number(match[1]) * UNITS[match[2].toLowerCase()]);
    if (!(value >= 1 && value <= 2 ** 32))
      throw new UsageError(
        `${flag} is ${quote(given)}, expected 1 byte to 4GiB`,
        'as in 800000000, 512MiB or 2GiB',
      );
    return value;
  };

/** `learningRate` as the user wrote it: `--learning-rate`. */
export const flagOf = (name: string): string =>
  `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;

/** Names of the library that are others on the command line. */
const OTHERS: Record<string, string> = { beta: 'momentum', isRandom: 'randomMomentum' };

/** The library speaks of `learningRate is 5`; the user wrote --learning-rate. `names`: the options
 *  of the command. */
export function inFlags(message: string, names: readonly string[]): string {
  const known = new Set(names);
  return message.replace(/^\w+(?= (?:is|has) )|\b[a-z]+[A-Z]\w*\b/g, (word) => {
    const name = OTHERS[word] ?? word;
    return known.has(name) ? flagOf(name) : word;
  });
}

/** Runs a check of the library, whose UsageErrors then name flags. */
export function asFlags<T>(names: readonly string[], check: () => T): T {
  try {
    return check();
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    const [given] = error.message.split('. HINT: ');
    throw new UsageError(
      inFlags(given, names),
      error.hint === undefined ? undefined : inFlags(error.hint, names),
    );
  }
}
