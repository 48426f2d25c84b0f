// The text that is learned: its bytes, its tokens in two parts, and what it is called.

import { readText, sha256Hex, type TextData, UsageError, Vocabulary } from 'retrograd';
import type { TextInfo } from '../protocol.ts';
import type { TextName } from '../settings.ts';
import { BUILT_IN } from '../texts.ts';

/** Most bytes of a text: its tokens take four times as many. */
const MAX_BYTES = 2 ** 25;
/** More distinct characters than this are learned as bytes. */
const MAX_CHARACTERS = 1024;
const SHOWN = 400;

export interface LearnedText extends TextData {
  readonly name: TextName;
  readonly bytes: Uint8Array;
  readonly sha256: string;
  readonly prompt: string;
}

function checkSize(bytes: Uint8Array): void {
  if (bytes.length <= MAX_BYTES) return;
  const megabytes = (size: number): string => (size / 2 ** 20).toFixed(0);
  throw new UsageError(
    `the text has ${megabytes(bytes.length)} MiB, expected at most ${megabytes(MAX_BYTES)}`,
    'give a part of it, or use the command line',
  );
}

/** Of the characters of the text, as the command line has it, if there are not too many. */
function vocabularyOf(bytes: Uint8Array): Vocabulary {
  if (bytes.includes(0))
    throw new UsageError('the file is binary, expected a text in UTF-8', 'give a plain text file');
  const characters = Vocabulary.ofText(bytes, 'characters', 'the text');
  return characters.size <= MAX_CHARACTERS ? characters : Vocabulary.bytes();
}

/** One's own text: `name` is 'own'; or one that comes with the page. */
export async function readLearned(name: TextName, own?: Uint8Array): Promise<LearnedText> {
  const bytes = own ?? new TextEncoder().encode(BUILT_IN[name as 'stories'].make());
  checkSize(bytes);
  const vocabulary = vocabularyOf(bytes);
  const data = readText(bytes, { context: 4, vocabulary, what: 'the text' });
  const prompt =
    name === 'own' ? vocabulary.decode(data.train.subarray(0, 8)) : BUILT_IN[name].prompt;
  return { ...data, name, bytes, sha256: await sha256Hex(bytes), prompt };
}

/** Throws UsageError for a text that is too short for windows of `context` tokens. */
export function checkContext(text: LearnedText, context: number): void {
  const { bytes, vocabulary, validation } = text;
  if (validation.length <= context) readText(bytes, { context, vocabulary, what: 'the text' });
}

/** The same text in the tokens of another vocabulary. */
export const inVocabulary = (text: LearnedText, vocabulary: Vocabulary): LearnedText => ({
  ...text,
  ...readText(text.bytes, { context: 4, vocabulary, what: 'the text' }),
});

export const infoOf = ({
  name,
  bytes,
  train,
  validation,
  vocabulary,
  sha256,
}: LearnedText): TextInfo => ({
  name,
  bytes: bytes.length,
  tokens: train.length + validation.length,
  vocabulary: vocabulary.size,
  kind: vocabulary.kind,
  sha256,
  start: vocabulary.decode(train.subarray(0, SHOWN)),
});
