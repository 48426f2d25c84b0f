// tokenizer.json as it is written here: the fields of Hugging Face's libraries, in their order.

import type { AddedToken } from './added.ts';

/** The parts of tokenizer.json that cut a text into words and write tokens as bytes. */
export interface ByteLevelJson {
  /** The words of GPT-2. */
  type: 'ByteLevel';
  /** Whether a text is read as if a space were before it. */
  add_prefix_space: boolean;
  /** Of the places of tokens in a text, which are not told here. */
  trim_offsets: boolean;
  /** Whether a text is cut into words at all. */
  use_regex: boolean;
}

/** The part of tokenizer.json that has the tokens and the rules. */
export interface BpeJson {
  /** Byte-pair encoding. */
  type: 'BPE';
  /** No rule is left out at random. */
  dropout: null;
  /** The token of bytes that have none. */
  unk_token: string | null;
  /** Not of byte-level tokenizers. */
  continuing_subword_prefix: null;
  /** Not of byte-level tokenizers. */
  end_of_word_suffix: null;
  /** Whether such bytes side by side are one token. */
  fuse_unk: boolean;
  /** Not of byte-level tokenizers. */
  byte_fallback: false;
  /** Whether a word that is a token is that token, whatever the rules say. */
  ignore_merges: boolean;
  /** The number of each token, whose bytes are written as characters. */
  vocab: Record<string, number>;
  /** The rules: two tokens with a space between them, the first rule first. */
  merges: string[];
}

/** What tokenizer.json says. */
export interface TokenizerJson {
  /** Of the format. */
  version: string;
  /** No text is cut off. */
  truncation: null;
  /** None is filled up. */
  padding: null;
  /** Tokens that are cut out of a text first. */
  added_tokens: AddedToken[];
  /** The text is taken as it is. */
  normalizer: null;
  /** How a text is cut into words. */
  pre_tokenizer: ByteLevelJson;
  /** Nothing is put around a text's tokens. */
  post_processor: null;
  /** How tokens become text. */
  decoder: ByteLevelJson;
  /** Tokens and rules. */
  model: BpeJson;
}
