// Weights of other programs, read in parts, as models that learn on: safetensors files, llm.c's,
// GPT-2 under everybody's names.

export type { ByteSource } from './bytes.ts';
export { type Imported, type ImportOptions, importGpt2 } from './import-gpt2.ts';
export { type LlmCConfig, openLlmC } from './llm-c.ts';
export type { TensorPiece, TensorSource } from './pieces.ts';
export { openSafetensors } from './safetensors.ts';
export { openSharded } from './sharded.ts';
