// Byte-level byte-pair encoding the plain way: words by a regular expression whose classes are
// written out from the table, and every rule looked for anew in all words.

import { CLASSES } from '../../src/tokenizer/class-table.ts';

/** A part of a regular expression's class that has the runs of some letters of the table. */
function rangesOf(letters: string): string {
  let at = 0;
  let ranges = '';
  for (const [, letter, digits] of CLASSES.matchAll(/([A-Z])([0-9a-z]+)/g)) {
    const end = at + Number.parseInt(digits, 36);
    const hex = (point: number): string => `\\u{${point.toString(16)}}`;
    if (letters.includes(letter)) ranges += `${hex(at)}-${hex(end - 1)}`;
    at = end;
  }
  return ranges;
}

const LETTER = rangesOf('L');
const NUMBER = rangesOf('DN');
const SPACE = rangesOf('S');
const WORD = new RegExp(
  `'s|'t|'re|'ve|'m|'ll|'d| ?[${LETTER}]+| ?[${NUMBER}]+| ?[^${SPACE}${LETTER}${NUMBER}]+|` +
    `[${SPACE}]+(?![^${SPACE}])|[${SPACE}]+`,
  'gu',
);

/** The words of a text. */
export const plainWords = (text: string): string[] => text.match(WORD) ?? [];

/** GPT-2's characters of bytes, in the order in which it makes them. */
function characters(): string[] {
  const printed = [
    [0x21, 0x7e],
    [0xa1, 0xac],
    [0xae, 0xff],
  ];
  let others = 256;
  return Array.from({ length: 256 }, (_, byte) =>
    String.fromCodePoint(printed.some(([a, b]) => byte >= a && byte <= b) ? byte : others++),
  );
}
const CHARACTERS = characters();

/** The bytes of a word, as GPT-2 writes them. */
export const plainBytes = (word: string): string[] =>
  Array.from(new TextEncoder().encode(word), (byte) => CHARACTERS[byte]);

/** A word with every `left`, `right` made one. */
function joined(word: readonly string[], left: string, right: string): string[] {
  const out: string[] = [];
  for (let i = 0; i < word.length; i++)
    out.push(word[i] === left && word[i + 1] === right ? word[i] + word[++i] : word[i]);
  return out;
}

/** Learns rules: all pairs of all words are counted anew for each. A token's number is its place
 *  among the bytes' characters, ascending, or behind them. */
export function plainTrain(
  texts: readonly string[],
  size: number,
  least = 2,
): { tokens: string[]; merges: [string, string][] } {
  const tokens = [...CHARACTERS].sort();
  const merges: [string, string][] = [];
  let words = texts.flatMap(plainWords).map(plainBytes);
  while (tokens.length < size) {
    const counts = new Map<string, number>();
    for (const word of words)
      for (let i = 0; i + 1 < word.length; i++) {
        const pair = `${word[i]} ${word[i + 1]}`;
        counts.set(pair, (counts.get(pair) ?? 0) + 1);
      }
    const [best] = [...counts]
      .map(([pair, count]) => {
        const [left, right] = pair.split(' ');
        return { left, right, count, at: [tokens.indexOf(left), tokens.indexOf(right)] };
      })
      .sort((a, b) => b.count - a.count || a.at[0] - b.at[0] || a.at[1] - b.at[1]);
    if (best === undefined || best.count < least) break;
    merges.push([best.left, best.right]);
    if (!tokens.includes(best.left + best.right)) tokens.push(best.left + best.right);
    words = words.map((word) => joined(word, best.left, best.right));
  }
  return { tokens, merges };
}

/** The tokens of a text as GPT-2 writes them: of all rules that apply in a word the first one is
 *  applied, wherever it does, until none applies. */
export function plainEncode(text: string, ranks: ReadonlyMap<string, number>): string[] {
  return plainWords(text).flatMap((one) => {
    let word = plainBytes(one);
    for (;;) {
      let best: { left: string; right: string; rank: number } | undefined;
      for (let i = 0; i + 1 < word.length; i++) {
        const rank = ranks.get(`${word[i]} ${word[i + 1]}`);
        if (rank !== undefined && (best === undefined || rank < best.rank))
          best = { left: word[i], right: word[i + 1], rank };
      }
      if (best === undefined) return word;
      word = joined(word, best.left, best.right);
    }
  });
}
