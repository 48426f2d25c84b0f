// The public names of retrograd. Everything here is documented, typed and kept stable; nothing else
// is.

// ---- errors ----
export {
  CheckpointError,
  OverflowError,
  ReconstructionError,
  RetrogradError,
  UsageError,
} from './core/errors.ts';

// ---- training ----
export type { EvaluateOptions, Evaluation, StepReport } from './train/report.ts';
export { Trainer } from './train/trainer.ts';
export {
  type CheckedOptions,
  type Keep,
  type TrainOptions,
  checkTrainOptions,
} from './train/options.ts';
export { type MemoryPlan, plan } from './train/plan.ts';
export { type Matching, matching } from './memory/names.ts';
export { serve } from './train/serve.ts';
export { type NamedTensor, isWeight } from './train/tensors.ts';

// ---- models ----
export { type GptConfig, type TextBatch, gpt } from './models/gpt.ts';
export { type ImageBatch, type VitConfig, vit } from './models/vit.ts';
export { type IdfConfig, idf, idfFlows, type PixelBatch } from './models/idf.ts';
export { type IRevNetConfig, iRevNet, iRevNetFlows } from './models/i-revnet.ts';
export { type FillElements, FlowRunner, type NamedWeights } from './models/flow-runner.ts';
export { type TranslatorBatch, type TranslatorConfig, translator } from './models/translator.ts';
export {
  type AnyDefinition,
  type Choice,
  type ConfiguredModel,
  type Definition,
  type Makers,
  type Parts,
  defineModel,
} from './models/define.ts';
export type { Adapter, MatrixChoices, Model } from './models/model.ts';
export { type StackLayer, type Stream, reversible } from './models/stream.ts';
export { type TransformerConfig, transformerBlock } from './models/transformer.ts';
export { type ImportedGptConfig, importedGpt } from './models/imported.ts';
export { type ImportedVitConfig, importedVit } from './models/imported-vit.ts';
export type { ImportedFormats, NormWidths, OutlierNeuron } from './models/imported-formats.ts';
export { builtinChoices, builtinModels } from './models/builtin.ts';

// ---- layers ----
export type { Layer, Planned, Preparation } from './layers/layer.ts';
export type { Input, PlannedInput } from './layers/input.ts';
export { type TokensOptions, tokens } from './layers/tokens.ts';
export { type ImageShape, type PatchesOptions, patches } from './layers/patches.ts';
export { type PixelValuesOptions, pixelValues } from './layers/pixel-values.ts';
export { countPatches, patchesOf } from './layers/patch-pixels.ts';
export { type FeaturesOptions, features } from './layers/features.ts';
export { type LinearOptions, linear } from './layers/linear.ts';
export { type BiasOptions, bias } from './layers/bias.ts';
export { type LayerNormOptions, layerNorm } from './layers/layer-norm.ts';
export { type AttentionOptions, attention } from './layers/attention.ts';
export { crossAttention } from './layers/cross-attention.ts';
export { type EmbeddingOptions, embedding } from './layers/embedding.ts';
export { type RowOptions, classToken, positions } from './layers/class-token.ts';
export { gelu } from './layers/gelu.ts';
export { relu } from './layers/relu.ts';
export { skip } from './layers/skip.ts';
export { type Conv2dOptions, conv2d } from './layers/conv2d.ts';
export type { WindowOptions } from './layers/image-shape.ts';
export { type Pool2dOptions, avgPool2d, maxPool2d } from './layers/pool2d.ts';
export { meanPool, row } from './layers/pool.ts';
export { sequential } from './layers/chain.ts';
export { type Sublayer, named, sublayer } from './reversible/block.ts';

// ---- update rules ----
export { type Lane, type Site, type UpdateRule, pairHash, stateLimit } from './reversible/rule.ts';
export { type BdiaOptions, bdia } from './reversible/bdia.ts';
export { plain } from './reversible/plain.ts';
export { leapfrog } from './reversible/leapfrog.ts';
export { coupling } from './reversible/coupling.ts';
export { type MomentumOptions, momentum } from './reversible/momentum.ts';

// ---- flows ----
export type { Flow, FlowShape, PlannedFlow, Prior } from './reversible/flow.ts';
export type { NetMaker } from './reversible/flow-net.ts';
export { PriorElement } from './reversible/prior-element.ts';
export { shuffleChannels, squeeze } from './reversible/reorder.ts';
export { type AdditiveCouplingOptions, additiveCoupling } from './reversible/additive-coupling.ts';
export { type SplitOptions, split } from './reversible/split.ts';
export { type MixturePriorOptions, mixturePrior } from './reversible/mixture-prior.ts';
export {
  type FlowLayer,
  type FlowStackOptions,
  type FlowStackSaved,
  type PlannedFlows,
  flowStack,
} from './reversible/flow-stack.ts';

// ---- losses ----
export type { Loss, PlannedLoss, Score } from './loss/loss.ts';
export { type CrossEntropyOptions, crossEntropy } from './loss/cross-entropy.ts';
export {
  type DiscretisedLogisticOptions,
  discretisedLogistic,
} from './loss/discretised-logistic.ts';
export { type MeanSquaredErrorOptions, meanSquaredError } from './loss/mean-squared-error.ts';

