// The third entry, retrograd/all: the names of index.ts, and what is left out there to keep it small: every update rule, the vision
// transformer, the translator, and the readers of their data.

import { type Checkpoint, type CheckpointKinds, GPT_KIND, decodeKinds, encodeKinds } from './checkpoint/checkpoint.ts';
import * as small from './index.ts';
import type { Backend } from './kernels/kernels.ts';
import type { AnyModel } from './models/any-model.ts';
import { translatorParameters } from './models/translator-config.ts';
import { vitParameters } from './models/vit-config.ts';
import { runMember as runMemberOf } from './train/job.ts';
import { ALL_RULES } from './train/more-rules.ts';
import { type CheckedOptions, type TrainOptions, checkTrainOptions } from './train/options.ts';
import { GPT, type Kit, type MemoryPlan, plan } from './train/plan.ts';
import { TRANSLATOR, checkTranslatorOptions } from './train/translator-trainer.ts';
import { VIT, checkVitOptions } from './train/vit-trainer.ts';

export * from './index.ts';

export type { AnyModel } from './models/any-model.ts';

// ---- the vision transformer, and images ----
export { type VitConfig, checkVitConfig, vitParameters } from './models/vit-config.ts';
export { VitTrainer, checkVitOptions, planVit } from './train/vit-trainer.ts';
export { countPatches, patchesOf } from './models/patches.ts';
export { type CheckImagesOptions, type ImageSet, type ImageShape, type LabelledImage, checkImages, fromImages } from './data/images.ts';
export { readIdx } from './data/idx.ts';
export { type CifarKind, readCifar } from './data/cifar.ts';
export { readDigits } from './data/digits.ts';
export { EpochOrder } from './data/epoch.ts';
export { type AugmentOptions, augment } from './data/augment.ts';

// ---- the translator, and pairs of sentences ----
export { type TranslatorConfig, checkTranslatorConfig, translatorParameters } from './models/translator-config.ts';
export { type TranslatorBatch, TranslatorTrainer, checkTranslatorOptions, planTranslator } from './train/translator-trainer.ts';
export { type Pair, normaliseSentence, readPairFiles, readPairs, splitPairs } from './data/pairs.ts';
export { BytePairs, type BytePairsJson, SPECIAL } from './data/bpe.ts';
export { type PairBatch, PairData, createPairBatch, fillPairBatch } from './data/pair-batch.ts';
export { type BeamOptions, type BeamResult, beamSearch } from './data/beam.ts';
export { type BleuScore, corpusBleu } from './data/bleu.ts';

// ---- what index.ts has with fewer rules and kinds of model ----

/** A function, so that bundlers leave it out where no GPT is used. */
const gptOfEveryRule = (): typeof GPT => ({ ...GPT, rules: ALL_RULES });

/** GptTrainer of `retrograd` with every update rule.
 *  @example
 *  const model = { vocabulary: 4, layers: 2, channels: 8, heads: 2, context: 4 };
 *  const trainer = GptTrainer.create({ model, batch: 1, steps: 10, reversible: 'leapfrog' });
 *  trainer.trainStep(Int32Array.of(0, 1, 2, 3), Int32Array.of(1, 2, 3, 0));
 *  console.log(trainer.totals.checkedStates, trainer.totals.mismatchedElements); // 1 0
 */
export class GptTrainer extends small.GptTrainer {
  /** Kept by bundlers. @internal */
  static override readonly name = 'GptTrainer';
  /** `create` of the small GptTrainer with every update rule. */
  static override create(options: TrainOptions | CheckedOptions<AnyModel>, makeBackend?: (bytes: number) => Backend, threadModule?: URL): GptTrainer {
    return new GptTrainer(checkTrainOptions(options as TrainOptions), gptOfEveryRule(), makeBackend, threadModule);
  }
}

/** planGpt of `retrograd` with every update rule.
 *  @example
 *  const model = { vocabulary: 96, layers: 8, channels: 64, heads: 4, context: 32 };
 *  const sideBits = (reversible) => planGpt({ model, batch: 4, steps: 100, reversible }).bytes.sideBits;
 *  console.log(sideBits('bdia'), sideBits('momentum'), sideBits('coupling')); // 7168 32768 0
 */
export const planGpt = (options: TrainOptions | CheckedOptions<AnyModel>): MemoryPlan =>
  plan(checkTrainOptions(options as TrainOptions), gptOfEveryRule());

/** decodeCheckpoint of `retrograd` for every kind of model: `options.model.kind` says which; a GPT has none.
 *  @example
 *  const model = { kind: 'vit', width: 4, height: 4, colours: 1, classes: 2, patch: 2, layers: 1, channels: 8, heads: 2 };
 *  const trainer = VitTrainer.create({ model, batch: 2, steps: 10 });
 *  const file = await encodeCheckpoint({
 *    tensors: trainer.tensors(), options: trainer.options, step: trainer.steps,
 *    vocabulary: ['white', 'black'], dataSha256: await sha256Hex(new Uint8Array(0)), libraryVersion: '0.1.0',
 *  });
 *  const { options, vocabulary } = await decodeCheckpoint(file);
 *  console.log(options.model.kind, vocabulary); // vit [ 'white', 'black' ]
 *  if (options.model.kind === 'vit') console.log(VitTrainer.create(options).parameters); // 888
 */
export const decodeCheckpoint = async (file: Uint8Array): Promise<Checkpoint<CheckedOptions<AnyModel>>> =>
  (await decodeKinds(file, everyKind())) as Checkpoint<CheckedOptions<AnyModel>>;

/** encodeCheckpoint of `retrograd` for every kind of model.
 *  @example
 *  const model = { kind: 'vit', width: 4, height: 4, colours: 1, classes: 2, patch: 2, layers: 1, channels: 8, heads: 2 };
 *  const trainer = VitTrainer.create({ model, batch: 2, steps: 10 });
 *  const file = await encodeCheckpoint({
 *    tensors: trainer.tensors(), options: trainer.options, step: trainer.steps,
 *    vocabulary: ['white', 'black'], dataSha256: await sha256Hex(new Uint8Array(0)), libraryVersion: '0.1.0',
 *  });
 *  console.log((await decodeCheckpoint(file)).step); // 0
 */
export const encodeCheckpoint = async (checkpoint: Checkpoint<{ readonly seed: number }>): Promise<Uint8Array<ArrayBuffer>> =>
  encodeKinds(checkpoint, everyKind());

const everyKind = (): CheckpointKinds => ({
  ...GPT_KIND,
  vit: { check: checkVitOptions, parameters: vitParameters },
  translator: { check: checkTranslatorOptions, parameters: translatorParameters },
});

/** For dist/thread.js.
 *  @internal */
export const runMember = (): void => runMemberOf({ gpt: gptOfEveryRule() as Kit, vit: VIT as Kit, translator: TRANSLATOR as Kit });
