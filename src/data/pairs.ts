// Sentence pairs for a translator: from the bytes of one file of "source TAB target" lines, or of
// two files whose lines correspond, to pairs with one spelling (NFC, plain single spaces), and
// their split into training and validation. The split is by source sentence: a sentence with
// several translations stands wholly in one part, so no validation sentence was ever trained on.

import { list, properties, text as textOf, typed, whole } from '../core/check.ts';
import { UsageError } from '../core/errors.ts';
import { composed } from './normal-form.ts';
import { eachPoint } from './utf8.ts';

/** A sentence and its translation. */
export interface Pair {
  /** What is translated. */
  readonly source: string;
  /** Its translation. */
  readonly target: string;
}

/** A copy of a pair, for a list that is checked. */
export function readPair(name: string, pair: unknown): Pair {
  const { source, target } = properties(name, pair as Pair, ['source', 'target']);
  return { source: textOf(`${name}.source`, source), target: textOf(`${name}.target`, target) };
}

/** Every space of Unicode (property White_Space, written out: a runtime's tables may be of any
 *  version), as runs. */
const SPACES = /[\t-\r \x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]+/g;
const LINE_FEED = 10;
/** Most lines of a file: each takes some 200 bytes beside its text. */
const MAX_PAIRS = 2 ** 23;

/** One spelling of a sentence: NFC (of Unicode 15.0, in every runtime), every run of spaces of any
 *  kind one plain space, none at the ends. Encode what a user types the same way. Throws UsageError
 *  for more than 64 combining marks in a row.
 *  @example
 *  console.log(normaliseSentence('  Va\u00a0 !\t')); // Va !
 */
export function normaliseSentence(text: string): string {
  return composed(textOf('text', text)).replace(SPACES, ' ').replace(/^ | $/g, '');
}

/** The lines of a UTF-8 text without their ends; a byte-order mark before the first and an end
 *  after the last are no characters. */
function linesOf(given: Uint8Array, what: string): string[] {
  if (typed(textOf('what', what), given, 'Uint8Array').length === 0)
    throw new UsageError(`${what} is empty, expected one sentence a line`);
  const bytes = new Uint8Array(given); // TextDecoder takes no shared memory
  eachPoint(bytes, what, () => undefined); // names the byte at which it is not UTF-8
  const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
  const lines: string[] = [];
  const hasMark = bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf;
  for (let at = hasMark ? 3 : 0; at < bytes.length; ) {
    const found = bytes.indexOf(LINE_FEED, at);
    const end = found < 0 ? bytes.length : found;
    if (lines.length === MAX_PAIRS)
      throw new UsageError(
        `${what} has more than ${MAX_PAIRS} lines, expected at most so many`,
        'use a part of it',
      );
    lines.push(decoder.decode(bytes.subarray(at, end)));
    at = end + 1;
  }
  return lines;
}

/** Something to learn from: at least two different pairs. */
function checkDistinct(pairs: Pair[], what: string): { pairs: Pair[] } {
  const [first] = pairs;
  if (pairs.some(({ source, target }) => source !== first.source || target !== first.target))
    return { pairs };
  throw new UsageError(
    `${pairs.length === 0 ? 'no' : 'one'} distinct pair in ${what} (lines: ${pairs.length}), ` +
      'expected at least 2',
    'there is nothing to learn from it; give real pairs',
  );
}

/** A side of a line, in its one spelling. */
function sideOf(text: string, what: string, line: number): string {
  const sentence = normaliseSentence(text);
  if (sentence === '')
    throw new UsageError(
      `${what} is empty in line ${line}, expected a sentence`,
      'remove the line',
    );
  return sentence;
}

/** Reads pairs, one a line: source, TAB, target; further columns are ignored. `what` names the file
 *  in errors. Throws UsageError for a file that is empty or not UTF-8, a line without a TAB or with
 *  an empty side, and fewer than 2 distinct pairs.
 *  @example
 *  const { pairs } = readPairs(new TextEncoder().encode('Go.\tVa !\nRun!\tCours !\tCC-BY\n'));
 *  console.log(pairs[1]); // { source: 'Run!', target: 'Cours !' }
 */
export function readPairs(bytes: Uint8Array, what = 'pairs'): { pairs: Pair[] } {
  const pairs = linesOf(bytes, what).map((line, i) => {
    const [source, target] = line.split('\t', 2);
    if (target === undefined)
      throw new UsageError(
        `${what} has no TAB in line ${i + 1}, expected a source sentence, TAB, its translation`,
      );
    return {
      source: sideOf(source, `the source side of ${what}`, i + 1),
      target: sideOf(target, `the target side of ${what}`, i + 1),
    };
  });
  return checkDistinct(pairs, what);
}

/** Reads pairs from two files: line n of the one and line n of the other. Throws UsageError as
 *  `readPairs`, and for different numbers of lines.
 *  @example
 *  const bytes = (text) => new TextEncoder().encode(text);
 *  console.log(readPairFiles(bytes('Go.\nRun!\n'), bytes('Va !\nCours !\n')).pairs[0]);
 *  // { source: 'Go.', target: 'Va !' }
 */
export function readPairFiles(
  source: Uint8Array,
  target: Uint8Array,
  whatSource = 'source',
  whatTarget = 'target',
): { pairs: Pair[] } {
  const sources = linesOf(source, whatSource);
  const targets = linesOf(target, whatTarget);
  if (sources.length !== targets.length)
    throw new UsageError(
      `unpaired lines: ${whatSource} has ${sources.length}, ${whatTarget} has ` +
        `${targets.length}, expected as many`,
    );
  const pairs = sources.map((line, i) => ({
    source: sideOf(line, whatSource, i + 1),
    target: sideOf(targets[i], whatTarget, i + 1),
  }));
  return checkDistinct(pairs, `${whatSource} and ${whatTarget}`);
}

/** Splits pairs by source sentence: of the distinct sources in file order, 0, 1, .., number k is
 *  validation if k mod every = every - 1, with all its translations. Throws UsageError if that
 *  leaves no validation pair.
 *  @example
 *  const pairs = ['a', 'b', 'a', 'c', 'd'].map((source, i) => ({ source, target: String(i) }));
 *  console.log(splitPairs(pairs, 2).validation.map(({ source }) => source).join(' ')); // b d
 */
export function splitPairs(
  pairs: readonly Pair[],
  every = 50,
): { train: Pair[]; validation: Pair[] } {
  whole('every', every, 2, Number.MAX_SAFE_INTEGER);
  const numbers = new Map<string, number>();
  const train: Pair[] = [];
  const validation: Pair[] = [];
  for (const pair of list('pairs', pairs, readPair)) {
    const number = numbers.get(pair.source) ?? numbers.size;
    numbers.set(pair.source, number);
    (number % every === every - 1 ? validation : train).push(pair);
  }
  if (validation.length === 0)
    throw new UsageError(
      `the pairs have ${numbers.size} distinct source sentences, expected at least ${every} ` +
        `to hold out one in ${every}`,
      'give more pairs, or hold out more of them',
    );
  return { train, validation };
}
