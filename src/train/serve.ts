// What a worker thread of a user's own runs.

import { builtinChoices } from '../models/builtin.ts';
import type { AnyDefinition, Makers } from '../models/define.ts';
import { serveModels } from './member.ts';

/** In a worker of your own: serves models to trainers that were given this worker (`worker` of
 *  TrainOptions). `choices`: makers of update rules, optimizers or schedules of your own, by name.
 */
export function serve(
  models: AnyDefinition | readonly AnyDefinition[],
  choices: Makers = {},
): void {
  const all = Array.isArray(models) ? models : [models];
  serveModels(all, { ...builtinChoices(), ...choices });
}
