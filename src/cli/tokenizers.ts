// --tokenizer of `train gpt`: bpe:N learns one from the text, a path leads to one that exists, a
// tokenizer.json, or a directory with one or with vocab.json and merges.txt.

import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { quote, wholeNumber } from './argv.ts';
import { readTokenizerFile } from './files.ts';
import { count } from './format.ts';
import { Tokenizer, UsageError } from './library.ts';
import { status } from './status.ts';

/** Most tokens of a model. */
const MOST = 65_536;
const BYTES = 256;
/** Milliseconds between two states of the line that says how far learning is. */
const PAUSE = 120;

const LEARNED = /^bpe:(.*)$/;

/** The tokens that are asked for; undefined if the word is a path. */
export function learnedSize(word: string | undefined): number | undefined {
  const digits = LEARNED.exec(word ?? '')?.[1];
  return digits === undefined ? undefined : Number(digits);
}

/** A parser of bpe:N or a path. */
export const tokenizerWord =
  (flag: string) =>
  (given: string): string => {
    if (given === '')
      throw new UsageError(`${flag} is '', expected bpe:N or a file`, 'for instance bpe:4096');
    const digits = LEARNED.exec(given)?.[1];
    if (digits === undefined) return given;
    return `bpe:${wholeNumber(`N of ${flag} bpe:N`, BYTES + 1, MOST)(digits)}`;
  };

const isDirectory = (path: string): boolean =>
  statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;

/** The tokenizer of a directory. */
function ofDirectory(path: string): Tokenizer {
  const [whole, vocab, merges] = ['tokenizer.json', 'vocab.json', 'merges.txt'].map((name) =>
    join(path, name),
  );
  if (existsSync(whole)) return ofFile(whole);
  if (existsSync(vocab) && existsSync(merges))
    return Tokenizer.fromFiles(readTokenizerFile(vocab), readTokenizerFile(merges));
  throw new UsageError(
    `tokenizer ${quote(path)} has no tokenizer.json, nor vocab.json with merges.txt, expected ` +
      'one of them',
  );
}

const ofFile = (path: string): Tokenizer =>
  Tokenizer.fromJson(readTokenizerFile(path), `tokenizer ${quote(path)}`);

/** The tokenizer that a path leads to. Throws UsageError if it cannot be used. */
export function readTokenizer(path: string): Tokenizer {
  const tokenizer = isDirectory(path) ? ofDirectory(path) : ofFile(path);
  if (tokenizer.size > MOST)
    throw new UsageError(
      `tokenizer ${quote(path)} has ${tokenizer.size} tokens, expected at most ${MOST}`,
    );
  return tokenizer;
}

/** Where nine tenths of a text end: between two characters. */
function nineTenths(bytes: Uint8Array): Uint8Array {
  let end = Math.floor((9 * bytes.length) / 10);
  while (end > 0 && (bytes[end] & 0xc0) === 0x80) end--;
  return bytes.subarray(0, end);
}

/** Learns a tokenizer from the first nine tenths of a text. `isShown`: says on a terminal how far
 *  it is. */
export function learnTokenizer(size: number, text: Uint8Array, isShown: boolean): Tokenizer {
  let next = 0;
  const progress = (done: number, of: number): void => {
    const now = performance.now();
    if (now < next && done < of) return;
    next = now + PAUSE;
    status(`learning the tokenizer: ${count(done)} of ${count(of)} tokens`);
  };
  if (!isShown) return Tokenizer.train(nineTenths(text), { size });
  try {
    return Tokenizer.train(nineTenths(text), { size, progress });
  } finally {
    status('');
  }
}
