// The tokens of the corpus that every runtime of the conformance matrix has: one digest.

import { expect, test } from 'vitest';
import { sha256Hex } from '../../src/core/digest.ts';
import { Tokenizer } from '../../src/tokenizer/index.ts';
import { tokensDigest } from '../conformance/tokens.js';
import golden from '../golden/tokens.json';

test('the corpus of the conformance matrix has the published tokens', async () => {
  expect(await tokensDigest({ sha256Hex }, { Tokenizer })).toBe(golden.digest);
});

test('another table of classes is noticed', async () => {
  const train: typeof Tokenizer.train = (texts, options) =>
    Tokenizer.train(
      Array.from(texts as string[], (text) => text.replaceAll('\u0085', '!')),
      options,
    );
  const other = { train, fromJson: Tokenizer.fromJson } as never;
  expect(await tokensDigest({ sha256Hex }, { Tokenizer: other })).not.toBe(golden.digest);
});
