// Words are cut as GPT-2's regular expression cuts them, with the classes of Unicode 17.0.

import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import {
  classOf,
  GROUP,
  isWord,
  LETTER,
  NUMBER,
  OTHER,
  SPACE,
  UNICODE_VERSION,
} from '../../src/tokenizer/classes.ts';
import { eachWord } from '../../src/tokenizer/words.ts';
import { fuzzString } from '../helpers/fuzz-strings.ts';
import { plainWords } from '../helpers/plain-bpe.ts';

function words(text: string): string[] {
  const found: string[] = [];
  eachWord(text, 0, text.length, (from, end) => {
    found.push(text.slice(from, end));
  });
  return found;
}
const points = Array.from({ length: 0x110000 }, (_, point) => point);

describe('the table of classes', () => {
  test('says of every code point what Unicode 17.0 says: one digest', () => {
    expect(UNICODE_VERSION).toBe('17.0');
    const classes = Uint8Array.from(points, classOf);
    const digest = createHash('sha256').update(classes).digest('hex').slice(0, 16);
    expect(digest).toBe('43912ddd9387f519');
    const count = (group: number): number => classes.filter((c) => (c & GROUP) === group).length;
    expect([LETTER, NUMBER, SPACE].map(count)).toEqual([145_672, 1924, 25]);
  });

  test('agrees with the runtime on what both versions of Unicode know', () => {
    const patterns = [
      [SPACE, /\p{White_Space}/u],
      [LETTER, /\p{L}/u],
      [NUMBER, /\p{N}/u],
    ] as const;
    const word = /[\p{Alphabetic}\p{M}\p{Nd}\p{Pc}\p{Join_Control}]/u;
    const differing = points.filter((point) => {
      const c = String.fromCodePoint(point);
      const group = patterns.find(([, pattern]) => pattern.test(c))?.[0] ?? OTHER;
      if ((classOf(point) & GROUP) === group && isWord(point) === word.test(c)) return false;
      const isKnownToBoth = !/\p{Cn}/u.test(c) && classOf(point) !== OTHER;
      return isKnownToBoth || process.versions.unicode === UNICODE_VERSION;
    });
    expect(differing.map((point) => point.toString(16))).toEqual([]);
  });

  test('a half of a surrogate pair is neither letter nor number nor white space', () => {
    for (let point = 0xd800; point <= 0xdfff; point++) expect(classOf(point)).toBe(OTHER);
  });
});

describe('words', () => {
  test('known answers', () => {
    expect(words("It's 2026, they'll  see\n\n you")).toEqual([
      'It',
      "'s",
      ' 2026',
      ',',
      ' they',
      "'ll",
      ' ',
      ' see',
      '\n\n',
      ' you',
    ]);
    expect(words("x'S 'tis !'s")).toEqual(['x', "'", 'S', " '", 'tis', " !'", 's']);
    expect(words('a \n ')).toEqual(['a', ' \n ']);
    expect(words('  ')).toEqual(['  ']);
    expect(words('')).toEqual([]);
    expect(words("'")).toEqual(["'"]);
    expect(words("'l")).toEqual(["'", 'l']);
  });

  test('U+0085 is white space and U+FEFF is none, as for Python, Rust and Oniguruma', () => {
    expect(words('a\u0085\u0085b')).toEqual(['a', '\u0085', '\u0085', 'b']);
    expect(words('a\ufeff!b')).toEqual(['a', '\ufeff!', 'b']);
  });

  test('20,000 fuzzed strings are cut as the regular expression cuts them', () => {
    for (let number = 0; number < 20_000; number++) {
      const text = fuzzString(2, number);
      if (words(text).join('|') !== plainWords(text).join('|'))
        expect(words(text), JSON.stringify(text)).toEqual(plainWords(text));
    }
  });

  test('a part of a text is cut as a text of its own', () => {
    const text = "we'll see  now";
    const found: string[] = [];
    eachWord(text, 2, 11, (from, end) => found.push(text.slice(from, end)));
    expect(found).toEqual(words("'ll see  "));
    const short: string[] = [];
    eachWord(text, 2, 4, (from, end) => short.push(text.slice(from, end)));
    expect(short).toEqual(["'", 'l']);
  });
});
