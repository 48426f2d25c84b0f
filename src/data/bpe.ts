// Byte-pair encoding (Sennrich, Haddow, Birch 2016): the tokens of a language, learned from its
// sentences. A text is cut into words, each with the space before it (the first word gets one too)
// and punctuation apart from letters; a word begins as its characters, and the pair of neighbouring
// tokens that is most frequent becomes a token, again and again. Only integers are compared, ties
// go to the pair that is smaller by code points, and no table of the runtime is consulted: the same
// sentences give the same vocabulary everywhere.

import { list, reading, refuse, text as textOf, whole } from '../core/check.ts';
import { UsageError } from '../core/errors.ts';
import { comparePoints, MAX_TOKENS, merge, PairCounts } from './pair-counts.ts';

/** Tokens that stand for no text: they are 0 .. 3 in every vocabulary. */
export const SPECIAL = {
  /** Fills a row behind its last token. */
  padding: 0,
  /** Stands before the first token of what a decoder reads. */
  begin: 1,
  /** Ends a sentence. */
  end: 2,
  /** A character that was not learned. */
  unknown: 3,
} as const;
const SPECIALS = 4;
/** Characters of a word without its space; a longer run is cut, which bounds the work for a word.
 */
const MAX_WORD = 64;
/** UTF-16 units of a token: a word of MAX_WORD characters and its space. Nothing longer can be
 *  learned. */
const MAX_TEXT = 2 * MAX_WORD + 1;
/** Words that `encode` remembers. */
const MAX_CACHE = 2 ** 18;
/** Most UTF-16 units of all different words of the sentences: learning takes some 250 bytes for
 *  each. */
const MAX_LEARNED = 2 ** 23;

/** Control characters, punctuation and signs of ASCII, Latin-1, U+2000-206F, U+3000-303F and the
 *  full-width forms; all else counts as letters. */
const WORD = /* @__PURE__ */ wordPattern();
function wordPattern(): RegExp {
  const punctuation =
    '\\0-\\x1f!-/:-@\\[-`{-\\xa9\\xab-\\xb4\\xb6-\\xb9\\xbb-\\xbf\\xd7\\xf7' +
    '\\u2000-\\u206f\\u3000-\\u303f\\uff00-\\uff0f\\uff1a-\\uff20';
  const sets = ` ?(?:[${punctuation}]{1,${MAX_WORD}}|[^ ${punctuation}]{1,${MAX_WORD}})| `;
  return new RegExp(sets, 'gu');
}

/** What a checkpoint keeps. */
export interface BytePairsJson {
  /** Tells it from other vocabularies. */
  kind: 'byte-pairs';
  /** The characters, ascending: tokens 4, 5, .. */
  symbols: string;
  /** Left and right token of each rule in turn. */
  merges: number[];
}

/** The words of a text, each with the space before it; together they are ' ' + text. */
const wordsOf = (text: string): string[] => (text === '' ? [] : (` ${text}`.match(WORD) ?? []));

/** Half of a surrogate pair: no character, and two of them side by side would become one. */
const isLoneSurrogate = (character: string): boolean =>
  character.length === 1 && character >= '\ud800' && character <= '\udfff';

/** Texts and rules while they are learned or read back: every text is one token, even if two rules
 *  make it. */
class Table {
  readonly texts: string[] = ['', '', '', '\uFFFD'];
  readonly tokenOf = new Map<string, number>();
  /** Rule of a pair: its place in the order, and the token it makes. */
  readonly rules = new Map<number, { rank: number; joined: number }>();

  /** The characters, ascending. */
  readonly symbols: readonly string[];

  constructor(symbols: readonly string[]) {
    this.symbols = symbols;
    for (const symbol of symbols) this.token(symbol);
  }

  /** The token of a text, a new one if it has none. */
  token(text: string): number {
    let token = this.tokenOf.get(text);
    if (token === undefined) {
      token = this.texts.push(text) - 1;
      this.tokenOf.set(text, token);
    }
    return token;
  }

