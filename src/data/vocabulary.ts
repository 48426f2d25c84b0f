// The vocabulary: which token stands for which character. 'characters': the distinct code points of
// the training text in ascending order, token = place in that order, as nanoGPT does. 'bytes':
// token = byte, always 256. It goes into the checkpoint as JSON, so a text or prompt can later be
// encoded the same way.

import { choice, list, properties, text, typed, whole } from '../core/check.ts';
import { UsageError } from '../core/errors.ts';
import { decodeUtf8, eachPoint } from './utf8.ts';

/** 'characters': the distinct code points of a text in ascending order. 'bytes': token = byte,
 *  always 256. */
export type VocabularyKind = 'characters' | 'bytes';

/** What a checkpoint keeps. `symbols`: the characters in token order. */
export type VocabularyJson = { kind: 'bytes' } | { kind: 'characters'; symbols: string };

/** Most tokens a model can have: a token id is stored in 16 bits. */
const MAX_TOKENS = 65536;

/** A character as an error message shows it: itself if it prints, and its code point. */
function describe(point: number): string {
  const code = `U+${point.toString(16).toUpperCase().padStart(4, '0')}`;
  const character = String.fromCodePoint(point);
  return /^[\p{L}\p{N}\p{P}\p{S}]$/u.test(character) ? `'${character}' (${code})` : code;
}

/** The tokens of a text and back. Made by `ofText`, `bytes` or `fromJson`.
 *  @example
 *  const vocabulary = Vocabulary.ofText(new TextEncoder().encode('hello, world'), 'characters');
 *  const ids = vocabulary.encode(new TextEncoder().encode('hold'));
 *  console.log(vocabulary.size, ids.join(' '), vocabulary.decode(ids)); // 9 4 6 5 2 hold
 */
export class Vocabulary {
  /** Kept by bundlers. @internal */
  static readonly name = 'Vocabulary';
  /** Characters or bytes. */
  readonly kind: VocabularyKind;
  /** V: number of tokens. */
  readonly size: number;
  /** Token of a code point, -1 if it has none. Empty for bytes. */
  private readonly tokenOf: Int32Array;

  /** points: the characters' code points in token order; undefined for bytes. */
  private constructor(private readonly points: Int32Array | undefined) {
    this.kind = points === undefined ? 'bytes' : 'characters';
    this.size = points === undefined ? 256 : points.length;
    this.tokenOf = new Int32Array(
      points === undefined ? 0 : points.reduce((a, b) => Math.max(a, b), -1) + 1,
    ).fill(-1);
    points?.forEach((point, token) => {
      this.tokenOf[point] = token;
    });
  }

  /** The vocabulary of 256 bytes, for any text or file.
   *  @example
   *  console.log(Vocabulary.bytes().size, Vocabulary.bytes().decode([104, 105])); // 256 hi
   */
  static bytes(): Vocabulary {
    return new Vocabulary(undefined);
  }

  /** The vocabulary of a text; `what` names it in errors. Throws UsageError if it is not UTF-8 or
   *  has more than 65,536 distinct characters.
   *  @example
   *  console.log(Vocabulary.ofText(new TextEncoder().encode('banana'), 'characters').size); // 3
   */
  static ofText(bytes: Uint8Array, kind: VocabularyKind, what = 'text'): Vocabulary {
    typed(text('what', what), bytes, 'Uint8Array');
    if (choice('vocabulary', kind, ['characters', 'bytes']) === 'bytes') return Vocabulary.bytes();
    const present = new Uint8Array(0x110000);
    eachPoint(bytes, what, (point) => {
      present[point] = 1;
    });
    const points: number[] = [];
    for (let point = 0; point < present.length; point++)
      if (present[point] === 1) points.push(point);
    if (points.length > MAX_TOKENS)
      throw new UsageError(
        `${what} has ${points.length} distinct characters, expected at most ${MAX_TOKENS}`,
        'use the byte vocabulary',
      );
    return new Vocabulary(Int32Array.from(points));
  }

  /** From a checkpoint's JSON value, of which nothing is trusted. Returns undefined if it is not a
   *  vocabulary.
   *  @example
   *  const known = Vocabulary.fromJson({ kind: 'characters', symbols: 'abn' });
   *  console.log(known?.size, Vocabulary.fromJson({ kind: 'words' })); // 3 undefined
   */
  static fromJson(value: unknown): Vocabulary | undefined {
    if (typeof value !== 'object' || value === null) return undefined;
    const { kind, symbols } = properties<{ kind?: unknown; symbols?: unknown }>(
      'vocabulary',
      value,
      ['kind', 'symbols'],
    );
    if (kind === 'bytes') return Vocabulary.bytes();
    if (kind !== 'characters' || typeof symbols !== 'string') return undefined;
    const points = Int32Array.from(symbols, (symbol) => Number(symbol.codePointAt(0)));
    /** Halves of surrogate pairs are no characters: two side by side would come back as one. */
    const isRight = points.every(
      (point, i) => (i === 0 || point > points[i - 1]) && point >> 11 !== 0x1b,
    );
    return points.length > 0 && points.length <= MAX_TOKENS && isRight
      ? new Vocabulary(points)
      : undefined;
  }

  /** The value that a checkpoint keeps.
   *  @example
   *  console.log(Vocabulary.ofText(new TextEncoder().encode('banana'), 'characters').toJson());
   *  // { kind: 'characters', symbols: 'abn' }
   */
  toJson(): VocabularyJson {
    if (this.points === undefined) return { kind: 'bytes' };
    return {
      kind: 'characters',
      symbols: Array.from(this.points, (point) => String.fromCodePoint(point)).join(''),
    };
  }

  /** Tokens of a UTF-8 text; `what` names it in errors. Throws UsageError naming the first
   *  character that has no token.
   *  @example
   *  const known = Vocabulary.fromJson({ kind: 'characters', symbols: 'abn' });
   *  const bytes = new TextEncoder().encode('banana');
   *  console.log(known.encode(bytes).join(' ')); // 1 0 2 0 2 0
   */
  encode(bytes: Uint8Array, what = 'text'): Int32Array<ArrayBuffer> {
    typed(text('what', what), bytes, 'Uint8Array');
    if (this.points === undefined) return Int32Array.from(bytes);
    const tokens = decodeUtf8(bytes, what);
    for (let i = 0; i < tokens.length; i++) {
      const point = tokens[i];
      const token = point < this.tokenOf.length ? this.tokenOf[point] : -1;
      if (token < 0)
        throw new UsageError(
          `${what} has the character ${describe(point)} at position ${i}, expected one of ` +
            `the ${this.size} characters of the training text`,
          'remove it, or train with a text that has it or with the byte vocabulary',
        );
      tokens[i] = token;
    }
    return tokens;
  }

  /** The text of some tokens, each below `size`; bytes that are not UTF-8 become U+FFFD.
   *  @example
   *  const known = Vocabulary.fromJson({ kind: 'characters', symbols: 'abn' });
   *  console.log(known.decode([1, 0, 2, 0, 2, 0])); // banana
   */
  decode(tokens: ArrayLike<number>): string {
    const { points, size } = this;
    const own = list('tokens', tokens, (name, token) => whole(name, token, 0, size - 1));
    if (points === undefined)
      return new TextDecoder('utf-8', { ignoreBOM: true }).decode(Uint8Array.from(own));
    return own.map((token) => String.fromCodePoint(points[token])).join('');
  }
}
