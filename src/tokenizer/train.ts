// From a text to a tokenizer: its words are counted, and the most frequent pairs of their bytes
// joined, until there are as many tokens as asked for.

import { callback, fields, list, reading, refuse, text as textOf, whole } from '../core/check.ts';
import { UsageError } from '../core/errors.ts';
import { AddedTokens } from './added.ts';
import { BYTES_A_UNIT, byteCharacters, eachByte } from './bytes.ts';
import { type Model, specialTokens } from './json.ts';
import { PairCounts, type Words } from './learn.ts';
import { textOfBytes } from './utf8.ts';
import { eachWord } from './words.ts';

/** Most tokens: a model has no more. */
const MAX_SIZE = 65_536;
const BYTES = 256;
/** Most bytes of all different words: learning takes 28 bytes for each. */
const MAX_LEARNED = 2 ** 25;

/** How a tokenizer is learned. */
export interface TrainTokenizerOptions {
  /** V: tokens to have in the end, the 256 bytes and the special ones included. */
  size: number;
  /** Tokens that are signs, not text, as `<|endoftext|>`: the last ones, in this order (none).
   *  Where the text has them, nothing is learned across them. */
  specialTokens?: readonly string[] | undefined;
  /** How often a pair must occur to become a token (2). */
  minFrequency?: number | undefined;
  /** Called for every token that is learned, with how many there are and how many are wanted. What
   *  it throws ends the training. */
  progress?: ((done: number, of: number) => void) | undefined;
}

type Options = Required<{ [K in keyof TrainTokenizerOptions]: TrainTokenizerOptions[K] & {} }>;

function readOptions(options: TrainTokenizerOptions): Options {
  const own = fields('options', options, {
    size: undefined,
    specialTokens: [],
    minFrequency: 2,
    progress: () => undefined,
  } as never) as Options;
  const special = list('specialTokens', own.specialTokens, (name, value) => {
    const content = textOf(name, value);
    return /^$|[\ud800-\udfff]/u.test(content)
      ? refuse(name, content, 'text of at least one character')
      : content;
  });
  const known = new Set(byteCharacters());
  for (const content of special) {
    if (known.has(content))
      refuse('specialTokens', content, 'other texts, each once, no single byte');
    known.add(content);
  }
  whole('size', own.size, BYTES + special.length, MAX_SIZE);
  whole('minFrequency', own.minFrequency, 1, Number.MAX_SAFE_INTEGER);
  callback('progress', own.progress);
  return { ...own, specialTokens: special };
}

/** The texts to learn from. */
function textsOf(given: string | Uint8Array | Iterable<string>): Iterable<string> {
  if (typeof given === 'string') return [given];
  if (ArrayBuffer.isView(given)) return [textOfBytes(given as Uint8Array, 'text')];
  if (Object(given) !== given || typeof given[Symbol.iterator] !== 'function')
    refuse('text', given, 'a string, a Uint8Array, or texts');
  return given;
}

/** The different words of texts and how often each occurs, in the order in which they come. */
function countWords(given: Parameters<typeof textsOf>[0], splitter: AddedTokens): Words {
  const frequency = new Map<string, number>();
  let room = 0;
  const count = (word: string): void => {
    const times = frequency.get(word) ?? 0;
    frequency.set(word, times + 1);
    if (times === 0) room += BYTES_A_UNIT * word.length;
  };
  const read = (text: string): void =>
    splitter.split(text, {
      token: () => undefined,
      text: (from, end) => eachWord(text, from, end, (at, next) => count(text.slice(at, next))),
    });
  reading('text', () => {
    for (const text of textsOf(given)) read(textOf('a text', text));
  });
  return bytesOfWords(frequency, room);
}

/** The bytes of words, as the tokens that they are: their places in GPT-2's order. */
function bytesOfWords(frequency: ReadonlyMap<string, number>, room: number): Words {
  const tokenOf = byteOrder();
  const tokens = new Int32Array(Math.min(room, MAX_LEARNED + 1));
  const starts = [0];
  let length = 0;
  for (const word of frequency.keys()) {
    eachByte(word, 0, word.length, (byte) => {
      tokens[length++] = tokenOf[byte];
    });
    starts.push(length);
    if (length > MAX_LEARNED)
      throw new UsageError(
        `the different words of the text have more than ${MAX_LEARNED} bytes, expected at most ` +
          'so many',
        'learn from a part of the text',
      );
  }
  return { tokens: tokens.slice(0, length), starts, counts: [...frequency.values()] };
}

/** The bytes' characters, ascending: tokens 0 .. 255 are in this order. */
const sortedBytes = (): string[] => [...byteCharacters()].sort();

function byteOrder(): Int32Array {
  const sorted = sortedBytes();
  return Int32Array.from(byteCharacters(), (character) => sorted.indexOf(character));
}

/** Learns a tokenizer. */
export function trained(
  text: string | Uint8Array | Iterable<string>,
  options: TrainTokenizerOptions,
): Model {
  const { size, specialTokens: special, minFrequency, progress } = readOptions(options);
  const splitter = new AddedTokens(specialTokens(special.map((content) => [content, 0])));
  const counts = new PairCounts(countWords(text, splitter));
  const contents = sortedBytes();
  const vocab = new Map(contents.map((content, token) => [content, token]));
  const merges: [string, string][] = [];
  while (contents.length + special.length < size) {
    const pair = counts.best(minFrequency);
    if (pair === undefined) break;
    const [left, right] = [contents[pair.left], contents[pair.right]];
    const joined = vocab.get(left + right) ?? contents.length;
    if (joined === contents.length) contents.push(left + right);
    vocab.set(left + right, joined);
    merges.push([left, right]);
    counts.join({ ...pair, joined });
    progress(contents.length, size - special.length);
  }
  const own = special.map((content, i) => [content, contents.length + i] as const);
  for (const [content, token] of own) {
    if (vocab.has(content)) refuse('specialTokens', content, 'no text that a learned token has');
    vocab.set(content, token);
  }
  const plain = { fusesUnknown: false, ignoresMerges: false, addsPrefixSpace: false };
  return { vocab, merges, added: specialTokens(own), unknown: undefined, ...plain };
}
