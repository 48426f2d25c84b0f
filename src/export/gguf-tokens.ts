// A vocabulary in llama.cpp's terms. Bytes, and characters of ASCII, are a vocabulary of its type
// rwkv, the longest token that fits: it has no merges and, unlike its BPE, need not stop at some
// token. With characters of several bytes that type hangs where a text has the first bytes of one
// and not the rest; they are byte-level BPE, whose merges make the characters of their bytes.

import { UsageError } from '../core/errors.ts';
import { byteCharacters, type Tokens } from './tokens.ts';

/** The keys `tokenizer.ggml.*`. */
export interface GgufTokens {
  readonly model: 'gpt2' | 'rwkv';
  readonly pre?: string;
  readonly texts: readonly string[];
  /** 1: a part of a text, 3: a sign for programs. */
  readonly types: readonly number[];
  readonly merges?: readonly string[];
  /** The token at which programs stop. */
  readonly end: number | undefined;
}

const NORMAL = 1;
const CONTROL = 3;

/** A byte as the type rwkv has it: escaped as in Python, unless it prints. */
const escaped = (byte: number): string =>
  byte > 0x1f && byte < 0x7f && byte !== 0x5c
    ? String.fromCharCode(byte)
    : `\\x${byte.toString(16).padStart(2, '0')}`;

/** The merges that make characters of their bytes, those of a common beginning once. */
function mergesOf(texts: readonly string[]): string[] {
  const merges = new Set<string>();
  for (const text of texts) {
    const parts = Array.from(text);
    for (let i = 1; i < parts.length; i++) merges.add(`${parts.slice(0, i).join('')} ${parts[i]}`);
  }
  return [...merges];
}

function ofCharacters(characters: readonly string[], end: number | undefined): GgufTokens {
  const types = characters.map(() => NORMAL);
  const points = characters.map((character) => Number(character.codePointAt(0)));
  if (points.every((point) => point < 0x80))
    return { model: 'rwkv', texts: points.map(escaped), types, end };
  const byteText = byteCharacters();
  const texts = characters.map((character) =>
    Array.from(new TextEncoder().encode(character), (byte) => byteText[byte]).join(''),
  );
  const merges = mergesOf(texts);
  return { model: 'gpt2', pre: 'gpt-2', texts, types, merges, end: end ?? texts.length - 1 };
}

/** Byte-level BPE: its byte 0xff, of which no text has one, ends it if nothing else does. */
function ofTokenizer(
  { texts, merges, special, json }: Tokens,
  end: number | undefined,
): GgufTokens {
  const { pre_tokenizer: pre, model } = json as Partial<Record<string, Record<string, unknown>>>;
  const isGpt2 = pre?.type === 'ByteLevel' && pre.use_regex !== false && !pre.add_prefix_space;
  if (!isGpt2 || model?.ignore_merges === true)
    throw new UsageError(
      'the tokenizer cuts texts in another way than GPT-2, expected pre_tokenizer ByteLevel with ' +
        'use_regex, without add_prefix_space, and a model without ignore_merges',
      'exportHf (--to hf) takes any tokenizer.json',
    );
  const last = texts.indexOf(byteCharacters()[0xff]);
  return {
    model: 'gpt2',
    pre: 'gpt-2',
    texts,
    types: texts.map((_, id) => (special?.has(id) === true ? CONTROL : NORMAL)),
    merges: merges.map((pair) => pair.join(' ')),
    end: end ?? (last < 0 ? texts.length - 1 : last),
  };
}

/** `end`: the token at which programs stop, if it is given. */
export function ggufTokens(tokens: Tokens, end: number | undefined = tokens.end): GgufTokens {
  const { kind, texts } = tokens;
  if (kind === 'characters') return ofCharacters(texts, end);
  if (kind === 'tokenizer') return ofTokenizer(tokens, end);
  const all = Array.from({ length: 256 }, (_, byte) => escaped(byte));
  return { model: 'rwkv', texts: all, types: all.map(() => NORMAL), end };
}
