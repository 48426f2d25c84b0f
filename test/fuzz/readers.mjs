// npm run fuzz:readers: every reader of files on files that began as valid ones. Whatever is read
// is then used, as a program would: restored, encoded, written back.
//
//   node test/fuzz/readers.mjs --cases 500000 --seed 1 [--only png] [--case 123]

import { deflateSync, gzipSync } from 'node:zlib';
import { load } from './load.mjs';
import { mutate, mutateJson, mutateText } from './mutate.mjs';
import { tokenizerTargets } from './readers-tokenizer.mjs';
import { fuzz, fuzzOptions } from './runner.mjs';

const R = await load(`
export * from './src/index.ts';
export { Tokenizer } from './src/tokenizer/index.ts';
export { optionsToData } from './src/train/options-data.ts';
export { decodeSafetensors, encodeSafetensors } from './src/checkpoint/safetensors.ts';
export { DIGEST_OFFSET } from './src/checkpoint/checkpoint.ts';
export { readPng } from './src/cli/png.ts';
export { gunzipBounded } from './src/cli/read.ts';
export { tokenize13a } from './src/data/bleu.ts';
export { decodeUtf8 } from './src/data/utf8.ts';
export { printable, printableJson } from './src/cli/printable.ts';
export { pngOf, chunk } from './test/cli/png-files.ts';
export { gpt as gptKind } from './src/cli/kinds/gpt.ts';
export { vit as vitKind } from './src/cli/kinds/vit.ts';
export { translate as translateKind } from './src/cli/kinds/translate.ts';
`);
const bytes = (text) => new TextEncoder().encode(text);
const isOwn = (error) => error instanceof R.RetrogradError;

// ---- checkpoints ----

const BYTE_PAIRS = R.BytePairs.learn(['low lower lowest', 'slow slower slowest'], 20).toJson();
const SHAPE = { layers: 1, channels: 8, heads: 2 };
const TRAINERS = {
  gpt: R.Trainer.create({
    model: R.gpt({ vocabulary: 4, context: 4, ...SHAPE }),
    batch: 1,
    steps: 10,
  }),
  vit: R.Trainer.create({
    model: R.vit({ width: 4, height: 4, colours: 1, classes: 2, patch: 2, ...SHAPE }),
    batch: 1,
    steps: 10,
  }),
  translator: R.Trainer.create({
    model: R.translator({ vocabulary: 19, context: 4, bias: true, ...SHAPE }),
    batch: 1,
    steps: 10,
  }),
};
const VOCABULARIES = {
  gpt: { kind: 'characters', symbols: 'a\u00e9"\u{1f600}' },
  vit: {
    kind: 'classes',
    names: ['a', 'b'],
    validation: 'test',
    limit: null,
    crop: 0,
    flip: false,
    epochs: 3,
  },
  translator: {
    kind: 'pairs',
    source: BYTE_PAIRS,
    target: BYTE_PAIRS,
    limit: null,
    vocabularySize: 20,
  },
};
const NAMES = Object.keys(TRAINERS);
const COMMANDS = { gpt: R.gptKind, vit: R.vitKind, translator: R.translateKind };
const asData = ({ options, ...rest }) =>
  R.printableJson({ ...rest, options: R.optionsToData(options) });
const contentOf = (name) => ({
  tensors: TRAINERS[name].tensors(),
  options: TRAINERS[name].options,
  step: 3,
  vocabulary: VOCABULARIES[name],
  dataSha256: 'ab'.repeat(32),
  libraryVersion: '0.1.0',
});
const FILES = Object.fromEntries(
  await Promise.all(NAMES.map(async (name) => [name, await R.encodeCheckpoint(contentOf(name))])),
);
const EMPTY = { tensors: [], metadata: {} };

/** Sets the digest that the file should have, if it is long enough to have one. */
async function sign(file) {
  const end = R.DIGEST_OFFSET + 64;
  if (file.length < end) return file;
  file.fill(0x30, R.DIGEST_OFFSET, end).set(bytes(await R.sha256Hex(file)), R.DIGEST_OFFSET);
  return file;
}

