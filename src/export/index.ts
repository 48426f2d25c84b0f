// Models as the files that other programs load.

export { ExportedFile } from './file.ts';
export { exportGguf, type GgufOptions } from './gguf.ts';
export { exportLlmC, exportNanoGpt } from './gpt-files.ts';
export { type ExportedFiles, exportHf, type HfOptions } from './hf.ts';
export { exportOnnx, type OnnxOptions } from './onnx.ts';
export { exportPeft, type PeftOptions } from './peft.ts';
export { exportSafetensors, type SafetensorsOptions } from './plain.ts';
export type { ExportSource } from './source.ts';
export type { ExportVocabulary } from './vocabulary.ts';
