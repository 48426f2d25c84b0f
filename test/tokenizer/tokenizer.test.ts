// tokenizer.json, vocab.json and merges.txt: read, written, refused. Tokens back to text.

import { Tokenizer as HuggingFace } from '@huggingface/tokenizers';
import { describe, expect, test } from 'vitest';
import { UsageError } from '../../src/core/errors.ts';
import { Tokenizer } from '../../src/tokenizer/index.ts';
import { fuzzString } from '../helpers/fuzz-strings.ts';
import { gpt2, gpt2Files } from '../helpers/tokenizer-oracles.ts';

const TEXT = 'to be or not to be, that is the question: '.repeat(3);
const trained = Tokenizer.train(TEXT, { size: 280, specialTokens: ['<|endoftext|>'] });
const json = trained.toJson();
const changed = (...changes: [path: string, value: unknown][]): unknown => {
  const copy = structuredClone(json) as never;
  for (const [path, value] of changes) {
    const keys = path.split('.');
    let at: Record<string, never> = copy;
    for (const key of keys.slice(0, -1)) at = at[key];
    if (value === undefined) delete at[keys.at(-1) as string];
    else at[keys.at(-1) as string] = value as never;
  }
  return copy;
};
const same = (a: Tokenizer, b: Tokenizer): boolean =>
  [TEXT, 'x<|endoftext|>y', '\u{1f600}'].every(
    (text) => a.encode(text).join() === b.encode(text).join(),
  );

function refusal(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    expect(error).toBeInstanceOf(UsageError);
    return (error as Error).message;
  }
  return 'nothing was thrown';
}

