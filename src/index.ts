// The public names of retrograd. Everything here is documented, typed and kept stable; nothing else is.

export { CheckpointError, OverflowError, ReconstructionError, RetrogradError, UsageError } from './errors.ts';
export { type GptConfig, checkGptConfig, gptParameters } from './models/gpt-config.ts';
export type { Parameter, ParameterKind } from './nn/parameters.ts';
export type { Filled } from './core/check.ts';
export { type CheckedOptions, type RuleName, type TrainOptions, checkTrainOptions } from './train/options.ts';
export { type MemoryPlan, planGpt } from './train/plan.ts';
export { GptTrainer } from './train/gpt-trainer.ts';
export type { NamedTensor } from './train/tensors.ts';
export { type StepReport, Trainer } from './train/trainer.ts';
export { type Checkpoint, decodeCheckpoint, encodeCheckpoint, isWeight } from './checkpoint/checkpoint.ts';
export { MAX_CHECKPOINT_BYTES } from './checkpoint/safetensors.ts';
export { exportFloat32 } from './checkpoint/float32.ts';
export { sha256Hex } from './core/digest.ts';
export { type BatchOptions, fillBatch } from './data/batch.ts';
export { chooseToken } from './data/sampling.ts';
export { type TextData, type TextOptions, checkLength, readText, splitTokens } from './data/text.ts';
export { Vocabulary, type VocabularyJson, type VocabularyKind } from './data/vocabulary.ts';
export type { Backend, Kernels, Pointer } from './kernels/kernels.ts';
export { type WasmOptions, createWasmBackend } from './kernels/wasm.ts';