  /** The token that a pair becomes. */
  addRule(left: number, right: number): number {
    const joined = this.token(this.texts[left] + this.texts[right]);
    const pair = left * MAX_TOKENS + right;
    if (!this.rules.has(pair)) this.rules.set(pair, { rank: this.rules.size, joined });
    return joined;
  }
}

/** The tokens of sentences and back. Made by `learn` or `fromJson`.
 *  @example
 *  const pairs = BytePairs.learn(['low lower lowest', 'slow slower slowest'], 20);
 *  const ids = pairs.encode('lower slow');
 *  console.log(pairs.size, ids.length, pairs.decode(ids)); // 19 4 lower slow
 */
export class BytePairs {
  /** Kept by bundlers. @internal */
  static readonly name = 'BytePairs';
  /** V: number of tokens, the 4 special ones included. */
  readonly size: number;
  private readonly table: Table;
  private readonly cache = new Map<string, number[]>();

  private constructor(table: Table) {
    this.table = table;
    this.size = table.texts.length;
  }

  /** Learns a vocabulary of `size` tokens from sentences (of one language, or of both for a joint
   *  vocabulary); of fewer, if no pair occurs twice any more. Throws UsageError if there is no
   *  text, if size is less than 4 and the text's characters, or above 65,536, and for different
   *  words of more than 2^23 characters together.
   *  @example
   *  console.log(BytePairs.learn(['aaaa', 'aaab'], 8).toJson());
   *  // { kind: 'byte-pairs', symbols: ' ab', merges: [ 5, 5 ] }
   */
  static learn(sentences: Iterable<string>, size: number): BytePairs {
    whole("the vocabulary's size", size, SPECIALS + 1, MAX_TOKENS);
    if (typeof sentences === 'string')
      refuse('sentences', sentences, 'an array of them, or another iterable');
    const frequency = new Map<string, number>();
    const characters = new Set<string>();
    let learned = 0;
    const count = (word: string): void => {
      const times = frequency.get(word) ?? 0;
      frequency.set(word, times + 1);
      if (times === 0) learned += word.length;
      if (learned > MAX_LEARNED)
        throw new UsageError(
          `the different words have more than ${MAX_LEARNED} characters, expected at most so many`,
          'learn from fewer sentences',
        );
    };
    reading('sentences', () => {
      for (const sentence of sentences) wordsOf(textOf('a sentence', sentence)).forEach(count);
    });
    for (const word of frequency.keys()) for (const character of word) characters.add(character);
    if ([...characters].some(isLoneSurrogate))
      throw new UsageError('a sentence has half of a surrogate pair, expected Unicode text');
    if (characters.size === 0)
      throw new UsageError(
        'there is no text to learn a vocabulary from, expected at least one sentence',
      );
    if (characters.size + SPECIALS > size)
      throw new UsageError(
        `the vocabulary's size is ${size}, expected at least ${characters.size + SPECIALS} ` +
          `(${characters.size} characters and ${SPECIALS} special tokens)`,
        'choose a larger vocabulary, or remove the rare characters',
      );
    const table = new Table([...characters].sort(comparePoints));
    const words = Array.from(frequency, ([word, count]) => ({
      tokens: Array.from(word, (character) => table.token(character)),
      count,
    }));
    const counts = new PairCounts(words, table.texts);
    while (table.texts.length < size) {
      const pair = counts.best();
      if (pair === undefined) break;
      const left = Math.floor(pair / MAX_TOKENS);
      const right = pair % MAX_TOKENS;
      counts.join(left, right, table.addRule(left, right));
    }
    return new BytePairs(table);
  }

  /** From a checkpoint's JSON value, of which nothing is trusted. Returns undefined if it is not
   *  such a vocabulary.
   *  @example
   *  const known = BytePairs.fromJson({ kind: 'byte-pairs', symbols: ' ab', merges: [5, 5] });
   *  console.log(known?.size, BytePairs.fromJson({ kind: 'bytes' })); // 8 undefined
   */
  static fromJson(value: unknown): BytePairs | undefined {
    if (typeof value !== 'object' || value === null) return undefined;
    return reading('the vocabulary', () => BytePairs.parse(value));
  }

