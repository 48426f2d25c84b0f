// What is asked of a trainer that somebody gives.

import { instance } from '../core/check.ts';
import { isWeight, type NamedTensor, Trainer } from '../index.ts';

/** A trainer that was made by this library. Throws UsageError for anything else. */
export const trainerOf = <Batch>(value: Trainer<Batch>): Trainer<Batch> =>
  instance<Trainer<Batch>>('trainer', value, Trainer as never, 'a Trainer');

/** The weights that have a gradient. */
export function trainedNames<Batch>(trainer: Trainer<Batch>): string[] {
  const names = trainer.tensors().filter(isWeight);
  const isTrained = ({ name }: NamedTensor): boolean => {
    try {
      return trainer.gradient(name).length > 0;
    } catch {
      return false; // frozen
    }
  };
  return names.filter(isTrained).map(({ name }) => name);
}
