// Byte-level byte-pair encoding, as GPT-2 has it: a text is cut into words, every word is its bytes
// in UTF-8, and the rules join them. Any text has tokens, and they give it back. Only integers are
// compared and no table of the runtime is asked: a text has the same tokens everywhere.

import { fields, flag, text as textOf } from '../core/check.ts';
import { UsageError } from '../core/errors.ts';
import { type AddedToken, AddedTokens } from './added.ts';
import { BYTES_A_UNIT, byteCharacters, eachByte } from './bytes.ts';
import { WordCache } from './cache.ts';
import { bytesOf, type TokenBytes, TokenDecoder } from './decoder.ts';
import type { TokenizerJson } from './format.ts';
import { Joiner } from './joiner.ts';
import {
  bytesOfTokens,
  type Model,
  readFiles,
  readTokenizerJson,
  rulesOf,
  toTokenizerJson,
} from './json.ts';
import { type TrainTokenizerOptions, trained } from './train.ts';
import { textOfBytes } from './utf8.ts';
import { eachWord } from './words.ts';

/** How tokens become text. */
export interface DecodeOptions {
  /** Special tokens are no text (false: they are their content). */
  skipSpecialTokens?: boolean | undefined;
}

/** The two files of GPT-2's tokenizer. */
export interface TokenizerFiles {
  /** JSON: the number of each token. */
  'vocab.json': string;
  /** The rules, one a line, the first rule first. */
  'merges.txt': string;
}

/** Tokens as they are found. */
class Sink {
  private tokens = new Int32Array(1024);
  private length = 0;

  push(token: number): void {
    if (this.length === this.tokens.length) this.grow(1);
    this.tokens[this.length++] = token;
  }

  add(tokens: Int32Array, count: number): void {
    if (this.length + count > this.tokens.length) this.grow(count);
    for (let i = 0; i < count; i++) this.tokens[this.length++] = tokens[i];
  }

  all(): Int32Array<ArrayBuffer> {
    return this.tokens.slice(0, this.length);
  }

  private grow(more: number): void {
    const larger = new Int32Array(2 * this.tokens.length + more);
    larger.set(this.tokens);
    this.tokens = larger;
  }
}

/** The tokens of a text and back, by byte-level byte-pair encoding. Made by `train`, `fromJson` or
 *  `fromFiles`. The same text has the same tokens in every runtime: letters, numbers and white
 *  space are those of Unicode 17.0. Half of a surrogate pair, which only a string can have, is read
 *  as U+FFFD. Words that came before are remembered, in some 32 MB at most.
 *  @example
 *  const tokenizer = Tokenizer.train('low lower lowest, slow slower slowest', { size: 266 });
 *  const ids = tokenizer.encode('slower');
 *  console.log(ids.join(' '), tokenizer.decode(ids)); // 82 258 81 slower
 */
export class Tokenizer {
  /** Kept by bundlers. @internal */
  static readonly name = 'Tokenizer';
  /** Tells it from other vocabularies. */
  readonly kind = 'tokenizer';
  /** V: number of tokens, or the largest number of one and 1, if some are not in use. */
  readonly size: number;
  /** Tokens that are found in a text before all others. */
  readonly addedTokens: readonly AddedToken[];

  private readonly model: Model;
  private readonly splitter: AddedTokens;
  /** Without the special ones. */
  private readonly ordinary: AddedTokens;
  private readonly words = new WordCache();
  private readonly joiner: Joiner;
  /** Token of each byte, -1 if it has none. */
  private readonly tokenOfByte: Int32Array;
  private readonly unknownToken: number;
  private readonly bytes: Omit<TokenBytes, 'skipped'>;

  private constructor(model: Model) {
    const { vocab, added, unknown } = model;
    this.model = model;
    this.addedTokens = added;
    this.splitter = new AddedTokens(added);
    this.ordinary = new AddedTokens(added.filter(({ special }) => !special));
    this.joiner = new Joiner(rulesOf(model));
    this.bytes = bytesOfTokens(model);
    this.size = this.bytes.starts.length - 1;
    this.tokenOfByte = Int32Array.from(byteCharacters(), (c) => vocab.get(c) ?? -1);
    this.unknownToken = unknown === undefined ? -1 : (this.tokenToId(unknown) ?? -1);
  }

