// What the tokens of a GPT stand for: the characters or bytes of --vocabulary, or a tokenizer; of a
// text, of a checkpoint, and as a checkpoint keeps it.

import { quote } from '../argv.ts';
import { readTextFile } from '../files.ts';
import { Tokenizer, UsageError, Vocabulary } from '../library.ts';
import type { RunValues } from '../options.ts';
import { learnedSize, learnTokenizer, readTokenizer } from '../tokenizers.ts';

/** What stands for texts: characters, bytes, or what a tokenizer learned. */
export type TextVocabulary = Vocabulary | Tokenizer;

export interface GptKnown {
  vocabulary: TextVocabulary;
  /** Tokens that --tokenizer bpe:N asked for; null if it was read from a file, or there is none. */
  learned: number | null;
}

/** A text as errors name it. */
export const describeText = (path: string): string => `text ${quote(path)}`;

/** What --tokenizer or --vocabulary names. */
export function vocabularyOf(values: RunValues, file: Uint8Array): TextVocabulary {
  const { tokenizer, text = '', vocabulary = 'characters' } = values;
  const what = describeText(text);
  if (tokenizer === undefined) return Vocabulary.ofText(file, vocabulary, what);
  const size = learnedSize(tokenizer);
  if (size === undefined) return readTokenizer(tokenizer);
  try {
    return learnTokenizer(size, file, values.json !== true);
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    const said = error.message.split('. HINT: ')[0].replace(/^text\b/, '');
    throw new UsageError(`${what}${said}`, error.hint);
  }
}

/** Size of a vocabulary without its text: as the tokenizer has it, as given, or 256 as of bytes. */
export function assumedSize({ tokenizer, vocabularySize = 256 }: RunValues): number {
  if (tokenizer === undefined) return vocabularySize;
  return learnedSize(tokenizer) ?? readTokenizer(tokenizer).size;
}

/** Size of the vocabulary: of the text, if there is one. */
export function vocabularySize(values: RunValues): number {
  const { text } = values;
  if (text === undefined) return assumedSize(values);
  return vocabularyOf(values, readTextFile(text)).size;
}

/** Bytes in UTF-8 that some tokens stand for. */
export function bytesOfTokens(vocabulary: TextVocabulary, tokens: Int32Array): number {
  if (vocabulary.kind === 'bytes') return tokens.length;
  if (vocabulary.kind === 'tokenizer') return vocabulary.decodeBytes(tokens).length;
  return Buffer.byteLength(vocabulary.decode(tokens));
}

/** Throws UsageError for two vocabularies. */
export function checkOne({ vocabulary, tokenizer, vocabularySize: size }: RunValues): void {
  if (tokenizer === undefined || (vocabulary === undefined && size === undefined)) return;
  const other = vocabulary === undefined ? '--vocabulary-size' : '--vocabulary';
  throw new UsageError(`--tokenizer and ${other} are given, expected one of them`);
}

/** What was known, of a checkpoint. */
export function knownOf(value: unknown): GptKnown | undefined {
  const { kind, learned, tokenizer } = Object(value) as Record<string, unknown>;
  if (kind !== 'tokenizer') {
    const vocabulary = Vocabulary.fromJson(value);
    return vocabulary === undefined ? undefined : { vocabulary, learned: null };
  }
  if (learned !== null && !Number.isInteger(learned)) return undefined;
  try {
    return { vocabulary: Tokenizer.fromJson(tokenizer), learned: learned as number | null };
  } catch (error) {
    if (error instanceof UsageError) return undefined;
    throw error;
  }
}

/** What a checkpoint keeps of it. */
export const knownJson = ({ vocabulary, learned }: GptKnown): object =>
  vocabulary.kind === 'tokenizer'
    ? { kind: vocabulary.kind, learned, tokenizer: vocabulary.toJson() }
    : vocabulary.toJson();

/** What --tokenizer was of a run: the word that is given now, if it means the same. Undefined for
 *  none, and for a file whose name is not known any more. */
export function tokenizerOf(
  { vocabulary, learned }: GptKnown,
  given: string | undefined,
): string | undefined {
  if (vocabulary.kind !== 'tokenizer') return undefined;
  if (learned !== null) return `bpe:${learned}`;
  if (given === undefined) return undefined;
  const isFile = learnedSize(given) === undefined;
  const now = isFile ? JSON.stringify(readTokenizer(given).toJson()) : undefined;
  const isSame = now === JSON.stringify(vocabulary.toJson());
  return isSame ? given : `another of ${vocabulary.size} tokens`;
}
