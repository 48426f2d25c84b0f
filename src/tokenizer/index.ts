// Byte-level byte-pair encoding, as GPT-2 and most models
// since have it, in the formats of Hugging Face's libraries.

export type { AddedToken } from './added.ts';
export { UNICODE_VERSION } from './classes.ts';
export { TokenDecoder } from './decoder.ts';
export type { BpeJson, ByteLevelJson, TokenizerJson } from './format.ts';
export { type DecodeOptions, Tokenizer, type TokenizerFiles } from './tokenizer.ts';
export type { TrainTokenizerOptions } from './train.ts';
