// The models, update rules, optimizers and schedules that come with the library, by name: what
// checkpoints are read with and threads serve unless they are given others.

import { type Int8Options, int8, int16 } from '../layers/int8.ts';
import { lora } from '../layers/lora.ts';
import { type Matching, matching } from '../memory/names.ts';
import { adamw } from '../optim/adamw.ts';
import { joined } from '../optim/joined.ts';
import { lion } from '../optim/lion.ts';
import { localSteps } from '../optim/local-steps.ts';
import { constant, cosine } from '../optim/schedule.ts';
import { sgd } from '../optim/sgd.ts';
import { bdia } from '../reversible/bdia.ts';
import { coupling } from '../reversible/coupling.ts';
import { leapfrog } from '../reversible/leapfrog.ts';
import { momentum } from '../reversible/momentum.ts';
import { plain } from '../reversible/plain.ts';
import type { AnyDefinition, Makers } from './define.ts';
import { importedGpt } from './imported.ts';
import { importedVit } from './imported-vit.ts';
import { translator } from './translator.ts';

/** The definitions that come with the library. (A function, so that bundlers leave it out where it
 *  is not used.)
 *  @example
 *  console.log(builtinModels().map(({ modelName }) => modelName).join()); // gpt,vit,translator
 */
export const builtinModels = (): readonly AnyDefinition[] => [importedGpt, importedVit, translator];

type Peak = { peak: number; warmup: number };

/** Makers of the update rules, optimizers and schedules that come with the library, by name.
 *  @example
 *  console.log(builtinChoices().sgd({ momentumShift: 2 }).options);
 *  // { momentumShift: 2, weightDecay: 0 }
 */
export const builtinChoices = (): Makers => ({
  bdia,
  plain,
  leapfrog,
  coupling,
  momentum,
  adamw,
  sgd,
  lion,
  localSteps,
  cosine: ({ peak, warmup }: Peak) => cosine(peak, { warmup }),
  joined,
  lora,
  int8: ({ on }: Int8Options) => int8({ on }),
  int16,
  matching: ({ patterns }: Matching['options']) => matching(patterns),
  constant: ({ peak, warmup }: Peak) => constant(peak, { warmup }),
});