// ---- optimizers and schedules ----
export type { Optimizer, Part, Slot, StepInfo } from './optim/optimizer.ts';
export { type AdamWOptions, adamw } from './optim/adamw.ts';
export { type SgdOptions, sgd } from './optim/sgd.ts';
export { type LionOptions, lion } from './optim/lion.ts';
export {
  type LocalStepsOptions,
  type Rounds,
  localSteps,
  roundsOf,
} from './optim/local-steps.ts';
export { eachGradient, factorOf, moveWeight, times } from './optim/fixed.ts';
export { type JoinedOptions, joined } from './optim/joined.ts';
export { type Schedule, type ScheduleOptions, constant, cosine } from './optim/schedule.ts';

// ---- what layers, rules, losses and optimizers are made of ----
export { type Layout, Planner, type Scratch } from './memory/planner.ts';
export { Parameter, type ParameterSpec } from './memory/parameter.ts';
export {
  type Gradient,
  type Kind,
  type Range,
  Tensor,
  type Type,
  tensorBytes,
} from './memory/tensor.ts';
export { Arena, type Purpose } from './memory/arena.ts';
export { type AttentionCore, type Memory, type RowCache, Run } from './ops/run.ts';
export type { AttentionInput, AttentionShape } from './ops/attention-shape.ts';
export { Sum } from './ops/sum.ts';
export { clearGradient, toOperand } from './ops/gradient.ts';
export { normals } from './ops/normals.ts';
export { activationFraction, largestMaster } from './ops/range.ts';
export { Columns, type MatrixShape } from './layers/columns.ts';
export { Matrix } from './layers/matrix.ts';
export {
  INT8_BUILDS,
  type Int8Build,
  type Int8Kernels,
  INT8_CHUNK,
  INT8_COLUMN_MAX,
  INT8_OPERAND_MAX,
  INT8_ROW_MAX,
} from './kernels/int8.ts';
export type { ImageKernels } from './kernels/image.ts';
export { imageKernelsOf } from './kernels/image-wasm.ts';
export { int8PackedBytes, int8RowBytes } from './kernels/int8-layout.ts';
export { attachInt8, chooseInt8, type Int8Choice } from './kernels/int8-wasm.ts';
export { INT8_L1_MAX, int8Room } from './layers/int8-matrix.ts';
export { type Int8Options, int16, int8, type Operands } from './layers/int8.ts';
export {
  type Backend,
  type Kernels,
  type Pointer,
  packedBytes,
  panelStride,
} from './kernels/kernels.ts';
export {
  type FullLora,
  type LoraOptions,
  LORA_COLUMNS_MAX,
  LORA_RANK_MAX,
  lora,
  loraOf,
  loraRoom,
} from './layers/lora.ts';
export { type WasmOptions, createWasmBackend } from './kernels/wasm.ts';

// ---- checkpoints ----
export {
  type Checkpoint,
  type CheckpointReader,
  decodeCheckpoint,
  encodeCheckpoint,
} from './checkpoint/checkpoint.ts';
export {
  type AdaptedRun,
  type AdapterPart,
  type ReadAdapter,
  exportAdapter,
  loadAdapter,
  mergeAdapter,
  readAdapter,
} from './checkpoint/adapter.ts';
export { type LoadOptions, loadWeights } from './checkpoint/load.ts';
export {
  type Dtype,
  type SafetensorsEntry,
  MAX_CHECKPOINT_BYTES,
  safetensorsHeader,
} from './checkpoint/safetensors.ts';
export { exportFloat32 } from './checkpoint/float32.ts';
export { type PlainGpt, type PlainModel, withoutFormats } from './checkpoint/formats.ts';

// ---- data ----
export { sha256Hex } from './core/digest.ts';
export { type BatchOptions, fillBatch } from './data/batch.ts';
export { chooseToken } from './data/sampling.ts';
export {
  type TextData,
  type TextEncoding,
  checkLength,
  readText,
  splitTokens,
  textWindows,
} from './data/text.ts';
export { Vocabulary, type VocabularyJson, type VocabularyKind } from './data/vocabulary.ts';
export {
  type ImageSet,
  type LabelledImage,
  checkImages,
  fromImages,
  joinImages,
} from './data/images.ts';
export { readIdx } from './data/idx.ts';
export { type CifarKind, readCifar } from './data/cifar.ts';
export { readDigits } from './data/digits.ts';
export { EpochOrder } from './data/epoch.ts';
export { type AugmentOptions, type AugmentPlace, augment } from './data/augment.ts';
export {
  type Pair,
  normaliseSentence,
  readPairFiles,
  readPairs,
  splitPairs,
} from './data/pairs.ts';
export { BytePairs, type BytePairsJson, SPECIAL } from './data/bpe.ts';
export { type PairBatch, PairData, createPairBatch, fillPairBatch } from './data/pair-batch.ts';
export { type BeamOptions, type BeamResult, beamSearch } from './data/beam.ts';
export { type BleuScore, corpusBleu } from './data/bleu.ts';
