// tokenizer.json, as Hugging Face's libraries write and read it, vocab.json and merges.txt of
// GPT-2; of all of them nothing is trusted. What is said there and changes no token is left out:
// truncation, padding and offsets.

import { flag, list, reading, refuse, show, text } from '../core/check.ts';
import { UsageError } from '../core/errors.ts';
import type { AddedToken } from './added.ts';
import { byteCharacters, bytesOf, utf8 } from './bytes.ts';
import type { ByteLevelJson, TokenizerJson } from './format.ts';
import { PairTable } from './pair-table.ts';

/** Most tokens of a tokenizer. */
export const MAX_TOKENS = 2 ** 20;
/** UTF-16 units of a token at most. */
const MAX_CONTENT = 2 ** 16;

/** A tokenizer as data. */
export interface Model {
  /** Tokens as the files write them, and their numbers. */
  readonly vocab: ReadonlyMap<string, number>;
  /** Left and right token of each rule, the first rule first. */
  readonly merges: readonly (readonly [left: string, right: string])[];
  readonly added: readonly AddedToken[];
  /** The token of a byte that has none; undefined: such a text is refused. */
  readonly unknown: string | undefined;
  /** Unknown bytes side by side are one token. */
  readonly fusesUnknown: boolean;
  /** A word that is a token is that token, whatever the rules say. */
  readonly ignoresMerges: boolean;
  /** A text that does not begin with a space is read as if it did. */
  readonly addsPrefixSpace: boolean;
}

/** An added token as a file may have it. */
type AddedFlags = Record<'single_word' | 'lstrip' | 'rstrip' | 'special' | 'normalized', unknown>;

const HINT = 'only byte-level BPE is read, as GPT-2 has it';

/** An object of a file. */
function objectOf(name: string, value: unknown): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    refuse(name, value, 'an object', HINT);
  return value as Record<string, unknown>;
}

/** JSON as text, or what it says. */
export function parsed(name: string, value: unknown): unknown {
  if (typeof value !== 'string') return value;
  try {
    return JSON.parse(value);
  } catch {
    throw new UsageError(`${name} is not JSON, expected a JSON object`, 'is it the whole file?');
  }
}

/** Throws UsageError unless a property has one of the values that change nothing. */
function expectPlain(
  name: string,
  object: Record<string, unknown>,
  plain: Record<string, readonly unknown[]>,
): void {
  for (const [key, values] of Object.entries(plain)) {
    const value = object[key];
    if (value !== undefined && value !== null && !values.includes(value))
      refuse(`${key} of ${name}`, value, values.map(show).join(' or '), HINT);
  }
}

/** The only part of a sequence of one; the part itself if it is none. */
function single(name: string, value: unknown, key: string): Record<string, unknown> | undefined {
  if (value === null || value === undefined) return undefined;
  const part = objectOf(name, value);
  if (part.type !== 'Sequence') return part;
  const parts = list(`${key} of ${name}`, part[key] as unknown[], objectOf);
  if (parts.length > 1)
    throw new UsageError(
      `${name} is a sequence of ${parts.map(({ type }) => show(type)).join(', ')}, expected one ` +
        'ByteLevel',
      HINT,
    );
  return parts[0];
}

/** A part that may be there or not and must be ByteLevel. */
function byteLevel(
  name: string,
  value: unknown,
  key: string,
): { addsPrefixSpace: boolean } | undefined {
  const part = single(name, value, key);
  if (part === undefined) return undefined;
  if (part.type !== 'ByteLevel') refuse(`type of ${name}`, part.type, 'ByteLevel', HINT);
  expectPlain(name, part, { use_regex: [true] });
  return { addsPrefixSpace: flag(`add_prefix_space of ${name}`, part.add_prefix_space ?? false) };
}

function checkId(name: string, value: unknown): number {
  const isId = Number.isInteger(value) && (value as number) >= 0;
  return isId && (value as number) < MAX_TOKENS
    ? (value as number)
    : refuse(name, value, `a whole number from 0 to ${MAX_TOKENS - 1}`);
}

/** Half of a surrogate pair. */
const LONE = /[\ud800-\udfff]/u;

/** The text of a token. */
function checkContent(name: string, value: unknown): string {
  const content = text(name, value);
  if (content === '' || content.length > MAX_CONTENT || LONE.test(content))
    refuse(name, content, `text of 1 to ${MAX_CONTENT} characters`);
  return content;
}

