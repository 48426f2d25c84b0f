import { describe, expect, test } from 'vitest';
import { UsageError } from '../../src/core/errors.ts';
import { readText, splitTokens } from '../../src/data/text.ts';
import { Vocabulary } from '../../src/data/vocabulary.ts';
import { Tokenizer } from '../../src/tokenizer/index.ts';

const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);
const message = (
  bytes: Uint8Array,
  context: number,
  vocabulary?: 'characters' | 'bytes',
): string => {
  try {
    readText(bytes, { context, vocabulary, what: 'a.txt' });
  } catch (error) {
    expect(error).toBeInstanceOf(UsageError);
    return (error as Error).message;
  }
  return 'accepted';
};

describe('splitTokens', () => {
  test('training is the first floor(0.9 n) tokens, as in nanoGPT, for every n to 3,000', () => {
    for (let n = 0; n <= 3000; n++) {
      const tokens = Int32Array.from({ length: n }, (_, i) => i);
      const { train, validation } = splitTokens(tokens);
      expect(train.length).toBe(Math.floor(n * 0.9));
      expect(validation.length).toBe(n - train.length);
      if (validation.length > 0) expect(validation[0]).toBe(train.length);
    }
  });
});

describe('readText', () => {
  test('gives vocabulary, training and validation tokens', () => {
    const { vocabulary, train, validation } = readText(bytesOf('abcabcabcabcabcabcab'), {
      context: 1,
    });
    expect(vocabulary.size).toBe(3);
    expect(Array.from(train).join('')).toBe('012012012012012012');
    expect(Array.from(validation).join('')).toBe('01');
  });

  test('a given vocabulary is used, not made anew', () => {
    const vocabulary = Vocabulary.ofText(bytesOf('abcxyz'), 'characters');
    expect(readText(bytesOf('xyxyxyxyxyxy'), { context: 1, vocabulary }).train[0]).toBe(3);
  });

  test('an empty file, one distinct character and bytes that are not UTF-8 are refused', () => {
    expect(message(new Uint8Array(0), 8)).toBe(
      'a.txt is empty. HINT: give a text of at least 81 characters',
    );
    expect(message(bytesOf('a'), 8)).toMatch(
      /^a\.txt has one distinct character in 1, expected at least 2\. HINT: /,
    );
    for (const kind of ['characters', 'bytes'] as const)
      expect(message(bytesOf('a'.repeat(1000)), 8, kind)).toMatch(/one distinct character in 1000/);
    expect(message(Uint8Array.of(0x61, 0x62, 0xc0), 8)).toMatch(/not UTF-8: byte 0xc0 at offset 2/);
    expect(
      message(
        Uint8Array.from({ length: 200 }, (_, i) => 200 + (i % 50)),
        8,
        'bytes',
      ),
    ).toBe('accepted');
  });

  test('the shortest accepted text has 10 context + 1 characters, and the hint says so', () => {
    for (const context of [1, 2, 7, 8, 64]) {
      const text = (n: number): Uint8Array => bytesOf('ab'.repeat(n).slice(0, n));
      expect(message(text(10 * context + 1), context)).toBe('accepted');
      expect(message(text(10 * context), context)).toContain(
        `its validation part has ${context} tokens, expected at least ${context + 1} ` +
          `(context ${context} + 1). HINT: use a text of at least ${10 * context + 1} ` +
          'characters',
      );
    }
    expect(message(bytesOf('ab'.repeat(50)), 64)).toContain('or a context of at most 9');
    expect(message(bytesOf('ab'), 64)).toMatch(/at least 641 characters$/);
  });

  test('the longest context of the hint is accepted', () => {
    for (let n = 11; n < 200; n++) {
      const bytes = bytesOf('ab'.repeat(n).slice(0, n));
      const longest = Number(/context of at most (\d+)/.exec(message(bytes, 500))?.[1]);
      expect(message(bytes, longest)).toBe('accepted');
      expect(message(bytes, longest + 1)).not.toBe('accepted');
    }
  });
});

describe('another encoding', () => {
  test('a Tokenizer gives its tokens', () => {
    const text = 'the cat sat on the mat. '.repeat(12);
    const tokenizer = Tokenizer.train(text, { size: 270 });
    const found = readText(bytesOf(text), { context: 2, vocabulary: tokenizer });
    expect(found.vocabulary).toBe(tokenizer);
    expect([...found.train, ...found.validation]).toEqual([...tokenizer.encode(text)]);
  });

  test("one of one's own needs `encode` alone, which gives an Int32Array", () => {
    const own = { encode: (bytes: Uint8Array) => Int32Array.from(bytes, (byte) => byte & 7) };
    const { train } = readText(bytesOf('abcdefghij'.repeat(3)), { context: 1, vocabulary: own });
    expect(train.length).toBe(27);
    const plain = { encode: () => [1, 2, 3] } as never;
    for (const [vocabulary, reason] of [
      [plain, /^the tokens is of type object, expected Int32Array/],
      [{} as never, /^encode of vocabulary is undefined, expected a function/],
      [7 as never, /^vocabulary is 7, expected an object/],
    ] as const)
      expect(() => readText(bytesOf('abc'), { context: 1, vocabulary })).toThrow(reason);
    const one = { encode: () => new Int32Array(40) };
    expect(() => readText(bytesOf('abc'), { context: 1, vocabulary: one })).toThrow(
      /text has one distinct token in 40, expected at least 2/,
    );
  });
});
