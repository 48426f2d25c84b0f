// The tokenizer.json of an export gives the library's own tokens in Hugging Face's tokenizers, for
// every text, and the text again.

import { Tokenizer as Theirs } from '@huggingface/tokenizers';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { exportGguf, exportHf } from '../../src/export/index.ts';
import { gpt, Trainer, Vocabulary } from '../../src/index.ts';
import { Tokenizer } from '../../src/tokenizer/index.ts';

const SYMBOLS = '\n !"0123456789ABCabc\\üé–€海😀';

/** A model without training, of so many tokens. */
const untrained = (vocabulary: number): Trainer<never> =>
  Trainer.create({
    model: gpt({ vocabulary, layers: 1, channels: 4, heads: 1, context: 4 }),
    batch: 1,
    steps: 1,
  });

function theirsOf(vocabulary: Vocabulary | Tokenizer): Theirs {
  const files = exportHf(untrained(vocabulary.size), { vocabulary });
  const json = (name: string): object =>
    JSON.parse(new TextDecoder().decode(files[name].bytes())) as object;
  return new Theirs(json('tokenizer.json'), json('tokenizer_config.json'));
}

/** Any text without halves of surrogate pairs. */
const texts = fc.string({ unit: 'binary', maxLength: 60 });
const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);

describe('tokenizer.json', () => {
  test('of bytes, 2,000 texts', () => {
    const vocabulary = Vocabulary.bytes();
    const theirs = theirsOf(vocabulary);
    fc.assert(
      fc.property(texts, (text) => {
        const { ids } = theirs.encode(text);
        expect(ids).toEqual([...vocabulary.encode(bytesOf(text))]);
        if (text !== '') expect(theirs.decode(ids)).toBe(text);
      }),
      { numRuns: 2000 },
    );
  });

  test('of characters, 2,000 texts; what has no token is left out', () => {
    const vocabulary = Vocabulary.ofText(bytesOf(SYMBOLS), 'characters');
    const theirs = theirsOf(vocabulary);
    const known = fc.array(fc.constantFrom(...SYMBOLS), { maxLength: 60 });
    fc.assert(
      fc.property(known, (characters) => {
        const text = characters.join('');
        const { ids } = theirs.encode(text);
        expect(ids).toEqual([...vocabulary.encode(bytesOf(text))]);
        if (text !== '') expect(theirs.decode(ids)).toBe(text);
      }),
      { numRuns: 2000 },
    );
    expect(theirs.decode(theirs.encode('aХb').ids)).toBe('ab');
  });

  test('of byte-level BPE it is written as it is', () => {
    const text = 'she sells sea shells by the sea shore, für den Café. '.repeat(20);
    const vocabulary = Tokenizer.train(text, { size: 300, specialTokens: ['<|endoftext|>'] });
    const files = exportHf(untrained(vocabulary.size), { vocabulary });
    const json = JSON.parse(new TextDecoder().decode(files['tokenizer.json'].bytes())) as object;
    expect(json).toEqual(JSON.parse(JSON.stringify(vocabulary.toJson())));
    const config = JSON.parse(new TextDecoder().decode(files['config.json'].bytes()));
    const end = vocabulary.encode('<|endoftext|>')[0];
    expect(config).toMatchObject({ bos_token_id: end, eos_token_id: end });
    const gguf = new TextDecoder('latin1').decode(
      exportGguf(untrained(vocabulary.size), { vocabulary }).bytes(),
    );
    expect(gguf).toContain('tokenizer.ggml.merges');
    expect(gguf).toContain('tokenizer.ggml.eos_token_id');
  });

  test.each([
    ['without words', { use_regex: false }],
    ['with a space in front', { add_prefix_space: true }],
  ])('of BPE %s there is no GGUF', (_, more) => {
    const vocabulary = Tokenizer.train('to be or not to be', { size: 258 });
    const json = vocabulary.toJson();
    const other = { ...json, pre_tokenizer: { ...json.pre_tokenizer, ...more } };
    const trainer = untrained(vocabulary.size);
    expect(() => exportGguf(trainer, { vocabulary: other })).toThrow(
      /^the tokenizer cuts texts in another way than GPT-2/,
    );
    expect(Object.keys(exportHf(trainer, { vocabulary: other }))).toContain('tokenizer.json');
  });

  test('that is damaged is refused', () => {
    const { model, ...rest } = Tokenizer.train('to be or not to be', { size: 258 }).toJson();
    const trainer = untrained(258);
    const vocab = { ...model.vocab, a: 7 };
    const bad = { ...rest, model: { ...model, vocab } };
    expect(() => exportHf(trainer, { vocabulary: bad })).toThrow(/expected one of its own/);
    const rules = { ...rest, model: { ...model, merges: ['a b c'] } };
    expect(() => exportHf(trainer, { vocabulary: rules })).toThrow(/merges\[0\]/);
  });
});
