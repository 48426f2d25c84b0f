// The kinds of model, by name.

import { type CheckedOptions, CheckpointError } from '../library.ts';
import { gpt } from './gpt.ts';
import type { Kind } from './kind.ts';
import { translate } from './translate.ts';
import { vit } from './vit.ts';

/** A kind whose types only its own file knows: what it makes is given back to it alone. */
// biome-ignore lint/suspicious/noExplicitAny: of whatever configuration, batch and data
export type SomeKind = Kind<any, any, any, any>;

export const KINDS: readonly SomeKind[] = [gpt, vit, translate];

/** The kind of a model. Throws CheckpointError for one that the command line does not know. */
export function kindOf({ name }: CheckedOptions['model']): SomeKind {
  const kind = KINDS.find(({ modelName }) => modelName === name);
  if (kind !== undefined) return kind;
  throw new CheckpointError(
    `it is of a model '${name}', expected ${KINDS.map(({ modelName }) => modelName).join(', ')}`,
    'use it with the program that made it',
  );
}
