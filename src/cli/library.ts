// The one door from the command line to the library: nothing else of src is imported by the files beside this one.

export * from '../index.ts';
export { type BatchOptions, fillBatch } from '../data/batch.ts';
export { chooseToken } from '../data/sampling.ts';
export { type TextData, checkLength, readText, splitTokens } from '../data/text.ts';
export { Vocabulary, type VocabularyJson, type VocabularyKind } from '../data/vocabulary.ts';
export { sha256Hex } from '../checkpoint/bytes.ts';
export { type Checkpoint, MAX_CHECKPOINT_BYTES, decodeCheckpoint, encodeCheckpoint, isWeight } from '../checkpoint/checkpoint.ts';
export { exportFloat32 } from '../checkpoint/float32.ts';
