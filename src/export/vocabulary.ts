// What a model's tokens stand for, as other programs want it: the tokenizer.json of Hugging Face's
// tokenizers. A vocabulary of bytes is byte-level BPE without merges, one of characters is BPE over
// characters without merges.

import { reading, show } from '../core/check.ts';
import { UsageError } from '../core/errors.ts';

/** A vocabulary, or the JSON that a checkpoint keeps of one: a Vocabulary, BytePairs (of a
 *  translator), or a tokenizer.json of byte-level BPE. */
export type ExportVocabulary = { toJson(): unknown } | object;

/** A vocabulary in other programs' terms. */
export interface Tokens {
  readonly kind: 'bytes' | 'characters' | 'byte-pairs' | 'tokenizer';
  /** Number of tokens. */
  readonly size: number;
  /** The text of each token as tokenizer.json has it. */
  readonly texts: readonly string[];
  /** Pairs of texts that become one, the first before the next. */
  readonly merges: readonly (readonly [string, string])[];
  /** tokenizer.json. */
  readonly json: object;
  /** The token that ends a text, if there is one. */
  readonly end: number | undefined;
}

/** The printable character that stands for each byte in byte-level BPE (GPT-2): itself, or one
 *  from U+0100 on for those that do not print. */
export function byteCharacters(): string[] {
  const prints = (byte: number): boolean =>
    (byte > 0x20 && byte < 0x7f) || (byte > 0xa0 && byte !== 0xad);
  let next = 0x100;
  return Array.from({ length: 256 }, (_, byte) =>
    String.fromCodePoint(prints(byte) ? byte : next++),
  );
}

/** A tokenizer.json of BPE. */
function bpeJson(parts: {
  texts: readonly string[];
  merges?: readonly (readonly [string, string])[];
  pre?: object | null;
  decoder: object;
  added?: readonly object[];
  unknown?: string | null;
}): object {
  const { texts, merges = [], pre = null, decoder, added = [], unknown = null } = parts;
  return {
    version: '1.0',
    truncation: null,
    padding: null,
    added_tokens: added,
    normalizer: null,
    pre_tokenizer: pre,
    post_processor: null,
    decoder,
    model: {
      type: 'BPE',
      dropout: null,
      unk_token: unknown,
      continuing_subword_prefix: null,
      end_of_word_suffix: null,
      fuse_unk: false,
      byte_fallback: false,
      ignore_merges: false,
      vocab: Object.fromEntries(texts.map((text, id) => [text, id])),
      merges,
    },
  };
}

function ofBytes(): Tokens {
  const texts = byteCharacters();
  const level = { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true };
  const json = bpeJson({
    texts,
    pre: { ...level, use_regex: false },
    decoder: { ...level, use_regex: false },
  });
  return { kind: 'bytes', size: 256, texts, merges: [], json, end: undefined };
}

function ofCharacters(symbols: string): Tokens {
  const texts = Array.from(symbols);
  const json = bpeJson({ texts, decoder: { type: 'Fuse' } });
  return { kind: 'characters', size: texts.length, texts, merges: [], json, end: undefined };
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function refuseVocabulary(value: unknown, expected: string): never {
  throw new UsageError(
    `the vocabulary is ${show(value)}, expected ${expected}`,
    'give the vocabulary that the model was trained with',
  );
}

/** A vocabulary, or the JSON that a checkpoint keeps of one. Throws UsageError for anything else.
 */
export const readVocabulary = (given: unknown): Tokens =>
  reading('the vocabulary', () => tokensOf(given));

function tokensOf(given: unknown): Tokens {
  const value = jsonOf(given);
  if (!isObject(value)) refuseVocabulary(given, 'a Vocabulary, or what its toJson() gives');
  if (value.kind === 'bytes') return ofBytes();
  if (value.kind === 'characters' && typeof value.symbols === 'string')
    return ofCharacters(value.symbols);
  return refuseVocabulary(given, 'of characters or bytes');
}

function jsonOf(given: unknown): unknown {
  if (!isObject(given) || typeof given.toJson !== 'function') return given;
  return (given as { toJson(): unknown }).toJson();
}
