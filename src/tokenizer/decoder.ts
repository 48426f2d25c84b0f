// Tokens back to text, all at once or as they come.

import { list, whole } from '../core/check.ts';

/** What a token stands for. */
export interface TokenBytes {
  /** The bytes of all tokens, one behind the other. */
  readonly bytes: Uint8Array;
  /** Where those of each begin; one more for the end. */
  readonly starts: Int32Array;
  /** Tokens that are left out. */
  readonly skipped: ReadonlySet<number>;
}

/** The bytes of a token, or of some one after the other. */
export function bytesOf(
  tokens: number | ArrayLike<number>,
  { bytes, starts, skipped }: TokenBytes,
): Uint8Array<ArrayBuffer> {
  const most = starts.length - 2;
  const check = (name: string, token: unknown): number => whole(name, token, 0, most);
  const own = list('tokens', typeof tokens === 'number' ? [tokens] : tokens, check);
  const isText = (token: number): boolean => skipped.size === 0 || !skipped.has(token);
  let room = 0;
  for (const token of own) room += starts[token + 1] - starts[token];
  const all = new Uint8Array(room);
  let length = 0;
  for (const token of own)
    if (isText(token))
      for (let at = starts[token]; at < starts[token + 1]; at++) all[length++] = bytes[at];
  return all.subarray(0, length);
}

/** The text of tokens that come one after the other, as from a model that writes: a character whose
 *  bytes are in several tokens comes with the last of them. Made by `decoder` of a `Tokenizer`.
 *  @example
 *  const tokenizer = Tokenizer.train('snow \u{2603} snow', { size: 257 });
 *  const decoder = tokenizer.decoder();
 *  const pieces = Array.from(tokenizer.encode('\u{2603}!'), (token) => decoder.take(token));
 *  console.log(JSON.stringify([...pieces, decoder.end()])); // ["","","☃","!",""]
 */
export class TokenDecoder {
  /** Kept by bundlers. @internal */
  static readonly name = 'TokenDecoder';
  private readonly tokens: TokenBytes;
  private readonly utf8 = new TextDecoder('utf-8', { ignoreBOM: true });

  /** @internal */
  constructor(tokens: TokenBytes) {
    this.tokens = tokens;
  }

  /** The text that is complete with a token, or with some, each below the tokenizer's size. Bytes
   *  that are no UTF-8 become U+FFFD, as TextDecoder and Python's `errors='replace'` write them.
   *  @example
   *  const decoder = Tokenizer.train('ha ha', { size: 256 }).decoder();
   *  console.log(decoder.take([71, 64]) + decoder.take(0)); // ha!
   */
  take(tokens: number | ArrayLike<number>): string {
    return this.utf8.decode(bytesOf(tokens, this.tokens), { stream: true });
  }

  /** What is left when no token comes any more: U+FFFD for an incomplete character, or nothing. The
   *  decoder is as new then.
   *  @example
   *  const tokenizer = Tokenizer.train('\u{2603}', { size: 256 });
   *  const decoder = tokenizer.decoder();
   *  decoder.take(tokenizer.encode('\u{2603}').subarray(0, 2));
   *  console.log(decoder.end()); // �
   */
  end(): string {
    return this.utf8.decode();
  }
}
