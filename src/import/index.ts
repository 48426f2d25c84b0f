// Weights of other programs, read in parts, as models that learn on: safetensors files, llm.c's,
// GPT-2 under everybody's names, vision transformers under Hugging Face's.

export type { Imported } from './arrive.ts';
export type { ByteSource } from './bytes.ts';
export { type ImportOptions, importGpt2 } from './import-gpt2.ts';
export { type ImportVitOptions, importVit } from './import-vit.ts';
export { type LlmCConfig, openLlmC } from './llm-c.ts';
export type { TensorPiece, TensorSource } from './pieces.ts';
export { openSafetensors } from './safetensors.ts';
export { openSharded } from './sharded.ts';