/** Reads a checkpoint; what was read must make a trainer, a line of inspect, and the same file. */
async function useCheckpoint(file) {
  const value = await R.decodeCheckpoint(file);
  const { options, tensors, step, vocabulary } = value;
  const again = await R.decodeCheckpoint(await R.encodeCheckpoint(value));
  if (asData(again) !== asData(value)) throw new Error('another value was read back');
  const { name: kind, config } = options.model;
  const known = COMMANDS[kind].fromJson(vocabulary, config);
  if (known !== undefined) R.printable(COMMANDS[kind].describe(known).join(' '));
  const { model } = TRAINERS[kind].options;
  if (R.printableJson(config) !== R.printableJson(model.config)) return;
  const trainer = R.Trainer.create({ ...options, threads: 1, batch: 1, microBatch: 1 });
  trainer.restore(tensors, step);
}

/** The container with its JSON changed inside, so that the header stays one. */
function changeInside(file, random) {
  const { tensors, metadata } = R.decodeSafetensors(file);
  const field = random.pick(['options', 'vocabulary', 'fractions']);
  const changed = { ...metadata };
  if (random.oneIn(3))
    changed[random.pick(Object.keys(metadata))] = mutateText(metadata[field], random);
  else changed[field] = JSON.stringify(mutateJson(JSON.parse(metadata[field]), random));
  const list = random.oneIn(3)
    ? tensors.map((tensor) =>
        random.oneIn(6) ? { ...tensor, name: random.pick(tensors).name } : tensor,
      )
    : tensors;
  if (random.oneIn(2)) random.pick(list).bytes.set(random.bytes(4), 4 * random.below(8));
  return R.encodeSafetensors({
    metadata: { ...changed, sha256: '0'.repeat(64) },
    tensors: list.filter(() => !random.oneIn(40)),
  });
}

/** A changed header with the length that it has now. */
function changeHeader(file, random) {
  const length = Number(new DataView(file.buffer).getBigUint64(0, true));
  const header = file.subarray(8, 8 + length);
  const text = random.oneIn(2)
    ? mutate(header, random)
    : bytes(JSON.stringify(mutateJson(JSON.parse(new TextDecoder().decode(header)), random)));
  const out = Buffer.concat([new Uint8Array(8), text, file.subarray(8 + length)]);
  out.writeBigUInt64LE(BigInt(text.length));
  return new Uint8Array(out);
}

// ---- images ----

const bigEndian = (...numbers) =>
  numbers.flatMap((n) => [n >>> 24, (n >>> 16) & 255, (n >>> 8) & 255, n & 255]);
const IDX = [
  Uint8Array.from([...bigEndian(2051, 3, 2, 2), ...Array(12).keys()]),
  Uint8Array.from([...bigEndian(2049, 3), 0, 1, 2]),
];
const CIFAR = { 10: new Uint8Array(2 * 3073), 100: new Uint8Array(2 * 3074) };
const DIGITS = bytes(
  [...Array(3).keys()]
    .map((digit) =>
      [...Array(64).keys()]
        .map((i) => i % 17)
        .concat(digit)
        .join(),
    )
    .join('\n'),
);
const PNGS = [
  { width: 3, height: 2, depth: 8, colours: 0 },
  { width: 3, height: 2, depth: 16, colours: 2 },
  { width: 9, height: 5, depth: 1, colours: 3, palette: [1, 2, 3, 4, 5, 6], alpha: [7] },
  { width: 5, height: 7, depth: 2, colours: 0 },
  { width: 4, height: 4, depth: 8, colours: 6, filter: 4 },
  { width: 3, height: 3, depth: 16, colours: 4, filter: 2 },
  { width: 5, height: 5, depth: 8, colours: 2, interlace: 1 },
].map((parts) => {
  const channels = [1, 0, 3, 1, 2, 0, 4][parts.colours];
  const row = Math.ceil((parts.width * channels * parts.depth) / 8);
  if (parts.interlace !== 1)
    return R.pngOf({ ...parts, data: new Uint8Array(row * parts.height).map((_, i) => i % 2) });
  return R.pngOf({
    ...parts,
    data: new Uint8Array(99).map((_, i) => (i % 3 === 0 ? 0 : i)),
    filter: -1,
  });
});

/** Depths that go with each kind of colours. */
const DEPTHS = { 0: [1, 2, 4, 8, 16], 2: [8, 16], 3: [1, 2, 4, 8], 4: [8, 16], 6: [8, 16] };

/** Data of an image of this size, most often of the right length, with filters that there are. */
function pngData(random, { width, height, depth, colours }) {
  const row = 1 + Math.ceil((width * [1, 0, 3, 1, 2, 0, 4][colours] * depth) / 8);
  const data = random.bytes(row * height);
  for (let at = 0; at < data.length; at += row) data[at] = random.below(random.oneIn(9) ? 256 : 5);
  if (!random.oneIn(4)) return data;
  return random.oneIn(3) ? new Uint8Array(random.pick([2e5, 2e6])) : data.slice(random.below(3));
}

