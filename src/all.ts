// Everything: the public names of index.ts and what is left out there to keep it small. `retrograd/all`.

import { type Checkpoint, GPT_KIND, decodeKinds } from './checkpoint/checkpoint.ts';
import type { Backend } from './kernels/kernels.ts';
import type { GptConfig } from './models/gpt-config.ts';
import { type TranslatorConfig as Translator, translatorParameters as parametersOfTranslator } from './models/translator-config.ts';
import { type VitConfig as Vit, vitParameters as parametersOfVit } from './models/vit-config.ts';
import { runMember as runMemberOf } from './train/job.ts';
import { ALL_RULES } from './train/more-rules.ts';
import { GptTrainer as SmallGptTrainer } from './train/gpt-trainer.ts';
import { type CheckedOptions, type TrainOptions, checkTrainOptions } from './train/options.ts';
import { GPT as SMALL_GPT, type Kit, type MemoryPlan, plan } from './train/plan.ts';
import { TRANSLATOR, checkTranslatorOptions as checkTranslator } from './train/translator-trainer.ts';
import { VIT, checkVitOptions as checkVit } from './train/vit-trainer.ts';

export * from './index.ts';
export { type VitConfig, checkVitConfig, vitParameters } from './models/vit-config.ts';
export { VitTrainer, checkVitOptions, planVit } from './train/vit-trainer.ts';
export { type TranslatorConfig, checkTranslatorConfig, translatorParameters } from './models/translator-config.ts';
export { type TranslatorBatch, TranslatorTrainer, checkTranslatorOptions, planTranslator } from './train/translator-trainer.ts';
export { type AugmentOptions, augment } from './data/augment.ts';
export { EpochOrder } from './data/epoch.ts';
export { type ImageSet, checkImages } from './data/images.ts';
export { type BeamOptions, type BeamResult, beamSearch } from './data/beam.ts';
export { type BleuScore, corpusBleu } from './data/bleu.ts';
export { BytePairs, type BytePairsJson, SPECIAL } from './data/bpe.ts';
export { type PairBatch, PairData, createPairBatch, fillPairBatch } from './data/pair-batch.ts';
export { type Pair, normaliseSentence, readPairFiles, readPairs, splitPairs } from './data/pairs.ts';

const GPT = { ...SMALL_GPT, rules: ALL_RULES };

/** GptTrainer of the small library with every update rule. */
export class GptTrainer extends SmallGptTrainer {
  static override create(options: TrainOptions, makeBackend?: (bytes: number) => Backend, threadModule?: URL): GptTrainer {
    return new GptTrainer(checkTrainOptions(options), GPT, makeBackend, threadModule);
  }
}

/** planGpt of the small library with every update rule. */
export const planGpt = (options: TrainOptions): MemoryPlan => plan(checkTrainOptions(options), GPT);

/** The architecture of any kind of model, defaults filled in. */
export type AnyModel = Required<GptConfig> | Required<Vit> | Required<Translator>;

/** decodeCheckpoint of the small library for every kind of model: `options.model.kind` says which, a GPT has none. */
export const decodeCheckpoint = async (file: Uint8Array): Promise<Checkpoint<CheckedOptions<AnyModel>>> => (await decodeKinds(file, {
  ...GPT_KIND, vit: { check: checkVit, parameters: parametersOfVit }, translator: { check: checkTranslator, parameters: parametersOfTranslator },
})) as Checkpoint<CheckedOptions<AnyModel>>;

/** For dist/thread.js.
 *  @internal */
export const runMember = (): void => runMemberOf({ gpt: GPT as Kit, vit: VIT as Kit, translator: TRANSLATOR as Kit });
