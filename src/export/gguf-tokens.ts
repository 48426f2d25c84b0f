// A vocabulary in llama.cpp's terms. Bytes, and characters of ASCII, are a vocabulary of its type
// rwkv, the longest token that fits: it has no merges and, unlike its BPE, need not stop at some
// token. With characters of several bytes that type hangs where a text has the first bytes of one
// and not the rest; they are byte-level BPE, whose merges make the characters of their bytes.

import { byteCharacters, type Tokens } from './vocabulary.ts';

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

/** `end`: the token at which programs stop, if it is given. */
export function ggufTokens(tokens: Tokens, end: number | undefined = tokens.end): GgufTokens {
  const { kind, texts } = tokens;
  if (kind === 'characters') return ofCharacters(texts, end);
  const all = Array.from({ length: 256 }, (_, byte) => escaped(byte));
  return { model: 'rwkv', texts: all, types: all.map(() => NORMAL), end };
}