/** A PNG file whose parts are chosen before they are summed up and compressed. */
function forgedPng(random) {
  const colours = random.pick([0, 2, 3, 4, 6]);
  const depth = random.pick(DEPTHS[colours]);
  const width = 1 + random.below(12);
  const height = 1 + random.below(12);
  const interlace = random.oneIn(5) ? 1 : 0;
  const header = [...bigEndian(width, height), depth, colours, 0, 0, interlace];
  if (random.oneIn(4)) header[random.below(header.length)] = random.pick([0, 1, 2, 4, 8, 16, 255]);
  const data = deflateSync(pngData(random, { width, height, depth, colours }));
  const parts = [
    ['IHDR', header],
    ...(random.oneIn(2) || colours === 3
      ? [['PLTE', [...random.bytes(3 * random.below(random.oneIn(3) ? 9 : 257))]]]
      : []),
    ...(random.oneIn(3) ? [['zTXt', [65, 0, 0, ...deflateSync(new Uint8Array(1e5))]]] : []),
    ...(random.oneIn(3) ? [['tRNS', [...random.bytes(random.below(7))]]] : []),
    ['IDAT', [...data, ...(random.oneIn(9) ? [1, 2, 3] : [])]],
    ['IEND', []],
  ];
  if (random.oneIn(9)) parts.splice(random.below(parts.length), 1);
  if (random.oneIn(9)) parts.splice(random.below(parts.length), 0, random.pick(parts));
  return Uint8Array.from([
    ...PNGS[0].subarray(0, 8),
    ...parts.flatMap(([name, content]) => R.chunk(name, content)),
  ]);
}

function useImages(set, what) {
  R.checkImages(set, what, { everyClass: false });
  const { width, height, channels } = set;
  const out = new Uint8Array(width * height * channels);
  R.augment(set, 0, out, { crop: 0, flip: true }, { seed: 1, step: 0, sample: 0 });
}

// ---- texts ----

const TEXT = 'she sells sea shells by the sea shore. \u00e9\u{1f600}\n'.repeat(3);
const PAIRS = 'Go.\tVa !\nRun!\tCours !\tCC-BY\nHi.\tSalut !\r\nOh no!\tOh non\u00a0!\n'.repeat(2);
const VOCABULARY = R.Vocabulary.ofText(bytes(TEXT), 'characters');

function usePairs({ pairs }) {
  const { train } = R.splitPairs(pairs, 2);
  const joint = R.BytePairs.learn(
    train.flatMap(({ source, target }) => [source, target]),
    120,
  );
  const again = R.BytePairs.fromJson(JSON.parse(JSON.stringify(joint.toJson())));
  if (again?.size !== joint.size) throw new Error('another vocabulary was read back');
  const data = R.PairData.encode(train, { source: joint, target: again, context: 40 });
  const out = R.createPairBatch(1, 40);
  R.fillPairBatch(data, { seed: 1, batch: 1, step: 0 }, out);
  R.corpusBleu(
    train.map(({ target }) => target),
    train.map(({ source }) => source),
  );
}

function useVocabulary(value, random) {
  const vocabulary = R.Vocabulary.fromJson(value);
  if (vocabulary === undefined) throw new R.UsageError('no vocabulary');
  if (R.Vocabulary.fromJson(vocabulary.toJson())?.size !== vocabulary.size)
    throw new Error('another vocabulary was read back');
  vocabulary.decode([random.below(vocabulary.size)]);
  vocabulary.encode(mutate(bytes(TEXT), random));
}

function useBytePairs(value, random) {
  const pairs = R.BytePairs.fromJson(value);
  if (pairs === undefined) throw new R.UsageError('no byte pairs');
  if (R.BytePairs.fromJson(pairs.toJson())?.size !== pairs.size)
    throw new Error('others were read back');
  pairs.decode(pairs.encode(mutateText('low lower slowest', random)));
}

