import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { UsageError } from '../../src/core/errors.ts';
import { normaliseSentence, readPairFiles, readPairs, splitPairs } from '../../src/data/pairs.ts';
import { pattern } from '../helpers/pattern.ts';

const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);
const read = (text: string): string[][] =>
  readPairs(bytesOf(text), 'a.tsv').pairs.map(({ source, target }) => [source, target]);
const readTwo = (source: string, target: string): string[][] =>
  readPairFiles(bytesOf(source), bytesOf(target), 'a.en', 'a.fr').pairs.map((pair) => [
    pair.source,
    pair.target,
  ]);
/** Sentences in their one spelling. */
const sentence = fc
  .string({
    unit: fc.constantFrom('a', 'b', 'é', '漢', '😀', ' ', '.'),
    minLength: 1,
    maxLength: 12,
  })
  .map(normaliseSentence)
  .filter((text) => text !== '');
const pairsOf = (...sources: string[]): { source: string; target: string }[] =>
  sources.map((source, i) => ({ source, target: String(i) }));

describe('readPairs', () => {
  test('one pair a line, more columns ignored, either kind of line end, the last optional', () => {
    const expected = [
      ['Go.', 'Va !'],
      ['Run!', 'Cours !'],
    ];
    for (const text of [
      'Go.\tVa !\nRun!\tCours !',
      'Go.\tVa !\nRun!\tCours !\n',
      'Go.\tVa !\r\nRun!\tCours !\r\n',
      'Go.\tVa !\tCC-BY\t7\nRun!\tCours !\t\n',
      '\uFEFFGo.\tVa !\nRun!\tCours !\n',
    ])
      expect(read(text)).toEqual(expected);
  });

  test('one spelling: NFC, every space plain and single, none at the ends', () => {
    expect(read('  e\u0301te\u0301 \u00a0x\tVa\u202f!\u3000\na\tb\n')).toEqual([
      ['été x', 'Va !'],
      ['a', 'b'],
    ]);
    const spaces =
      '\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a' +
      '\u2028\u2029\u202f\u205f\u3000\u0085\v\f\r\t';
    for (const space of spaces)
      expect(normaliseSentence(`${space}a${space} b${space}`)).toBe('a b');
    expect(normaliseSentence('a\u200bb')).toBe('a\u200bb'); // no space: of no width
  });

  test('the two forms give the same pairs, and reading what was written changes nothing', () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.tuple(sentence, sentence), {
          minLength: 2,
          maxLength: 12,
          selector: String,
        }),
        (pairs) => {
          expect(read(pairs.map((pair) => pair.join('\t')).join('\n'))).toEqual(pairs);
          expect(
            readTwo(
              pairs.map(([source]) => source).join('\r\n'),
              `${pairs.map(([, target]) => target).join('\n')}\n`,
            ),
          ).toEqual(pairs);
        },
      ),
      { seed: 61, numRuns: 300 },
    );
  });

  test('every bad file is refused with its place', () => {
    expect(() => read('')).toThrow(new UsageError('a.tsv is empty, expected one sentence a line'));
    expect(() => read('a\tb\nc d\n')).toThrow(
      /^a\.tsv has no TAB in line 2, expected a source sentence, TAB, its translation$/,
    );
    expect(() => read('a\tb\n\nc\td\n')).toThrow(/no TAB in line 2/);
    expect(() => read('a\tb\n \u00a0\tx\n')).toThrow(
      /^the source side of a\.tsv is empty in line 2, expected a sentence\. HINT: remove the line$/,
    );
    expect(() => read('a\tb\r\nx\t\r\n')).toThrow(/^the target side of a\.tsv is empty in line 2/);
    expect(() => read('a\tb\n')).toThrow(
      /^one distinct pair in a\.tsv \(lines: 1\), expected at least 2\. HINT: /,
    );
    expect(() => read('a\tb\na \tb\n')).toThrow(/^one distinct pair in a\.tsv \(lines: 2\)/);
    expect(() => read('\uFEFF')).toThrow(/^no distinct pair in a\.tsv \(lines: 0\)/);
    expect(() => readPairs(Uint8Array.of(0x61, 9, 0x62, 10, 0xff), 'a.tsv')).toThrow(
      /^a\.tsv is not UTF-8: byte 0xff at offset 4/,
    );
  });

  test('two files: every bad one is named', () => {
    expect(() => readTwo('', 'a\n')).toThrow(/^a\.en is empty/);
    expect(() => readTwo('a\n', '')).toThrow(/^a\.fr is empty/);
    expect(() => readTwo('a\nb\nc', 'x\ny\n')).toThrow(
      new UsageError('unpaired lines: a.en has 3, a.fr has 2, expected as many'),
    );
    expect(() => readTwo('a\nb\n', 'x\n\n')).toThrow(
      /^a\.fr is empty in line 2, expected a sentence/,
    );
    expect(() => readTwo('a\n \n', 'x\ny\n')).toThrow(/^a\.en is empty in line 2/);
    expect(() => readTwo('a\na\n', 'x\nx\n')).toThrow(
      /^one distinct pair in a\.en and a\.fr \(lines: 2\)/,
    );
    expect(() =>
      readPairFiles(bytesOf('a\nb'), Uint8Array.of(0xc0, 10, 0x61), 'a.en', 'a.fr'),
    ).toThrow(/^a\.fr is not UTF-8: byte 0xc0 at offset 0/);
    expect(readTwo('a\tx\nb', 'c\nd')).toEqual([
      ['a x', 'c'],
      ['b', 'd'],
    ]); // a TAB there is a space
  });

  test('any bytes are pairs in one spelling or a UsageError', () => {
    const byte = fc.oneof(
      fc.constantFrom(9, 10, 13, 32, 0x61, 0xc3, 0xa9, 0xc2, 0xa0),
      fc.nat(255),
    );
    fc.assert(
      fc.property(
        fc.array(byte, { maxLength: 24 }).map((bytes) => Uint8Array.from(bytes)),
        (bytes) => {
          try {
            for (const { source, target } of readPairs(bytes).pairs)
              for (const side of [source, target])
                expect([side, side === '']).toEqual([normaliseSentence(side), false]);
          } catch (error) {
            expect(error).toBeInstanceOf(UsageError);
          }
        },
      ),
      { seed: 62, numRuns: 3000 },
    );
  });
});

