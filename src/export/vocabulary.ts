// What a model's tokens stand for, as other programs want it. A vocabulary of bytes is byte-level
// BPE without merges, one of characters is BPE over characters without merges.

import { list, properties, reading, show, text, whole } from '../core/check.ts';
import { UsageError } from '../core/errors.ts';
import { Vocabulary } from '../index.ts';
import { ofBytePairs } from './byte-pairs.ts';
import { bpeJson, byteCharacters, type Tokens } from './tokens.ts';

/** A vocabulary, or the JSON that a checkpoint keeps of one: a Vocabulary, BytePairs (of a
 *  translator), or a tokenizer.json of byte-level BPE. */
export type ExportVocabulary = { toJson(): unknown } | object;

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
  const known = Vocabulary.fromJson(value)?.toJson();
  if (known !== undefined) return known.kind === 'bytes' ? ofBytes() : ofCharacters(known.symbols);
  if (value.kind === 'byte-pairs') return ofBytePairs(value);
  if (value.kind === 'pairs') return ofSides(value);
  if (value.kind === 'tokenizer') return tokensOf(value.tokenizer); // of `train --tokenizer`
  if (isObject(value.model) && value.model.type === 'BPE') return ofTokenizer(value, value.model);
  return refuseVocabulary(given, 'one of characters, bytes or byte-level BPE');
}

/** What a checkpoint of a translator keeps: the two sides have one vocabulary. */
function ofSides({ source, target }: Record<string, unknown>): Tokens {
  if (JSON.stringify(source) !== JSON.stringify(target))
    throw new UsageError(
      'the two sides have different vocabularies, expected one of both',
      'train the translator with a joint vocabulary',
    );
  return tokensOf(source);
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
