// Learning gives the rules of the plain way, and keeps to its bounds.

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Tokenizer } from '../../src/tokenizer/index.ts';
import { fuzzString } from '../helpers/fuzz-strings.ts';
import { plainEncode, plainTrain } from '../helpers/plain-bpe.ts';

const pieces = fc.constantFrom('a', 'a', 'b', 'ab', 'c', ' ', ' ', '  ', '\u00e9', '7', "'s", '!');
const texts = fc.array(fc.string({ unit: pieces, maxLength: 30 }), { maxLength: 5 });
const rulesOf = (tokenizer: Tokenizer): string[] => tokenizer.toJson().model.merges;
const byNumber = (tokenizer: Tokenizer): string[] =>
  Object.entries(tokenizer.toJson().model.vocab)
    .sort(([, a], [, b]) => a - b)
    .map(([token]) => token);

describe('train', () => {
  test('600 random texts give the rules and tokens of a naive recount', () => {
    fc.assert(
      fc.property(texts, fc.nat(40), fc.integer({ min: 1, max: 3 }), (list, more, minFrequency) => {
        const tokenizer = Tokenizer.train(list, { size: 256 + more, minFrequency });
        const plain = plainTrain(list, 256 + more, minFrequency);
        expect(rulesOf(tokenizer)).toEqual(plain.merges.map((pair) => pair.join(' ')));
        expect(byNumber(tokenizer)).toEqual(plain.tokens);
      }),
      { seed: 5, numRuns: 600 },
    );
  });

  test('so do 200 fuzzed strings at once, joined and apart', () => {
    const list = Array.from({ length: 200 }, (_, number) => fuzzString(3, number));
    for (const some of [list, [list.join('')]]) {
      const tokenizer = Tokenizer.train(some, { size: 400 });
      const plain = plainTrain(some, 400);
      expect(rulesOf(tokenizer)).toEqual(plain.merges.map((pair) => pair.join(' ')));
      const ranks = new Map(rulesOf(tokenizer).map((rule, rank) => [rule, rank]));
      const ids = new Map(plain.tokens.map((token, id) => [token, id]));
      for (const text of list)
        expect([...tokenizer.encode(text)]).toEqual(
          plainEncode(text, ranks).map((token) => ids.get(token)),
        );
    }
  });

  test('of pairs that are as frequent the lowest left, then right token is taken', () => {
    expect(rulesOf(Tokenizer.train(['ba', 'ba', 'ab', 'ab'], { size: 257 }))).toEqual(['a b']);
    expect(rulesOf(Tokenizer.train(['ac', 'ac', 'ab', 'ab'], { size: 257 }))).toEqual(['a b']);
    const options = { size: 257, minFrequency: 1 };
    // as numbers, not as texts: bytes that print come before the others
    expect(rulesOf(Tokenizer.train(['!\u007f~', '!\u007f~'], { size: 257 }))).toEqual(['! \u0121']);
    expect(rulesOf(Tokenizer.train(['\u007f~\u007f'], options))).toEqual(['~ \u0121']);
  });

  test('overlapping pairs are joined from left to right', () => {
    expect(rulesOf(Tokenizer.train('aaaaa', { size: 259 }))).toEqual(['a a']);
    const tokenizer = Tokenizer.train('aaaaa', { size: 259, minFrequency: 1 });
    expect(rulesOf(tokenizer)).toEqual(['a a', 'aa a', 'aa aaa']);
  });

  test('special tokens come last, and nothing is learned across them', () => {
    const specialTokens = ['<|endoftext|>', '<pad>'];
    const text = 'ab<|endoftext|>ab<pad>'.repeat(4);
    const tokenizer = Tokenizer.train(text, { size: 300, specialTokens });
    expect(rulesOf(tokenizer)).toEqual(['a b']);
    expect(tokenizer.size).toBe(259);
    expect(specialTokens.map((token) => tokenizer.tokenToId(token))).toEqual([257, 258]);
    expect([...tokenizer.encode('ab<pad>')]).toEqual([256, 258]);
  });

  test('progress is told for every token, and what it throws ends the training', () => {
    const told: string[] = [];
    const options = {
      size: 259,
      specialTokens: ['<end>'],
      progress: (done: number, of: number) => void told.push(`${done}/${of}`),
    };
    Tokenizer.train('abc abc abd', options);
    expect(told).toEqual(['257/258', '258/258']);
    const stop = (): never => {
      throw new Error('stop');
    };
    expect(() => Tokenizer.train('aaaa', { size: 300, progress: stop })).toThrow('stop');
  });

  test('a text as a string, as bytes and as lines that end it gives the same', () => {
    const text = 'one fish\ntwo fish\nred fish\nblue fish \u{1f41f}\n'.repeat(3);
    const rules = rulesOf(Tokenizer.train(text, { size: 270 }));
    expect(rulesOf(Tokenizer.train(new TextEncoder().encode(text), { size: 270 }))).toEqual(rules);
    expect(rulesOf(Tokenizer.train([text], { size: 270 }))).toEqual(rules);
    expect(rulesOf(Tokenizer.train(new Set([text]), { size: 270 }))).toEqual(rules);
  });

  test('a word of a million bytes takes seconds, not hours', () => {
    const letter = (i: number): string =>
      String.fromCharCode(97 + ((Math.imul(i, 40503) >>> 7) % 26));
    const random = Array.from({ length: 500_000 }, (_, i) => letter(i)).join('');
    const begun = performance.now();
    const tokenizer = Tokenizer.train(random + 'a'.repeat(500_000), { size: 1024 });
    expect(tokenizer.decode(tokenizer.encode(random))).toBe(random);
    expect(performance.now() - begun).toBeLessThan(60_000);
  }, 120_000);

  test('what cannot be is refused, with what was given', () => {
    const refused = (run: () => unknown): string => {
      try {
        run();
      } catch (error) {
        return (error as Error).message;
      }
      return 'nothing was thrown';
    };
    const size = 300;
    expect(refused(() => Tokenizer.train('a', { size: 255 }))).toBe(
      'size is 255, expected a whole number from 256 to 65536',
    );
    expect(refused(() => Tokenizer.train('a', { size: 257, specialTokens: ['x1', 'x2'] }))).toBe(
      'size is 257, expected a whole number from 258 to 65536',
    );
    expect(refused(() => Tokenizer.train('a', { size, specialTokens: ['<a>', '<a>'] }))).toMatch(
      /^specialTokens is "<a>", expected other texts, each once/,
    );
    for (const content of ['', 'a', '\ud800'])
      expect(refused(() => Tokenizer.train('a', { size, specialTokens: [content] }))).toMatch(
        /^specialTokens/,
      );
    expect(refused(() => Tokenizer.train('a', { size, minFrequency: 0 }))).toMatch(/minFrequency/);
    expect(refused(() => Tokenizer.train(Uint8Array.of(97, 255), { size }))).toMatch(
      /^text is not UTF-8: byte 0xff at offset 1/,
    );
    expect(refused(() => Tokenizer.train(7 as never, { size }))).toMatch(/^text is 7, expected/);
    expect(refused(() => Tokenizer.train(['a', 7] as never, { size }))).toMatch(/^a text is 7/);
    expect(refused(() => Tokenizer.train('a', { size, vocabSize: 3 } as never))).toMatch(/size/);
  });
});