/** Tokens and their numbers. */
function readVocab(name: string, value: unknown): Map<string, number> {
  const entries = Object.entries(objectOf(name, value));
  if (entries.length === 0) throw new UsageError(`${name} is empty, expected tokens`);
  const seen = new Map<number, string>();
  for (const [content, given] of entries) {
    checkContent(`a token of ${name}`, content);
    const id = checkId(`${show(content)} in ${name}`, given);
    const other = seen.get(id);
    if (other !== undefined)
      throw new UsageError(
        `${name} has ${show(other)} and ${show(content)} as token ${id}, expected one of them`,
      );
    seen.set(id, content);
  }
  return new Map(entries as [string, number][]);
}

/** Both parts of a rule, written as one text or as a pair. */
function readMerge(name: string, value: unknown): [string, string] {
  const parts =
    typeof value === 'string' ? value.split(' ') : list(name, value as unknown[], text, 2, 2);
  return parts.length === 2 && parts[0] !== '' && parts[1] !== ''
    ? [parts[0], parts[1]]
    : refuse(name, value, 'two tokens with a space between them');
}

function readMerges(name: string, value: unknown): [string, string][] {
  if (!Array.isArray(value)) refuse(name, value, 'an array', HINT);
  return list(name, value as unknown[], readMerge);
}

function readAdded(name: string, value: unknown): AddedToken {
  const own = objectOf(name, value);
  const is = (key: keyof AddedFlags, otherwise: boolean): boolean =>
    flag(`${key} of ${name}`, own[key] ?? otherwise);
  const special = is('special', false);
  return {
    id: checkId(`id of ${name}`, own.id),
    content: checkContent(`content of ${name}`, own.content),
    single_word: is('single_word', false),
    lstrip: is('lstrip', false),
    rstrip: is('rstrip', false),
    normalized: is('normalized', !special),
    special,
  };
}

/** Throws UsageError for rules of tokens that are not there, and for numbers that two tokens have.
 */
function checked(name: string, model: Model): Model {
  const { vocab, merges, added } = model;
  for (const [left, right] of merges)
    for (const part of [left, right, left + right])
      if (!vocab.has(part))
        throw new UsageError(
          `${name} joins ${show(left)} and ${show(right)}, but ${show(part)} is no token of it`,
          'is it the whole file?',
        );
  const contents = new Map([...vocab].map(([content, id]) => [id, content]));
  for (const { id, content } of added) {
    const other = contents.get(id) ?? content;
    const own = vocab.get(content) ?? id;
    if (other !== content || own !== id)
      throw new UsageError(
        `${name} has ${show(content)} as token ${id} among its added tokens, expected ` +
          `${own === id ? 'a number of its own' : own}`,
      );
    contents.set(id, content);
  }
  return model;
}

/** Reads tokenizer.json: its text, or the value that it says. */
export function readTokenizerJson(name: string, value: unknown): Model {
  return reading(name, () => {
    const file = objectOf(name, parsed(name, value));
    const model = objectOf(`model of ${name}`, file.model);
    if ((model.type ?? 'BPE') !== 'BPE') refuse(`model of ${name}`, model.type, 'BPE', HINT);
    if (single(`normalizer of ${name}`, file.normalizer, 'normalizers') !== undefined)
      refuse(`normalizer of ${name}`, file.normalizer, 'null', HINT);
    const words = byteLevel(`pre_tokenizer of ${name}`, file.pre_tokenizer, 'pretokenizers');
    if (words === undefined)
      throw new UsageError(`${name} has no pre_tokenizer, expected ByteLevel`, HINT);
    byteLevel(`post_processor of ${name}`, file.post_processor, 'processors');
    byteLevel(`decoder of ${name}`, file.decoder, 'decoders');
    expectPlain(`model of ${name}`, model, {
      dropout: [0],
      continuing_subword_prefix: [''],
      end_of_word_suffix: [''],
      byte_fallback: [false],
    });
    const added = list(`added_tokens of ${name}`, (file.added_tokens ?? []) as [], readAdded);
    const unknown = model.unk_token ?? '';
    return checked(name, {
      vocab: readVocab(`vocab of ${name}`, model.vocab),
      merges: readMerges(`merges of ${name}`, model.merges),
      added,
      unknown: text(`unk_token of ${name}`, unknown) || undefined,
      fusesUnknown: flag(`fuse_unk of ${name}`, model.fuse_unk ?? false),
      ignoresMerges: flag(`ignore_merges of ${name}`, model.ignore_merges ?? false),
      addsPrefixSpace: words.addsPrefixSpace,
    });
  });
}

