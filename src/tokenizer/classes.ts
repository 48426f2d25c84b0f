// What kind of character a code point is, by a table of Unicode 17.0 of the library's own: \p{L},
// \p{N} and \w of a regular expression follow the version of Unicode that the runtime has, so that
// the same text would have other tokens, and the model other bits, elsewhere. White space is what
// Unicode calls so (White_Space), as in Python's regex, Rust's and Oniguruma; \s of JavaScript has
// U+FEFF, which is none, and lacks U+0085.

import { CLASSES } from './class-table.ts';

export { UNICODE_VERSION } from './class-table.ts';

/** What words are made of: the lowest two bits of a class. */
export const OTHER = 0;
export const LETTER = 1;
export const NUMBER = 2;
export const SPACE = 3;
/** The groups. */
export const GROUP = 3;
/** This bit is set in what `\w` matches. */
const WORD = 4;

/** The letters of the table. */
const KINDS: Record<string, number> = {
  O: OTHER,
  L: LETTER | WORD,
  D: NUMBER | WORD,
  N: NUMBER,
  S: SPACE,
  W: WORD,
};

/** Classes of U+0000 .. U+FFFF one by one; above, where runs begin and their classes. */
interface Table {
  plane: Uint8Array;
  starts: number[];
  kinds: number[];
}
const PLANE = 0x10000;

let table: Table | undefined;

function makeTable(): Table {
  const plane = new Uint8Array(PLANE);
  const starts: number[] = [];
  const kinds: number[] = [];
  let at = 0;
  for (const [, letter, digits] of CLASSES.matchAll(/([A-Z])([0-9a-z]+)/g)) {
    const end = at + parseInt(digits, 36);
    plane.fill(KINDS[letter], at, end);
    if (end > PLANE) {
      starts.push(at);
      kinds.push(KINDS[letter]);
    }
    at = end;
  }
  return { plane, starts: [...starts, at], kinds: [...kinds, OTHER] };
}

/** The class of a code point beyond the first plane: of the last run that begins at or before it.
 */
function beyond({ starts, kinds }: Table, point: number): number {
  let low = 0;
  let high = starts.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (starts[middle] <= point) low = middle;
    else high = middle - 1;
  }
  return kinds[low];
}

/** The class of a code point. */
export function classOf(point: number): number {
  table ??= makeTable();
  return point < PLANE ? table.plane[point] : beyond(table, point);
}

/** Whether `\w` matches a code point. */
export const isWord = (point: number): boolean => (classOf(point) & WORD) !== 0;
