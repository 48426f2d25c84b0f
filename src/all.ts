// Everything: the public names of index.ts and what is left out there to keep it small. `retrograd/all`.

import type { Backend } from './kernels/kernels.ts';
import { runMember as runMemberOf } from './train/job.ts';
import { ALL_RULES } from './train/more-rules.ts';
import { GptTrainer as SmallGptTrainer } from './train/gpt-trainer.ts';
import { type TrainOptions, checkTrainOptions } from './train/options.ts';
import { GPT as SMALL_GPT, type Kit, type MemoryPlan, plan } from './train/plan.ts';
import { TRANSLATOR } from './train/translator-trainer.ts';
import { VIT } from './train/vit-trainer.ts';

export * from './index.ts';
export { type VitConfig, checkVitConfig, vitParameters } from './models/vit-config.ts';
export { VitTrainer, checkVitOptions, planVit } from './train/vit-trainer.ts';
export { type TranslatorConfig, checkTranslatorConfig, translatorParameters } from './models/translator-config.ts';
export { type TranslatorBatch, TranslatorTrainer, checkTranslatorOptions, planTranslator } from './train/translator-trainer.ts';
export { type AugmentOptions, augment } from './data/augment.ts';
export { EpochOrder } from './data/epoch.ts';
export type { ImageSet } from './data/images.ts';

const GPT = { ...SMALL_GPT, rules: ALL_RULES };

/** GptTrainer of the small library with every update rule. */
export class GptTrainer extends SmallGptTrainer {
  static override create(options: TrainOptions, makeBackend?: (bytes: number) => Backend, threadModule?: URL): GptTrainer {
    return new GptTrainer(checkTrainOptions(options), GPT, makeBackend, threadModule);
  }
}

/** planGpt of the small library with every update rule. */
export const planGpt = (options: TrainOptions): MemoryPlan => plan(checkTrainOptions(options), GPT);

/** For dist/thread.js.
 *  @internal */
export const runMember = (): void => runMemberOf({ gpt: GPT as Kit, vit: VIT as Kit, translator: TRANSLATOR as Kit });