/** Added tokens that are special, of these numbers and contents. */
export const specialTokens = (tokens: Iterable<readonly [string, number]>): AddedToken[] =>
  Array.from(tokens, ([content, id]) => ({
    id,
    content,
    single_word: false,
    lstrip: false,
    rstrip: false,
    normalized: false,
    special: true,
  }));

/** Reads vocab.json and merges.txt. Tokens that no rule makes and that are no byte are special: the
 *  rules never give them. */
export function readFiles(vocabJson: unknown, mergesTxt: unknown): Model {
  const vocab = reading('vocab.json', () =>
    readVocab('vocab.json', parsed('vocab.json', vocabJson)),
  );
  const lines = text('merges.txt', mergesTxt).split(/\r?\n/);
  const first = lines[0].startsWith('#version') ? 1 : 0;
  const merges = lines
    .map((line, i) => [line, i + 1] as const)
    .filter(([line, number]) => number > first && line !== '')
    .map(([line, number]) => readMerge(`line ${number} of merges.txt`, line));
  const made = new Set([...byteCharacters(), ...merges.map((pair) => pair.join(''))]);
  const added = specialTokens([...vocab].filter(([content]) => !made.has(content)));
  const plain = { fusesUnknown: false, ignoresMerges: false, addsPrefixSpace: false };
  return checked('merges.txt', { vocab, merges, added, unknown: undefined, ...plain });
}

/** What tokenizer.json says of a tokenizer. */
export function toTokenizerJson(model: Model): TokenizerJson {
  const { vocab, merges, added, unknown } = model;
  const byteLevelJson = (addsPrefixSpace: boolean): ByteLevelJson => ({
    type: 'ByteLevel',
    add_prefix_space: addsPrefixSpace,
    trim_offsets: true,
    use_regex: true,
  });
  return {
    version: '1.0',
    truncation: null,
    padding: null,
    added_tokens: added.map((token) => ({ ...token })),
    normalizer: null,
    pre_tokenizer: byteLevelJson(model.addsPrefixSpace),
    post_processor: null,
    decoder: byteLevelJson(true),
    model: {
      type: 'BPE',
      dropout: null,
      unk_token: unknown ?? null,
      continuing_subword_prefix: null,
      end_of_word_suffix: null,
      fuse_unk: model.fusesUnknown,
      byte_fallback: false,
      ignore_merges: model.ignoresMerges,
      vocab: Object.fromEntries([...vocab].sort(([, a], [, b]) => a - b)),
      merges: merges.map((pair) => pair.join(' ')),
    },
  };
}

/** The rules by the numbers of their tokens. Of a pair that is there twice the later rule counts.
 */
export function rulesOf({ vocab, merges }: Model): { ranks: PairTable; joined: Int32Array } {
  const idOf = (content: string): number => vocab.get(content) as number;
  const ranks = new PairTable();
  merges.forEach(([left, right], rank) => {
    ranks.set(idOf(left), idOf(right), rank);
  });
  return { ranks, joined: Int32Array.from(merges, ([left, right]) => idOf(left + right)) };
}

/** Bytes of each token, by its number: one behind the other, and where each begins. */
export function bytesOfTokens({ vocab, added }: Model): { bytes: Uint8Array; starts: Int32Array } {
  const own = new Map<number, Uint8Array>();
  for (const [content, id] of vocab) own.set(id, bytesOf(content) ?? utf8(content));
  for (const { id, content } of added) own.set(id, utf8(content));
  const size = [...own.keys()].reduce((most, id) => Math.max(most, id), 0) + 1;
  const starts = new Int32Array(size + 1);
  for (let id = 0; id < size; id++) starts[id + 1] = starts[id] + (own.get(id)?.length ?? 0);
  const bytes = new Uint8Array(starts[size]);
  for (const [id, some] of own) bytes.set(some, starts[id]);
  return { bytes, starts };
}
