// What every format asks of a model: that there is a counterpart, and what its tokens stand for.

import { show } from '../core/check.ts';
import { UsageError } from '../core/errors.ts';
import type { Source } from './source.ts';
import type { Tokens } from './tokens.ts';
import { readVocabulary } from './vocabulary.ts';

/** The vocabulary that was given, or the checkpoint's. Throws UsageError if it is another size. */
export function vocabularyOf(source: Source, given: unknown, size: number): Tokens {
  const value = given ?? source.vocabulary;
  if (value === undefined || value === null)
    throw new UsageError(
      'vocabulary is missing, expected what the tokens of the model stand for',
      'for instance { vocabulary: Vocabulary.bytes() }',
    );
  const tokens = readVocabulary(value);
  if (tokens.size === size) return tokens;
  throw new UsageError(
    `the vocabulary has ${tokens.size} tokens, expected ${size} as the model`,
    'give the vocabulary that the model was trained with',
  );
}

/** Throws UsageError for a model that has no counterpart elsewhere. */
export function refuseModel({ model }: Pick<Source, 'model'>, expected: string): never {
  throw new UsageError(
    `the model is ${show(model)}, expected ${expected}`,
    'exportSafetensors (--to safetensors) takes any model',
  );
}