describe('tokenizer.json', () => {
  test('what is written is read as the same, as text and as a value', () => {
    expect(same(Tokenizer.fromJson(json), trained)).toBe(true);
    expect(same(Tokenizer.fromJson(JSON.stringify(json)), trained)).toBe(true);
    expect(Tokenizer.fromJson(json).toJson()).toEqual(json);
    expect(JSON.stringify(Tokenizer.fromJson(json).toJson())).toBe(JSON.stringify(json));
  });

  test('rules as pairs, no type of the model, ids in any order: the same tokenizer', () => {
    const { vocab, merges } = json.model;
    const pairs = merges.map((rule) => rule.split(' '));
    const reversed = Object.fromEntries(Object.entries(vocab).reverse());
    const old: [string, unknown][] = [
      ['model.merges', pairs],
      ['model.vocab', reversed],
      ['model.type', undefined],
      ['model.dropout', undefined],
      ['model.unk_token', ''],
      ['model.continuing_subword_prefix', ''],
      ['model.end_of_word_suffix', ''],
      ['post_processor', { type: 'ByteLevel', add_prefix_space: true, trim_offsets: false }],
      ['pre_tokenizer', { type: 'Sequence', pretokenizers: [json.pre_tokenizer] }],
      ['truncation', { max_length: 8 }],
      ['padding', { pad_id: 0 }],
      ['decoder', null],
    ];
    expect(same(Tokenizer.fromJson(changed(...old)), trained)).toBe(true);
  });

  test('@huggingface/tokenizers reads it and gives the same tokens for 500 strings', () => {
    const other = new HuggingFace(json, {});
    let compared = 0;
    for (let number = 0; number < 700; number++) {
      const text = fuzzString(7, number).replace(/[\u0085\ufeff]/g, '');
      if (text === '' || /[^\p{L}\p{N}\s\p{P}\p{S}]/u.test(text)) continue;
      compared++;
      expect([...trained.encode(text)]).toEqual(other.encode(text).ids);
    }
    expect(compared).toBeGreaterThan(300);
  });

  test('GPT-2: both pairs of files give the same tokenizer, there and back', () => {
    const again = Tokenizer.fromJson(JSON.stringify(gpt2.toJson()));
    const files = gpt2.toFiles();
    expect(files['merges.txt']).toBe(gpt2Files()[1]);
    expect(JSON.parse(files['vocab.json'])).toEqual(JSON.parse(gpt2Files()[0]));
    const third = Tokenizer.fromFiles(files['vocab.json'], files['merges.txt']);
    for (const tokenizer of [again, third]) {
      expect(tokenizer.size).toBe(50257);
      expect(tokenizer.addedTokens).toEqual(gpt2.addedTokens);
      expect(same(tokenizer, gpt2)).toBe(true);
    }
  });

  test.each([
    ['nothing', undefined, /^tokenizer\.json is undefined, expected an object/],
    ['half a file', '{"model": {', /^tokenizer\.json is not JSON/],
    ['an array', [], /^tokenizer\.json is of type object, expected an object/],
    ['no model', changed(['model', undefined]), /^model of tokenizer\.json is undefined/],
    ['WordPiece', changed(['model.type', 'WordPiece']), /is "WordPiece", expected BPE\. HINT/],
    ['a normalizer', changed(['normalizer', { type: 'NFC' }]), /^normalizer of tokenizer\.json/],
    ['Metaspace', changed(['pre_tokenizer', { type: 'Metaspace' }]), /"Metaspace", expected ByteL/],
    ['no words', changed(['pre_tokenizer', null]), /has no pre_tokenizer, expected ByteLevel/],
    ['one word', changed(['pre_tokenizer.use_regex', false]), /use_regex of pre_tokenizer/],
    [
      'a sequence',
      changed(['pre_tokenizer', { type: 'Sequence', pretokenizers: [{ type: 'Digits' }, {}] }]),
      /is a sequence of "Digits", undefined, expected one ByteLevel/,
    ],
    [
      'a template',
      changed(['post_processor', { type: 'TemplateProcessing' }]),
      /^type of post_processor of tokenizer\.json is "TemplateProcessing"/,
    ],
    ['a decoder', changed(['decoder', { type: 'WordPiece' }]), /^type of decoder/],
    ['dropout', changed(['model.dropout', 0.1]), /^dropout of model .* is 0\.1, expected 0/],
    ['a suffix', changed(['model.end_of_word_suffix', '</w>']), /^end_of_word_suffix of model/],
    ['byte fallback', changed(['model.byte_fallback', true]), /^byte_fallback of model/],
    ['no tokens', changed(['model.vocab', {}]), /^vocab of tokenizer\.json is empty/],
    ['half a number', changed(['model.vocab.!', 0.5]), /^"!" in vocab of .* is 0\.5, expected/],
    [
      'a large number',
      changed(['model.vocab.!', 2 ** 20]),
      /expected a whole number from 0 to 104/,
    ],
    ['a number twice', changed(['model.vocab.!', 1]), /has "!" and "\\"" as token 1/],
    ['no rules', changed(['model.merges', undefined]), /^merges of .* is undefined/],
    ['a short rule', changed(['model.merges', ['a']]), /^merges of .*\[0\] is "a", expected two/],
    ['a long rule', changed(['model.merges', ['a b c']]), /expected two tokens with a space/],
    ['a rule of three', changed(['model.merges', [['a', 'b', 'c']]]), /3/],
    [
      'a rule of a token that is not there',
      changed(['model.merges', ['q z']]),
      /joins "q" and "z", but "qz" is no token of it/,
    ],
    ['a flag', changed(['added_tokens', [{ id: 1, content: '!x', special: 1 }]]), /^special of/],
    ['an id', changed(['added_tokens', [{ id: -1, content: '!x' }]]), /^id of added_tokens/],
    ['no content', changed(['added_tokens', [{ id: 300, content: '' }]]), /^content of added/],
    [
      'half a character',
      changed(['added_tokens', [{ id: 300, content: '\ud800' }]]),
      /^content of added_tokens of tokenizer\.json\[0\]/,
    ],
    [
      'the number of another',
      changed(['added_tokens', [{ id: 0, content: '<x>' }]]),
      /has "<x>" as token 0 among its added tokens, expected a number of its own/,
    ],
    [
      'another number',
      changed(['added_tokens', [{ id: 300, content: '<|endoftext|>' }]]),
      /as token 300 among its added tokens, expected 2\d\d/,
    ],
  ])('%s is refused, with the reason', (_, value, reason) => {
    expect(refusal(() => Tokenizer.fromJson(value))).toMatch(reason);
  });

  test('`what` names the file', () => {
    expect(refusal(() => Tokenizer.fromJson('', "'my/tokenizer.json'"))).toMatch(
      /^'my\/tokenizer\.json' is not JSON/,
    );
  });
});

describe('vocab.json and merges.txt', () => {
  const files = trained.toFiles();
  test('lines may end with CR LF, the first need not be the version', () => {
    const merges = files['merges.txt'];
    for (const other of [merges.replaceAll('\n', '\r\n'), merges.replace(/^#.*\n/, '')])
      expect(same(Tokenizer.fromFiles(files['vocab.json'], other), trained)).toBe(true);
  });

  test('tokens that no rule makes are special', () => {
    expect(Tokenizer.fromFiles(files['vocab.json'], files['merges.txt']).addedTokens).toEqual(
      trained.addedTokens,
    );
  });

  test('what does not fit is refused, by its line', () => {
    expect(refusal(() => Tokenizer.fromFiles(files['vocab.json'], '#version\na b c\n'))).toMatch(
      /^line 2 of merges\.txt is "a b c", expected two tokens/,
    );
    expect(refusal(() => Tokenizer.fromFiles(files['vocab.json'], 'q z'))).toMatch(
      /^merges\.txt joins "q" and "z"/,
    );
    expect(refusal(() => Tokenizer.fromFiles('[', ''))).toMatch(/^vocab\.json is not JSON/);
    expect(refusal(() => Tokenizer.fromFiles({}, 7 as never))).toMatch(/vocab\.json is empty/);
  });
});

describe('encode', () => {
  test('bytes give the tokens of their text; what is no UTF-8 is refused', () => {
    const text = '\ufeffna\u00efve \u{1f600}';
    expect(trained.encode(new TextEncoder().encode(text))).toEqual(trained.encode(text));
    expect(refusal(() => trained.encode(Uint8Array.of(97, 0xc0, 0x80), "'a.txt'"))).toMatch(
      /^'a\.txt' is not UTF-8: byte 0xc0 at offset 1/,
    );
    expect(refusal(() => trained.encode([1] as never))).toMatch(/^text is of type object/);
  });

  test('half of a surrogate pair is U+FFFD', () => {
    for (const lone of ['\ud83d', '\ude00', 'a\ud83d b', '\ude00\ud83d'])
      expect(trained.encode(lone)).toEqual(trained.encode(lone.replace(/[\ud800-\udfff]/g, '�')));
  });

  test('a byte without a token: refused, or the unknown token', () => {
    const { '"': _, ...vocab } = json.model.vocab;
    expect(
      refusal(() => Tokenizer.fromJson(changed(['model.vocab', vocab])).encode('say "')),
    ).toMatch(/^text has the byte 0x22, for which the tokenizer has no token/);
    const unknown: [string, unknown][] = [
      ['model.vocab', vocab],
      ['model.unk_token', '!'],
    ];
    expect([...Tokenizer.fromJson(changed(...unknown)).encode('"""')]).toEqual([0, 0, 0]);
    const fused = changed(...unknown, ['model.fuse_unk', true]);
    expect([...Tokenizer.fromJson(fused).encode('"""')]).toEqual([0]);
  });

  test('ignore_merges takes a word that is a token as it is', () => {
    const merges = json.model.merges.filter((rule) => rule !== 'b e');
    const plain = Tokenizer.fromJson(changed(['model.merges', ['b e']]));
    const vocab = { ...json.model.vocab, zq: 400 };
    const whole = changed(['model.ignore_merges', true], ['model.vocab', vocab]);
    expect(plain.encode('be').length).toBe(1);
    expect([...Tokenizer.fromJson(whole).encode('zq zqq')].slice(0, 2)).toEqual([400, 220]);
    expect(merges.length).toBeLessThan(json.model.merges.length);
    expect(Tokenizer.fromJson(whole).size).toBe(401);
  });

  test('add_prefix_space reads every part of a text as if a space were before it', () => {
    const spaced = Tokenizer.fromJson(changed(['pre_tokenizer.add_prefix_space', true]));
    expect(spaced.encode('be<|endoftext|>be')).toEqual(trained.encode(' be<|endoftext|> be'));
    expect(spaced.encode(' be')).toEqual(trained.encode(' be'));
    expect(spaced.encode('')).toEqual(trained.encode(''));
    expect(spaced.toJson().pre_tokenizer.add_prefix_space).toBe(true);
  });

  test('a rule that is there twice has its later rank', () => {
    const merges = ['a b', 'b c', 'a b'];
    const vocab = { ...json.model.vocab, ab: 400, bc: 401 };
    const twice = changed(['model.merges', merges], ['model.vocab', vocab]);
    expect([...Tokenizer.fromJson(twice).encode('abc')]).toEqual([json.model.vocab.a, 401]);
  });

  test('words that came before change nothing: 2,000 strings twice, and backward', () => {
    const strings = Array.from({ length: 2000 }, (_, number) => fuzzString(8, number));
    const fresh = Tokenizer.fromJson(json);
    const first = strings.map((text) => trained.encode(text).join());
    expect(strings.map((text) => trained.encode(text).join())).toEqual(first);
    expect(strings.reverse().map((text) => fresh.encode(text).join())).toEqual(first.reverse());
  });

  test('a million different words fit into its memory', () => {
    let ids = 0;
    for (let part = 0; part < 10; part++) {
      let text = '';
      for (let i = 0; i < 40_000; i++) text += ` ${(part * 40_000 + i).toString(36)}x`;
      ids += trained.encode(text).length;
    }
    expect(ids).toBeGreaterThan(1_000_000);
    const before = trained.encode(TEXT);
    expect(before).toEqual(Tokenizer.fromJson(json).encode(TEXT));
  });
});

describe('decode', () => {
  test('2,000 fuzzed strings come back, at once and piece by piece', () => {
    for (let number = 0; number < 2000; number++) {
      const text = fuzzString(9, number).replace(/[\ud800-\udfff]/gu, '�');
      const ids = trained.encode(text);
      expect(trained.decode(ids)).toBe(text);
      const decoder = trained.decoder();
      const pieces = Array.from(ids, (id) => decoder.take(id));
      expect(pieces.join('') + decoder.end()).toBe(text);
      if (!text.includes('�')) expect(pieces.join('')).toBe(text);
    }
  });

  test('any bytes become what TextDecoder makes of them, however they are cut', () => {
    const raw = Uint8Array.of(0x61, 0xf0, 0x9f, 0x98, 0x61, 0xc3, 0xff, 0xe2, 0x82);
    const tokens = Array.from(raw, tokenOfByte);
    const expected = new TextDecoder().decode(raw);
    expect(trained.decode(tokens)).toBe(expected);
    const decoder = trained.decoder();
    expect(tokens.map((token) => decoder.take(token)).join('') + decoder.end()).toBe(expected);
    expect(decoder.take(tokenOfByte(0x62)) + decoder.end()).toBe('b');
  });

  test('a number that no token has is refused', () => {
    for (const token of [-1, trained.size, 0.5, NaN])
      expect(refusal(() => trained.decode([token]))).toMatch(/^tokens\[0\] is /);
    expect(refusal(() => trained.decoder({ skip: true } as never))).toMatch(/cannot have "skip"/);
  });
});

/** The token of a byte that prints, or of one from 0x7f to 0xa0, by the character that writes it.
 */
function tokenOfByte(byte: number): number {
  const isPrinted = (byte > 0x20 && byte < 0x7f) || (byte > 0xa0 && byte !== 0xad);
  const character = String.fromCharCode(isPrinted ? byte : 0x100 + 33 + (byte - 0x7f));
  return trained.tokenToId(character) as number;
}
