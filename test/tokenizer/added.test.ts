// Added tokens are cut out of a text as Hugging Face's Rust library cuts them, flag by flag.

import { Tokenizer as HuggingFace } from '@huggingface/tokenizers';
import { describe, expect, test } from 'vitest';
import type { AddedToken } from '../../src/tokenizer/index.ts';
import { Tokenizer } from '../../src/tokenizer/index.ts';
import { drawing } from '../helpers/fuzz-strings.ts';

const base = Tokenizer.train('one two', { size: 256 }).toJson();
function withTokens(...tokens: (Partial<AddedToken> & { content: string })[]): Tokenizer {
  const added_tokens = tokens.map((token, i) => ({ id: 256 + i, ...token }));
  return Tokenizer.fromJson({ ...base, added_tokens });
}
/** The pieces of a text: added tokens as <content>, the rest as it decodes. */
function pieces(tokenizer: Tokenizer, text: string): string {
  const decoder = tokenizer.decoder();
  const parts = Array.from(tokenizer.encode(text), (id) =>
    id < 256 ? decoder.take(id) : `<${decoder.take(id)}>`,
  );
  return parts.join('') + decoder.end();
}

describe('added tokens', () => {
  test('the longest that begins first is taken', () => {
    const tokenizer = withTokens({ content: 'ab' }, { content: 'abcd' }, { content: 'bc' });
    expect(pieces(tokenizer, 'abcabcdbcab')).toBe('<ab>c<abcd><bc><ab>');
    expect(pieces(tokenizer, 'aabb')).toBe('a<ab>b');
  });

  test('lstrip and rstrip take the white space beside them, as Unicode has it', () => {
    const tokenizer = withTokens(
      { content: '[L', lstrip: true },
      { content: '[R', rstrip: true },
      { content: '[B', lstrip: true, rstrip: true },
    );
    expect(pieces(tokenizer, 'x \n\u3000[L y')).toBe('x<[L> y');
    expect(pieces(tokenizer, 'x [R \u0085 y')).toBe('x <[R>y');
    expect(pieces(tokenizer, ' [B  [B ')).toBe('<[B><[B>');
    expect(pieces(tokenizer, 'x!\u200b[B')).toBe('x!\u200b<[B>');
  });

  test('single_word is found only where no word goes on', () => {
    const tokenizer = withTokens({ content: 'cat', single_word: true });
    expect(pieces(tokenizer, 'cat scat cats cat.')).toBe('<cat> scat cats <cat>.');
    // letters, decimal digits, marks, connectors and joiners are of words; other numbers are not
    for (const word of ['\u00e9', '7', '\u0301', '_', '\u200d', '\u{1d7d8}', '\u{20000}', '\u2160'])
      expect(pieces(tokenizer, `cat${word}`) + pieces(tokenizer, `${word}cat`), word).toBe(
        `cat${word}${word}cat`,
      );
    for (const other of ['\u00b2', '-', ' ', '\u{1f600}', '\u00a0'])
      expect(pieces(tokenizer, `${other}cat${other}`), other).toBe(`${other}<cat>${other}`);
  });

  test('those that are normalized are looked for in what the others leave', () => {
    const tokenizer = withTokens(
      { content: 'abc', normalized: true },
      { content: 'bc', normalized: false },
    );
    expect(pieces(tokenizer, 'abc')).toBe('a<bc>');
  });

  test('flags that are left out have the defaults of Hugging Face', () => {
    const tokenizer = withTokens({ content: 'xy' }, { content: '<s>', special: true });
    expect(tokenizer.addedTokens.map(({ normalized }) => normalized)).toEqual([true, false]);
  });

  test('special ones can be read as text, and left out of it', () => {
    const tokenizer = withTokens({ content: '<s>', special: true }, { content: 'xy' });
    expect(tokenizer.encodeOrdinary('<s>xy').length).toBe(4);
    expect(tokenizer.decode(tokenizer.encode('a<s>xy'), { skipSpecialTokens: true })).toBe('axy');
    expect(tokenizer.decode(tokenizer.encode('a<s>xy'))).toBe('a<s>xy');
  });

  test('white space that a token has taken can be another token still', () => {
    const tokenizer = withTokens({ content: '[R', rstrip: true }, { content: '\n\n' });
    expect(pieces(tokenizer, '[R\n\n\nx')).toBe('<[R><\n\n>\nx');
  });

  test('5,000 strings around them have the tokens of @huggingface/tokenizers', () => {
    const contents = [
      '<s>',
      '</s>',
      '<|im|>',
      '<|im|>x',
      '[the',
      'nn',
      '\u00e9\u00e9',
      '\u{1f600}',
    ];
    const tokenizer = withTokens(
      ...contents.map((content, i) => ({
        content,
        special: i % 2 === 0,
        normalized: false,
        lstrip: i === 1,
        rstrip: i === 2,
      })),
    );
    const other = new HuggingFace(tokenizer.toJson(), {});
    const all = [...contents, ' ', '  ', 'x', '<', '<|im|', 'the', '\n', '>', "'s"];
    for (let number = 0; number < 5000; number++) {
      const draw = drawing(4, number);
      let text = '';
      for (let i = draw(12); i > 0; i--) text += all[draw(all.length)];
      if (text !== '')
        expect([...tokenizer.encode(text)], JSON.stringify(text)).toEqual(other.encode(text).ids);
    }
  });
});