  /** Learns a tokenizer from a text, or from several, across whose borders nothing is joined. Its
   *  first 256 tokens are the bytes, in GPT-2's order; then come those that are learned, each the
   *  most frequent pair of neighbours of that moment, of several the one with the lowest left and
   *  then right token; then special ones. There are fewer than `size` if no pair occurs
   *  `minFrequency` times any more. Takes about a second for a text of 10 MB, and memory for its
   *  different words. Throws UsageError for a size below 256 and the special tokens or above
   *  65,536, for bytes that are no UTF-8, and for different words of more than 2^25 bytes together.
   *  @example
   *  const tokenizer = Tokenizer.train('aaab aaac', { size: 259, specialTokens: ['<end>'] });
   *  console.log(tokenizer.encode('aaab<end>').join(' ')); // 257 65 258
   */
  static train(
    text: string | Uint8Array | Iterable<string>,
    options: TrainTokenizerOptions,
  ): Tokenizer {
    return new Tokenizer(trained(text, options));
  }

  /** From tokenizer.json of Hugging Face's libraries: its text, or the value that it says; `what`
   *  names it in errors. Rules may be written `"a b"` or `["a", "b"]`. Truncation, padding and
   *  offsets change no token and are left out. Throws UsageError if it is damaged, and if it is of
   *  another kind than byte-level BPE with GPT-2's words: another model, pre-tokenizer, normalizer,
   *  post-processor or decoder.
   *  @example
   *  const trained = Tokenizer.train('to be or not to be', { size: 258 });
   *  const read = Tokenizer.fromJson(JSON.stringify(trained.toJson()));
   *  console.log(read.encode('to be').join(' ')); // 257 220 256
   */
  static fromJson(tokenizerJson: unknown, what = 'tokenizer.json'): Tokenizer {
    return new Tokenizer(readTokenizerJson(textOf('what', what), tokenizerJson));
  }

  /** From the texts of vocab.json and merges.txt, as GPT-2 has them; the first may be the value
   *  that it says, too. Tokens that are no byte and that no rule makes, as `<|endoftext|>`, are
   *  special. Throws UsageError if they are damaged or do not fit each other.
   *  @example
   *  const files = Tokenizer.train('to be or not to be', { size: 258 }).toFiles();
   *  const read = Tokenizer.fromFiles(files['vocab.json'], files['merges.txt']);
   *  console.log(read.size); // 258
   */
  static fromFiles(vocabJson: unknown, mergesTxt: string): Tokenizer {
    return new Tokenizer(readFiles(vocabJson, mergesTxt));
  }

  /** tokenizer.json, as Hugging Face's libraries read it, before JSON.stringify.
   *  @example
   *  const { model } = Tokenizer.train('aaaa', { size: 257 }).toJson();
   *  console.log(model.merges, model.vocab.aa); // [ 'a a' ] 256
   */
  toJson(): TokenizerJson {
    return toTokenizerJson(this.model);
  }

  /** The texts of vocab.json and merges.txt, as GPT-2 has them. They say no flags of added tokens.
   *  @example
   *  const files = Tokenizer.train('aaaa', { size: 257 }).toFiles();
   *  console.log(JSON.stringify(files['merges.txt'])); // "#version: 0.2\na a\n"
   */
  toFiles(): TokenizerFiles {
    const { vocab, merges, added } = this.model;
    const own = added.map(({ id, content }) => [content, id] as const);
    const all = [...new Map([...vocab, ...own])].sort(([, a], [, b]) => a - b);
    const lines = merges.map(([left, right]) => `${left} ${right}\n`);
    return {
      'vocab.json': JSON.stringify(Object.fromEntries(all)),
      'merges.txt': `#version: 0.2\n${lines.join('')}`,
    };
  }

  /** The tokens of a text, or of its bytes in UTF-8; `what` names it in errors. Added tokens are
   *  found in it. Nothing is put before or behind it. Throws UsageError for bytes that are no
   *  UTF-8, and for a byte that has no token, which only tokenizers of others lack.
   *  @example
   *  const tokenizer = Tokenizer.train('ha ha ha', { size: 257, specialTokens: [] });
   *  console.log(tokenizer.encode('ha ha').join(' ')); // 256 220 256
   */
  encode(text: string | Uint8Array, what = 'text'): Int32Array<ArrayBuffer> {
    return this.encodeBy(this.splitter, text, what);
  }

  /** The same, but special tokens are not found: `<|endoftext|>` is text like any other. For text
   *  that others wrote.
   *  @example
   *  const tokenizer = Tokenizer.train('ha ha', { size: 257, specialTokens: ['<end>'] });
   *  const lengths = [tokenizer.encode('<end>'), tokenizer.encodeOrdinary('<end>')];
   *  console.log(lengths.map(({ length }) => length).join(' ')); // 1 5
   */
  encodeOrdinary(text: string | Uint8Array, what = 'text'): Int32Array<ArrayBuffer> {
    return this.encodeBy(this.ordinary, text, what);
  }