/** Targets: a name and what a case does. */
export const targets = [
  ['checkpoint, damaged', (random) => useCheckpoint(mutate(FILES[random.pick(NAMES)], random))],
  [
    'checkpoint, signed',
    async (random) => useCheckpoint(await sign(mutate(FILES[random.pick(NAMES)], random))),
  ],
  [
    'checkpoint, forged inside',
    async (random) =>
      useCheckpoint(await sign(changeInside(FILES[random.pick(NAMES)].slice(), random))),
  ],
  [
    'checkpoint, forged header',
    async (random) =>
      useCheckpoint(await sign(changeHeader(FILES[random.pick(NAMES)].slice(), random))),
  ],
  [
    'checkpoint, forged value',
    async (random) => {
      const value = contentOf(random.pick(NAMES));
      const key = random.pick(Object.keys(value));
      await useCheckpoint(
        await R.encodeCheckpoint({ ...value, [key]: mutateJson(value[key], random) }),
      );
    },
  ],
  [
    'restore',
    (random) => {
      const name = random.pick(NAMES);
      const trainer = TRAINERS[name];
      const tensors = trainer.tensors().map((tensor) => ({ ...tensor, data: tensor.data.slice() }));
      const at = random.below(tensors.length);
      if (random.oneIn(2)) tensors[at] = mutateJson(tensors[at], random);
      else tensors[at].data[0] = random.uint32();
      trainer.restore(
        random.oneIn(5) ? mutateJson(tensors, random) : tensors,
        random.pick([0, 1, -1, 1.5, 2 ** 31, '1']),
      );
    },
  ],
  [
    'safetensors',
    (random) =>
      R.encodeSafetensors(
        R.decodeSafetensors(
          mutate(random.oneIn(9) ? R.encodeSafetensors(EMPTY) : FILES.gpt, random),
        ),
      ),
  ],
  [
    'idx',
    (random) =>
      useImages(
        R.readIdx(
          mutate(IDX[0], random),
          random.oneIn(2) ? IDX[1] : mutate(IDX[1], random),
          ['images', 'labels'],
          3,
        ),
        'idx',
      ),
  ],
  [
    'cifar',
    (random) => {
      const kind = random.pick([10, 100]);
      useImages(R.readCifar(mutate(CIFAR[random.pick([10, 100])], random), kind, 'cifar'), 'cifar');
    },
  ],
  ['digits', (random) => useImages(R.readDigits(mutate(DIGITS, random), 'digits'), 'digits')],
  ['png, damaged', (random) => R.readPng(mutate(random.pick(PNGS), random), 'image')],
  [
    'png, forged',
    (random) =>
      R.readPng(random.oneIn(5) ? mutate(forgedPng(random), random) : forgedPng(random), 'image'),
  ],
  [
    'gzip',
    (random) => {
      const file = mutate(gzipSync(random.oneIn(3) ? new Uint8Array(2e6) : bytes(PAIRS)), random);
      try {
        R.gunzipBounded(file, 2 ** 20);
      } catch (error) {
        throw new R.UsageError(error.message); // the callers do so, whatever zlib says
      }
    },
  ],
  [
    'text',
    (random) => {
      const file = mutate(bytes(TEXT), random);
      const given = random.pick(['characters', 'bytes', VOCABULARY]);
      const { vocabulary, train } = R.readText(file, { context: 4, vocabulary: given });
      vocabulary.decode(train);
      R.printable(new TextDecoder().decode(file));
    },
  ],
  ['pairs', (random) => usePairs(R.readPairs(mutate(bytes(PAIRS), random)))],
  [
    'pair files',
    (random) => usePairs(R.readPairFiles(mutate(bytes(TEXT), random), mutate(bytes(TEXT), random))),
  ],
  [
    'vocabulary',
    (random) =>
      useVocabulary(
        mutateJson(random.pick([VOCABULARY.toJson(), { kind: 'bytes' }]), random),
        random,
      ),
  ],
  ...tokenizerTargets(R, TEXT),
  ['byte pairs', (random) => useBytePairs(mutateJson(BYTE_PAIRS, random), random)],
  [
    'learn',
    (random) => R.BytePairs.learn([mutateText(PAIRS, random), mutateText(TEXT, random)], 100),
  ],
  [
    'tokens of BLEU',
    (random) => R.corpusBleu([mutateText(TEXT, random)], [mutateText(PAIRS, random)]),
  ],
  ['sentence', (random) => R.normaliseSentence(mutateText(PAIRS, random))],
].map(([name, run]) => ({ name, run }));

/** A file takes a few megabytes at most; the bound is that of the largest header. */
const SETTINGS = { isRefusal: isOwn, limits: { slow: 2000, heavy: 2 ** 29 } };
export const run = (options, settings = {}) =>
  fuzz('readers', targets, options, { ...SETTINGS, ...settings });

if (process.argv[1] === import.meta.filename) await run(fuzzOptions(20_000));
