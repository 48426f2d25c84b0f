// A text cut into words, within which bytes are joined and beyond which they never are: what the
// regular expression of GPT-2 matches,
//
//   's|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+
//
// by hand, in one pass, with classes that are the same everywhere (classes.ts).

import { classOf, GROUP, SPACE } from './classes.ts';

const BLANK = 0x20;
const APOSTROPHE = 0x27;

/** The code point at `at`; half of a surrogate pair is one of its own. */
const pointAt = (text: string, at: number): number => text.codePointAt(at) as number;
const unitsOf = (point: number): number => (point > 0xffff ? 2 : 1);

const groupAt = (text: string, at: number): number => classOf(pointAt(text, at)) & GROUP;

/** Where characters of one group, of which one stands at `at`, end. */
function runEnd(text: string, at: number, end: number): number {
  const group = groupAt(text, at);
  let next = at;
  while (next < end) {
    const point = pointAt(text, next);
    if ((classOf(point) & GROUP) !== group) break;
    next += unitsOf(point);
  }
  return next;
}

/** Where white space that begins a word ends: its last character belongs to the word behind it,
 *  unless it is alone or the text ends. */
function spaceEnd(text: string, at: number, end: number): number {
  const next = runEnd(text, at, end);
  return next === end || next - at === 1 ? next : next - 1;
}

/** UTF-16 units of an English contraction at `at`, 0 if there is none. */
function contraction(text: string, at: number, end: number): number {
  if (text.charCodeAt(at) !== APOSTROPHE) return 0;
  const letters = text.slice(at + 1, Math.min(at + 3, end));
  if (letters !== '' && 'stmd'.includes(letters[0])) return 2;
  return letters === 're' || letters === 've' || letters === 'll' ? 3 : 0;
}

/** Where the word that begins at `at` ends, of a text that ends at `end`. */
export function wordEnd(text: string, at: number, end: number): number {
  const short = contraction(text, at, end);
  if (short > 0) return at + short;
  const isLead = text.charCodeAt(at) === BLANK && at + 1 < end;
  const first = isLead && groupAt(text, at + 1) !== SPACE ? at + 1 : at;
  return groupAt(text, first) === SPACE ? spaceEnd(text, at, end) : runEnd(text, first, end);
}

/** Calls `use` with the borders of every word from `from` to `end`. */
export function eachWord(
  text: string,
  from: number,
  end: number,
  use: (from: number, end: number) => void,
): void {
  for (let at = from; at < end; ) {
    const next = wordEnd(text, at, end);
    use(at, next);
    at = next;
  }
}
