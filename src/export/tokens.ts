// A vocabulary in other programs' terms: the tokenizer.json of Hugging Face's tokenizers.

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
export function bpeJson(parts: {
  texts: readonly string[];
  merges?: readonly (readonly [string, string])[];
  normalizer?: object | null;
  pre?: object | null;
  post?: object | null;
  decoder: object;
  added?: readonly object[];
  unknown?: string | null;
}): object {
  const { texts, merges = [], added = [], unknown = null } = parts;
  const { normalizer = null, pre = null, post = null, decoder } = parts;
  return {
    version: '1.0',
    truncation: null,
    padding: null,
    added_tokens: added,
    normalizer,
    pre_tokenizer: pre,
    post_processor: post,
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
