// Lossless coding by exact models: a range coder and its tables, and a codec of small messages.

export { CodecError, type CodecProblem } from './errors.ts';
export { FrequencyTable, type LogitOptions, MAX_SYMBOLS } from './frequencies.ts';
export {
  decode,
  type EncodeOptions,
  encode,
  MessageModel,
  type MessageOptions,
} from './message.ts';
export { MODEL_FORMAT } from './model-file.ts';
export type { ModelShape } from './model-shape.ts';
export { RangeDecoder, RangeEncoder, TOTAL, TOTAL_BITS } from './range-coder.ts';
export { type TrainMessagesOptions, trainMessages } from './train.ts';
