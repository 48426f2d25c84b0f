// What a model's tokens stand for, as other programs want it: the tokenizer.json of Hugging Face's
// tokenizers. A vocabulary of bytes is byte-level BPE without merges, one of characters is BPE over
// characters without merges.

import { list, properties, reading, show, text, whole } from '../core/check.ts';
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
  /** Tokens that are no part of a text by its bytes, but cut out of it. */
  readonly special?: ReadonlySet<number>;
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
      vocab: Object.fromEntries(texts.map((one, id) => [one, id])),
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
  if (isObject(value.model) && value.model.type === 'BPE') return ofTokenizer(value, value.model);
  return refuseVocabulary(given, 'of characters, bytes or byte-level BPE');
}

/** Tokens that end a text, by the names that others give them, the first one that there is. */
const ENDS = ['<|endoftext|>', '<|end|>', '</s>', '<eos>', '<end>'];

/** A tokenizer.json of byte-level BPE: it is written as it is. */
function ofTokenizer(json: Record<string, unknown>, model: Record<string, unknown>): Tokens {
  const { vocab, merges = [] } = model;
  const added = list('added_tokens', (json.added_tokens ?? []) as unknown[], readAdded);
  if (!isObject(vocab)) refuseVocabulary(vocab, 'a model with a vocab');
  const ids = new Map(Object.entries(vocab).map(([text, id]) => [text, idOf(text, id)]));
  for (const { content, id } of added) ids.set(content, id);
  const texts = Array.from({ length: ids.size }, () => '');
  for (const [text, id] of ids) {
    if (id >= ids.size || texts[id] !== '')
      throw new UsageError(`token ${show(text)} has number ${id}, expected one of its own`);
    texts[id] = text;
  }
  const special = added.filter((one) => one.isSpecial).map(({ content }) => content);
  const end = ENDS.find((text) => special.includes(text)) ?? special[0];
  return {
    kind: 'tokenizer',
    size: texts.length,
    texts,
    merges: list('merges', merges as unknown[], readMerge),
    special: new Set(added.map(({ id }) => id)),
    json,
    end: end === undefined ? undefined : ids.get(end),
  };
}

const idOf = (text: string, id: unknown): number =>
  whole(`the number of ${show(text)}`, id, 0, 65535);

function readAdded(what: string, value: unknown) {
  const keys = ['id', 'content', 'special'] as const;
  const one = properties(what, value as { id: number; content: string; special: unknown }, keys);
  const content = text(`the content of ${what}`, one.content);
  return { content, id: idOf(content, one.id), isSpecial: one.special === true };
}

/** A rule, `"a b"` or `["a", "b"]`. */
function readMerge(what: string, value: unknown): readonly [string, string] {
  const given: unknown = typeof value === 'string' ? value.split(' ') : value;
  const [left, right] = list(what, given as string[], text, 2, 2);
  return [left, right];
}

function jsonOf(given: unknown): unknown {
  if (!isObject(given) || typeof given.toJson !== 'function') return given;
  return (given as { toJson(): unknown }).toJson();
}
