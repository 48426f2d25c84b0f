// Calls of retrograd/codec.

import { C, R, runOf } from './arguments-good.mjs';

const SMALL = () => ({ layers: 1, channels: 8, heads: 1, context: 16, steps: 2, batch: 1 });
const SAMPLES = () => [new Uint8Array(20).fill(7), new Uint8Array(9)];
const training = () => ({ ...SMALL(), learningRate: 0.003, bits: 8, seed: 1, onStep: () => 1 });
const modelFile = await C.trainMessages(SAMPLES(), SMALL());
const model = C.MessageModel.read(modelFile);
const MESSAGE = new Uint8Array(12).fill(7);
const coded = await C.encode(model, MESSAGE);
const table = C.FrequencyTable.fromCounts([3, 1, 2]);
const CODED = Uint8Array.of(1, 2, 3, 4);
const small = { interval: 16, batch: 1, learningRate: 0.001 };
const channel = () => C.Channel.create(model, small);
const here = channel();
const frame = await here.encode(MESSAGE);
const kept = await here.checkpoint();
const FILES = () => [{ name: 'a/b', bytes: MESSAGE.slice() }];
const coder = C.messageCoder(model);
const archive = await C.writeArchive(FILES(), { coder });
const IDF = { width: 4, height: 4, colours: 1, levels: 1, flows: 1, channels: 2 };
const trainer = R.Trainer.create(runOf(R.idf(IDF), { keep: undefined }));
const weights = () => trainer.tensors().map((tensor) => ({ ...tensor }));
const images = C.ImageModel.of(IDF, weights());
const checkpoint = await R.encodeCheckpoint(
  {
    tensors: trainer.tensors(),
    options: trainer.options,
    step: 0,
    vocabulary: null,
    dataSha256: '0'.repeat(64),
    libraryVersion: '0.1.0',
  },
  { models: [R.idf] },
);
const picture = () => ({ width: 2, height: 1, colours: 3, pixels: new Uint8Array(6) });
const signal = () => new AbortController().signal;

/** Names, calls and good arguments. */
export const CODEC_CALLS = [
  ['FrequencyTable.fromCounts', C.FrequencyTable.fromCounts, () => [[3, 0, 2]]],
  [
    'FrequencyTable.fromLogits',
    C.FrequencyTable.fromLogits,
    () => [Int32Array.of(5, -3, 7), { fraction: 2 }],
  ],
  ['table.symbols', () => table.symbols, () => []],
  ['table.size', (...args) => table.size(...args), () => [1]],
  ['table.symbolAt', (...args) => table.symbolAt(...args), () => [5]],
  ['table.encode', (symbol) => table.encode(new C.RangeEncoder(), symbol), () => [1]],
  ['table.decode', (bytes) => table.decode(new C.RangeDecoder(bytes)), () => [CODED.slice()]],
  ['encoder.length', () => new C.RangeEncoder().length, () => []],
  [
    'encoder.encode',
    (...args) => {
      const encoder = new C.RangeEncoder();
      for (let i = 0; i < 9; i++) encoder.encode(...args);
      encoder.finish();
    },
    () => [5, 700],
  ],
  ['encoder.finish', (...args) => new C.RangeEncoder().finish(...args), () => []],
  ['decoder.target', (bytes) => new C.RangeDecoder(bytes).target(), () => [CODED.slice()]],
  [
    'decoder.take',
    (bytes, start, size) => new C.RangeDecoder(bytes).take(start, size),
    () => [CODED.slice(), 0, 2 ** 23],
  ],
  ['decoder.finish', (bytes) => new C.RangeDecoder(bytes).finish(), () => [CODED.slice()]],
  ['trainMessages', C.trainMessages, () => [SAMPLES(), training()]],
  ['MessageModel.read', C.MessageModel.read, () => [modelFile.slice()]],
  [
    'encode',
    C.encode,
    () => [model, MESSAGE.slice(), { framing: 2, signal: signal(), onProgress: () => 1 }],
  ],
  [
    'decode',
    C.decode,
    () => [model, coded.slice(), { maxOutput: 99, signal: signal(), onProgress: () => 1 }],
  ],
  ['Channel.create', C.Channel.create, () => [model, { ...small }]],
  ['Channel.restore', C.Channel.restore, () => [model, kept.slice()]],
  ['here.messages', () => here.messages, () => []],
  ['here.steps', () => here.steps, () => []],
  ['here.refused', () => here.refused, () => []],
  ['here.digest', () => here.digest, () => []],
  ['here.checkpoint', (...args) => here.checkpoint(...args), () => []],
  [
    'here.encode',
    (...args) => channel().encode(...args),
    () => [MESSAGE.slice(), { signal: signal(), onProgress: () => 1 }],
  ],
  [
    'here.decode',
    (...args) => channel().decode(...args),
    () => [frame.slice(), { maxOutput: 99, signal: signal(), onProgress: () => 1 }],
  ],
  ['messageCoder', C.messageCoder, () => [model]],
  ['imageCoder', C.imageCoder, () => [images]],
  ['ImageModel.of', C.ImageModel.of, () => [{ ...IDF }, weights()]],
  ['ImageModel.read', C.ImageModel.read, () => [checkpoint.slice()]],
  ['readNetpbm', C.readNetpbm, () => [C.writeNetpbm(picture())]],
  ['writeNetpbm', C.writeNetpbm, () => [picture()]],
  [
    'writeArchive',
    C.writeArchive,
    () => [FILES(), { coder, signal: signal(), onProgress: () => 1 }],
  ],
  [
    'readArchive',
    C.readArchive,
    () => [
      archive.slice(),
      { coders: [coder], maxOutput: 99, maxMemory: 2 ** 30, signal: signal(), onProgress: () => 1 },
    ],
  ],
  ['archiveInfo', C.archiveInfo, () => [archive.slice()]],
];
