// Lossless coding by exact models: a range coder and its tables, small messages, channels whose
// ends learn in lock step, archives, and images by discrete flows.

export {
  ARCHIVE_FORMAT,
  type ArchiveInfo,
  archiveInfo,
  type ReadArchiveOptions,
  readArchive,
  type WriteArchiveOptions,
  writeArchive,
} from './archive.ts';
export { type BlockCoder, messageCoder } from './block-coder.ts';
export { Channel } from './channel.ts';
export { CodecError, type CodecProblem } from './errors.ts';
export type { ArchiveFile } from './files.ts';
export { FrequencyTable, type LogitOptions, MAX_SYMBOLS } from './frequencies.ts';
export { imageCoder } from './image-coder.ts';
export { ImageModel } from './image-model.ts';
export type { LearnOptions } from './learner.ts';
export {
  decode,
  type EncodeOptions,
  encode,
  MessageModel,
  type MessageOptions,
} from './message.ts';
export { MODEL_FORMAT } from './model-file.ts';
export type { ModelShape } from './model-shape.ts';
export { type NetpbmImage, readNetpbm, writeNetpbm } from './netpbm.ts';
export type { Progress } from './pause.ts';
export { RangeDecoder, RangeEncoder, TOTAL, TOTAL_BITS } from './range-coder.ts';
export { type TrainMessagesOptions, trainMessages } from './train.ts';
