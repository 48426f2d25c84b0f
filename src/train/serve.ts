// What a worker thread of a user's own runs.

import { int8 } from '../layers/int8.ts';
import { builtinChoices } from '../models/builtin.ts';
import type { AnyDefinition, Makers } from '../models/define.ts';
import { serveModels } from './member.ts';

/** In a worker of your own: serves models to trainers that were given this worker (`worker` of
 *  TrainOptions). `choices`: makers of update rules, optimizers or schedules of your own, by name.
 *  @example
 *  const model = defineModel('sum', ({ count }) => ({
 *    input: features({ count }),
 *    layers: [linear(1)],
 *    loss: meanSquaredError(),
 *  }));
 *  const isWorker = typeof addEventListener === 'function';
 *  if (isWorker) serve(model); // what the module of a worker of yours ends with
 *  console.log(model.modelName); // sum
 */
export function serve(
  models: AnyDefinition | readonly AnyDefinition[],
  choices: Makers = {},
): void {
  const all = Array.isArray(models) ? models : [models];
  serveModels(all, { ...builtinChoices(), int8, ...choices });
}
