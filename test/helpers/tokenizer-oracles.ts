// GPT-2's vocabulary, as the package gpt-3-encoder brings it, in three hands: this library's, that
// package's and Hugging Face's JavaScript. The two others cut words by the classes of the runtime:
// white space is what JavaScript calls so, letters and numbers are of its version of Unicode. A
// text that has a character of another class there is compared with the plain way instead.

import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { Tokenizer as HuggingFace } from '@huggingface/tokenizers';
import { encode as gpt3Encode } from 'gpt-3-encoder';
import { classOf, GROUP, LETTER, NUMBER, SPACE } from '../../src/tokenizer/classes.ts';
import { Tokenizer } from '../../src/tokenizer/index.ts';
import { plainEncode } from './plain-bpe.ts';

const require = createRequire(import.meta.url);
const file = (name: string): string =>
  readFileSync(require.resolve(`gpt-3-encoder/${name}`), 'utf8');
/** The texts of vocab.json and merges.txt. */
export const gpt2Files = () => [file('encoder.json'), file('vocab.bpe')] as const;
export const gpt2 = Tokenizer.fromFiles(...gpt2Files());
const huggingFace = new HuggingFace(gpt2.toJson(), {});
const vocab: Record<string, number> = JSON.parse(gpt2Files()[0]);
const ranks = new Map(
  gpt2Files()[1]
    .split('\n')
    .slice(1)
    .map((line, rank) => [line, rank]),
);
const END = '<|endoftext|>';

/** What the runtime's regular expressions say of a code point. */
function runtimeGroup(point: number): number {
  const character = String.fromCodePoint(point);
  if (/\s/u.test(character)) return SPACE;
  if (/\p{L}/u.test(character)) return LETTER;
  return /\p{N}/u.test(character) ? NUMBER : 0;
}

const groups = new Map<number, boolean>();
/** Whether the runtime puts a code point into another class than the table. */
export function isOther(point: number): boolean {
  let other = groups.get(point);
  if (other === undefined) {
    other = runtimeGroup(point) !== (classOf(point) & GROUP);
    groups.set(point, other);
  }
  return other;
}

/** The plain way. */
const plain = (text: string): number[] =>
  text
    .split(END)
    .flatMap((part, i) => [
      ...(i === 0 ? [] : [vocab[END]]),
      ...plainEncode(part, ranks).map((token) => vocab[token]),
    ]);

/** What was compared with which. */
export interface Compared {
  /** With gpt-3-encoder. */
  gpt3: number;
  /** With @huggingface/tokenizers. */
  huggingFace: number;
  /** With the plain way, for a character of another class in the runtime. */
  plain: number;
}

/** Compares a text's tokens, with special ones and without, and the text that they give back.
 *  Throws an Error for a difference. */
export function compare(text: string, compared: Compared): void {
  const own = gpt2.encode(text);
  const expect = (who: string, ids: ArrayLike<number>, found = own): void => {
    if (ids.length !== found.length || found.some((id, i) => id !== ids[i]))
      throw new Error(
        `${JSON.stringify(text)}: ${Array.from(found)}, ${who} has ${Array.from(ids)}`,
      );
  };
  if (gpt2.decode(own) !== text.replace(/[\ud800-\udfff]/gu, '\ufffd'))
    throw new Error(`${JSON.stringify(text)} becomes ${JSON.stringify(gpt2.decode(own))}`);
  if (Array.from(text).some((c) => isOther(c.codePointAt(0) as number))) {
    expect('the plain way', plain(text));
    compared.plain++;
    return;
  }
  expect('gpt-3-encoder', gpt3Encode(text), gpt2.encodeOrdinary(text));
  compared.gpt3++;
  expect('@huggingface/tokenizers', text === '' ? [] : huggingFace.encode(text).ids);
  compared.huggingFace++;
}
