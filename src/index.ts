// The public names of retrograd. Everything here is documented, typed and kept stable; nothing else is.

export { CheckpointError, OverflowError, ReconstructionError, RetrogradError, UsageError } from './errors.ts';
export { type GptConfig, checkGptConfig, gptParameters } from './models/gpt-config.ts';
export type { Parameter, ParameterKind } from './nn/parameters.ts';
export { type CheckedOptions, type TrainOptions, checkTrainOptions } from './train/options.ts';
export { type MemoryPlan, planGpt } from './train/plan.ts';
/** For dist/thread.js. */
export { runMember } from './train/job.ts';
export { GptTrainer, type NamedTensor, type StepReport } from './train/trainer.ts';