  private static parse(value: object): BytePairs | undefined {
    const { kind, symbols, merges } = value as {
      kind?: unknown;
      symbols?: unknown;
      merges?: unknown;
    };
    if (
      kind !== 'byte-pairs' ||
      typeof symbols !== 'string' ||
      !Array.isArray(merges) ||
      merges.length % 2 !== 0
    )
      return undefined;
    const characters = Array.from(symbols);
    const isAscending = characters.every(
      (character, i) => i === 0 || comparePoints(character, characters[i - 1]) > 0,
    );
    if (
      characters.length === 0 ||
      characters.length + SPECIALS > MAX_TOKENS ||
      !isAscending ||
      characters.some(isLoneSurrogate)
    )
      return undefined;
    const table = new Table(characters);
    const { texts, rules } = table;
    const isToken = (token: unknown): token is number =>
      Number.isInteger(token) && (token as number) >= SPECIALS && (token as number) < texts.length;
    for (let i = 0; i < merges.length; i += 2) {
      const left: unknown = merges[i];
      const right: unknown = merges[i + 1];
      if (!isToken(left) || !isToken(right) || rules.has(left * MAX_TOKENS + right))
        return undefined;
      if (texts[left].length + texts[right].length > MAX_TEXT) return undefined;
      table.addRule(left, right);
      if (texts.length > MAX_TOKENS) return undefined;
    }
    return new BytePairs(table);
  }

  /** The value that a checkpoint keeps.
   *  @example
   *  console.log(BytePairs.learn(['aaaa', 'aaab'], 8).toJson().merges); // [ 5, 5 ]
   */
  toJson(): BytePairsJson {
    const { symbols, rules } = this.table;
    const merges = [...rules.keys()].flatMap((pair) => [
      Math.floor(pair / MAX_TOKENS),
      pair % MAX_TOKENS,
    ]);
    return { kind: 'byte-pairs', symbols: symbols.join(''), merges };
  }

  /** The tokens of a text, without begin and end; a character that was not learned is token 3.
   *  @example
   *  console.log(BytePairs.learn(['aaaa', 'aaab'], 8).encode('aaz').join(' ')); // 4 7 3
   */
  encode(text: string): Int32Array<ArrayBuffer> {
    return Int32Array.from(wordsOf(textOf('text', text)).flatMap((word) => this.encodeWord(word)));
  }

  /** The text of some tokens, each below `size`: the one that was encoded, if all its characters
   *  are known. Padding, begin and end are no text, an unknown character is U+FFFD.
   *  @example
   *  console.log(BytePairs.learn(['aaaa', 'aaab'], 8).decode([1, 4, 7, 6, 2, 0])); // aab
   */
  decode(tokens: ArrayLike<number>): string {
    const own = list('tokens', tokens, (name, token) => whole(name, token, 0, this.size - 1));
    const text = own.map((token) => this.table.texts[token]).join('');
    return text.startsWith(' ') ? text.slice(1) : text;
  }

  /** The tokens of a word: of the rules that apply, the one learned first, until none does. */
  private encodeWord(word: string): number[] {
    const known = this.cache.get(word);
    if (known !== undefined) return known;
    const { tokenOf, rules } = this.table;
    let tokens: number[] = Array.from(
      word,
      (character) => tokenOf.get(character) ?? SPECIAL.unknown,
    );
    for (;;) {
      let first = -1;
      let rule: { rank: number; joined: number } | undefined;
      for (let i = 0; i + 1 < tokens.length; i++) {
        const next = rules.get(tokens[i] * MAX_TOKENS + tokens[i + 1]);
        if (next !== undefined && (rule === undefined || next.rank < rule.rank))
          [first, rule] = [i, next];
      }
      if (rule === undefined) break;
      tokens = merge(tokens, tokens[first], tokens[first + 1], rule.joined);
    }
    if (this.cache.size >= MAX_CACHE) this.cache.clear();
    this.cache.set(word, tokens);
    return tokens;
  }
}
