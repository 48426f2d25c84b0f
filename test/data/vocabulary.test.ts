import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Vocabulary } from '../../src/data/vocabulary.ts';
import { pattern } from '../helpers/pattern.ts';

const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);
const text = fc.string({ unit: 'binary', minLength: 1, maxLength: 60 });

describe('Vocabulary', () => {
  test('characters are the sorted distinct code points of the text', () => {
    const vocabulary = Vocabulary.ofText(bytesOf('banana é😀\n'), 'characters');
    expect(vocabulary.toJson()).toEqual({ kind: 'characters', symbols: '\n abné😀' });
    expect(vocabulary.size).toBe(7);
    expect(Array.from(vocabulary.encode(bytesOf('ab😀')))).toEqual([2, 3, 6]);
  });

  test('decode(encode(text)) = text for both kinds, also through JSON', () => {
    fc.assert(
      fc.property(text, (value) => {
        for (const kind of ['characters', 'bytes'] as const) {
          const vocabulary = Vocabulary.ofText(bytesOf(value), kind);
          const tokens = vocabulary.encode(bytesOf(value));
          expect(Math.max(...tokens)).toBeLessThan(vocabulary.size);
          expect(vocabulary.decode(tokens)).toBe(value);
          const again = Vocabulary.fromJson(JSON.parse(JSON.stringify(vocabulary.toJson())));
          expect(again?.toJson()).toEqual(vocabulary.toJson());
          expect(again?.encode(bytesOf(value))).toEqual(tokens);
        }
      }),
      { seed: 3, numRuns: 500 },
    );
  });

  test('bytes take any file and have 256 tokens', () => {
    const all = Uint8Array.from({ length: 256 }, (_, i) => i);
    expect(Vocabulary.ofText(all, 'bytes').size).toBe(256);
    expect(Array.from(Vocabulary.bytes().encode(all))).toEqual(Array.from(all));
    expect(Vocabulary.bytes().decode([0x61, 0xff])).toBe('a\uFFFD');
  });

  test('an unknown character is named with its place, a control character by its code only', () => {
    const vocabulary = Vocabulary.ofText(bytesOf('abc'), 'characters');
    expect(() => vocabulary.encode(bytesOf('abz'), 'the prompt')).toThrow(
      pattern(
        /^the prompt has the character 'z' \(U\+007A\) at position 2, expected one of /,
        /the 3 characters/,
      ),
    );
    expect(() => vocabulary.encode(bytesOf('a\n'))).toThrow(/the character U\+000A at/);
    expect(() => vocabulary.encode(bytesOf('😀'))).toThrow(/'😀' \(U\+1F600\) at position 0/);
  });

  test('more than 65,536 distinct characters are refused, 65,536 are not', () => {
    const points = (count: number): string =>
      Array.from({ length: count }, (_, i) => String.fromCodePoint(0x10000 + i)).join('');
    expect(Vocabulary.ofText(bytesOf(points(65536)), 'characters').size).toBe(65536);
    expect(() => Vocabulary.ofText(bytesOf(points(65537)), 'characters')).toThrow(
      /65537 distinct characters, expected at most 65536.*HINT: use the byte vocabulary/,
    );
  });

  test('JSON that is not a vocabulary gives undefined', () => {
    for (const value of [
      null,
      undefined,
      1,
      'bytes',
      [],
      {},
      { kind: 'words' },
      { kind: 'characters' },
      { kind: 'characters', symbols: '' },
      { kind: 'characters', symbols: 'ba' },
      { kind: 'characters', symbols: 'aa' },
      { kind: 'characters', symbols: 7 },
    ])
      expect(Vocabulary.fromJson(value), JSON.stringify(value)).toBeUndefined();
  });
});
