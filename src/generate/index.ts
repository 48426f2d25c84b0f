// Texts written by a model: its weights are prepared once, and rows that are done are kept.

export {
  type EmbedOptions,
  type Finish,
  type GenerateOptions,
  Generator,
  type GeneratorOptions,
  type Piece,
} from './generator.ts';
export type { SamplingOptions } from './sampling.ts';
export type { GeneratorSource } from './source.ts';
export type { TextCodec } from './text.ts';
