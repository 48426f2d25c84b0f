// Calls of retrograd/tokenizer.

import { decoder, R, T, tokenizer } from './arguments-good.mjs';

const { Tokenizer } = T;
const TEXT = new TextEncoder().encode('go and run');
/** tokenizer.json with every field that is read, of few tokens. */
const json = () => ({
  added_tokens: [
    {
      id: 3,
      content: '<e>',
      single_word: false,
      lstrip: false,
      rstrip: true,
      normalized: false,
      special: true,
    },
  ],
  normalizer: null,
  pre_tokenizer: { type: 'ByteLevel', add_prefix_space: false, use_regex: true },
  decoder: { type: 'ByteLevel' },
  model: {
    type: 'BPE',
    unk_token: null,
    fuse_unk: false,
    ignore_merges: false,
    vocab: { a: 0, b: 1, ab: 2 },
    merges: ['a b', ['a', 'b']],
  },
});
const training = () => ({
  size: 260,
  specialTokens: ['<e>'],
  minFrequency: 2,
  progress: () => 1,
});

/** Names, calls and good arguments. */
export const TOKENIZER_CALLS = [
  ['Tokenizer.train', Tokenizer.train, () => ['go go run', training()]],
  ['Tokenizer.train of bytes', Tokenizer.train, () => [TEXT.slice(), training()]],
  ['Tokenizer.train of texts', Tokenizer.train, () => [['go', 'run'], training()]],
  [
    'Tokenizer.fromJson',
    (value, what) => Tokenizer.fromJson(value, what).encode('ab<e> a'),
    () => [json(), 'tokenizer.json'],
  ],
  [
    'Tokenizer.fromFiles',
    (vocab, merges) => Tokenizer.fromFiles(vocab, merges).encode('ab'),
    () => [{ a: 0, b: 1, ab: 2, '<e>': 3 }, '#version: 0.2\na b\n'],
  ],
  ['tokenizer.toJson', (...args) => tokenizer.toJson(...args), () => []],
  ['tokenizer.toFiles', (...args) => tokenizer.toFiles(...args), () => []],
  ['tokenizer.encode', (...args) => tokenizer.encode(...args), () => ['go', 'text']],
  ['tokenizer.encode of bytes', (...args) => tokenizer.encode(...args), () => [TEXT.slice()]],
  [
    'tokenizer.encodeOrdinary',
    (...args) => tokenizer.encodeOrdinary(...args),
    () => ['go', 'text'],
  ],
  [
    'tokenizer.decode',
    (...args) => tokenizer.decode(...args),
    () => [[1, 2, 256], { skipSpecialTokens: true }],
  ],
  ['tokenizer.decodeBytes', (...args) => tokenizer.decodeBytes(...args), () => [[1, 2, 256]]],
  [
    'tokenizer.decoder',
    (...args) => tokenizer.decoder(...args).take(3),
    () => [{ skipSpecialTokens: true }],
  ],
  ['tokenizer.tokenToId', (...args) => tokenizer.tokenToId(...args), () => ['go']],
  ['decoder.take', (...args) => decoder.take(...args), () => [[1, 2, 3]]],
  ['decoder.end', (...args) => decoder.end(...args), () => []],
  [
    'readText with a tokenizer',
    R.readText,
    () => [
      new TextEncoder().encode('go and run '.repeat(9)),
      { context: 2, vocabulary: tokenizer },
    ],
  ],
];