describe('splitPairs', () => {
  test('the k-th source, k mod every = every - 1, is validation with its translations', () => {
    const { train, validation } = splitPairs(
      pairsOf('a', 'b', 'b', 'c', 'a', 'd', 'e', 'c', 'f'),
      3,
    );
    expect(train.map(({ target }) => target).join('')).toBe('012456');
    expect(validation.map(({ source }) => source).join('')).toBe('ccf');
  });

  test('no source is in both parts, nothing is lost, the order stays', () => {
    fc.assert(
      fc.property(
        fc.array(fc.nat(30), { minLength: 1, maxLength: 120 }),
        fc.integer({ min: 2, max: 8 }),
        (sources, every) => {
          fc.pre(new Set(sources).size >= every);
          const pairs = pairsOf(...sources.map(String));
          const { train, validation } = splitPairs(pairs, every);
          const kept = new Set(train.map(({ source }) => source));
          const held = new Set(validation.map(({ source }) => source));
          expect([...kept].filter((source) => held.has(source))).toEqual([]);
          expect(held.size).toBe(Math.floor(new Set(sources).size / every));
          expect(
            [...train, ...validation].sort((a, b) => Number(a.target) - Number(b.target)),
          ).toEqual(pairs);
          for (const part of [train, validation])
            expect(part.map(({ target }) => Number(target))).toEqual(
              part.map(({ target }) => Number(target)).sort((a, b) => a - b),
            );
        },
      ),
      { seed: 63, numRuns: 300 },
    );
  });

  test('every is 50 unless given; too few sentences and a bad number are refused', () => {
    const pairs = pairsOf(...Array.from({ length: 150 }, (_, i) => String(i)));
    expect(splitPairs(pairs).validation.map(({ source }) => source)).toEqual(['49', '99', '149']);
    expect(() => splitPairs(pairs.slice(0, 49))).toThrow(
      pattern(
        /^the pairs have 49 distinct source sentences, expected at least 50 to hold out /,
        /one in 50\. HINT: /,
      ),
    );
    for (const every of [1, 0, -3, 2.5, NaN])
      expect(() => splitPairs(pairs, every)).toThrow(
        /^every is .*, expected a whole number from 2 to/,
      );
  });
});
