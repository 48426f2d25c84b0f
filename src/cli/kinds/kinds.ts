// The kinds of model, by name.

import type { AnyModel } from '../library.ts';
import { gpt } from './gpt.ts';
import type { Kind } from './kind.ts';
import { translate } from './translate.ts';
import { vit } from './vit.ts';

/** A kind whose types only its own file knows: what it makes is given back to it alone. */
export type SomeKind = Kind<any, any, any, any>;

export const KINDS: readonly SomeKind[] = [gpt, vit, translate];

/** The kind of a model. */
export const kindOf = (model: AnyModel): SomeKind =>
  KINDS.find(
    ({ modelKind }) => modelKind === ('kind' in model ? model.kind : undefined),
  ) as SomeKind;