  /** The text of some tokens, each below `size`. Bytes that are no UTF-8 become U+FFFD; a number
   *  that no token has is no text.
   *  @example
   *  const tokenizer = Tokenizer.train('ha ha', { size: 257, specialTokens: ['<end>'] });
   *  console.log(tokenizer.decode([71, 64, 256]), tokenizer.decode([71], {})); // ha<end> h
   *  console.log(tokenizer.decode([71, 64, 256], { skipSpecialTokens: true })); // ha
   */
  decode(tokens: ArrayLike<number>, options: DecodeOptions = {}): string {
    const decoder = this.decoder(options);
    return decoder.take(tokens) + decoder.end();
  }

  /** The bytes of some tokens: those of the text, if they are of a whole one.
   *  @example
   *  const tokenizer = Tokenizer.train('\u{2603}', { size: 256 });
   *  console.log(tokenizer.decodeBytes(tokenizer.encode('\u{2603}')).join(' ')); // 226 152 131
   */
  decodeBytes(tokens: ArrayLike<number>): Uint8Array<ArrayBuffer> {
    return bytesOf(tokens, { ...this.bytes, skipped: new Set() });
  }

  /** What gives the text of tokens that come one after the other.
   *  @example
   *  const decoder = Tokenizer.train('ha ha', { size: 256 }).decoder();
   *  console.log(decoder.take(71) + decoder.take(64) + decoder.end()); // ha
   */
  decoder(options: DecodeOptions = {}): TokenDecoder {
    const own = fields('options', options, { skipSpecialTokens: false });
    const skips = flag('skipSpecialTokens', own.skipSpecialTokens);
    const special = this.addedTokens.filter((token) => token.special && skips);
    return new TokenDecoder({ ...this.bytes, skipped: new Set(special.map(({ id }) => id)) });
  }

  /** The number of a token, as tokenizer.json writes it: a space is `Ġ`; undefined if there is
   *  none.
   *  @example
   *  const tokenizer = Tokenizer.train('a a', { size: 257, specialTokens: ['<end>'] });
   *  console.log(tokenizer.tokenToId('<end>'), tokenizer.tokenToId('Ġ')); // 256 220
   */
  tokenToId(token: string): number | undefined {
    const content = textOf('token', token);
    const added = this.addedTokens.find((own) => own.content === content);
    return added?.id ?? this.model.vocab.get(content);
  }

  private encodeBy(
    splitter: AddedTokens,
    given: string | Uint8Array,
    what: string,
  ): Int32Array<ArrayBuffer> {
    const name = textOf('what', what);
    const text = textOfBytes(given, name);
    const sink = new Sink();
    splitter.split(text, {
      token: ({ id }) => sink.push(id),
      text: (from, end) => {
        if (!this.model.addsPrefixSpace || text[from] === ' ')
          this.encodePart(text, from, end, sink, name);
        else {
          const part = ` ${text.slice(from, end)}`;
          this.encodePart(part, 0, part.length, sink, name);
        }
      },
    });
    return sink.all();
  }

  private encodePart(text: string, from: number, end: number, sink: Sink, what: string): void {
    const { words, joiner } = this;
    eachWord(text, from, end, (at, next) => {
      const word = text.slice(at, next);
      const known = words.get(word);
      if (typeof known === 'number') sink.push(known);
      else if (known !== undefined) sink.add(known, known.length);
      else {
        this.encodeWord(word, what);
        words.set(word, joiner.tokens, joiner.length);
        sink.add(joiner.tokens, joiner.length);
      }
    });
  }

  /** Leaves the tokens of a word in the joiner. */
  private encodeWord(word: string, what: string): void {
    const { joiner, tokenOfByte, model } = this;
    joiner.begin(BYTES_A_UNIT * word.length);
    eachByte(word, 0, word.length, (byte) => {
      const token = tokenOfByte[byte];
      if (token >= 0) joiner.tokens[joiner.length++] = token;
      else this.takeUnknown(byte, what);
    });
    const whole = model.ignoresMerges ? this.wholeWord(word) : undefined;
    if (whole === undefined) joiner.join();
    else joiner.only(whole);
  }

  /** Puts the token of unknown bytes. */
  private takeUnknown(byte: number, what: string): void {
    const { joiner, unknownToken, model } = this;
    if (unknownToken < 0)
      throw new UsageError(
        `${what} has the byte 0x${byte.toString(16).padStart(2, '0')}, for which the tokenizer ` +
          'has no token, expected bytes that it knows',
        'train it with all 256 bytes as initial alphabet, or give it an unk_token',
      );
    const isFused = model.fusesUnknown && joiner.tokens[joiner.length - 1] === unknownToken;
    if (joiner.length === 0 || !isFused) joiner.tokens[joiner.length++] = unknownToken;
  }

  /** The token that a whole word is. */
  private wholeWord(word: string): number | undefined {
    let written = '';
    eachByte(word, 0, word.length, (byte) => {
      written += byteCharacters()[byte];
    });
    return this.model.vocab.get(written);
  }
}
