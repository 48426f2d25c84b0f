// What a run's tokens stand for, of its receipt.

import { RetrogradError, Vocabulary } from 'retrograd';
import { Tokenizer } from 'retrograd/tokenizer';

/** Characters, bytes, or what a tokenizer learned. Throws RetrogradError, UsageError. */
export function vocabularyOf(value: unknown): Vocabulary | Tokenizer {
  const { kind, tokenizer } = Object(value) as { kind?: unknown; tokenizer?: unknown };
  const found = kind === 'tokenizer' ? Tokenizer.fromJson(tokenizer) : Vocabulary.fromJson(value);
  if (found === undefined) throw new RetrogradError('the run does not say what its tokens are');
  return found;
}
