// Archives of images by a discrete flow: every byte comes back, the length is the model's own, and
// what was changed is refused.

import { beforeAll, describe, expect, test } from 'vitest';
import {
  type ArchiveFile,
  archiveInfo,
  type BlockCoder,
  CodecError,
  ImageModel,
  imageCoder,
  RangeEncoder,
  readArchive,
  readNetpbm,
  writeArchive,
  writeNetpbm,
} from '../../src/codec/index.ts';
import { StrictDecoder } from '../../src/codec/strict-decoder.ts';
import { TileCoder } from '../../src/codec/tile-coder.ts';
import {
  encodeCheckpoint,
  gpt,
  idf,
  idfFlows,
  type NamedTensor,
  Trainer,
  UsageError,
} from '../../src/index.ts';
import { runsAll } from '../helpers/all.ts';
import { Source } from '../helpers/data.ts';
import { Draws } from './draws.ts';
import { COLOUR, GREY, image, modelOf, pictures, trained } from './small-images.ts';

const BYTES = 8 * 8 * 3;
/** Of the last image. */
const LAST = 2 * 2 * 24;
const progress = async (): Promise<void> => undefined;
let coder: BlockCoder;
let early: BlockCoder;
let tensors: NamedTensor[];
let loss: (images: Uint8Array) => number;
beforeAll(() => {
  const trainer = trained(COLOUR, 60);
  coder = imageCoder(modelOf(COLOUR, trainer));
  tensors = trainer.tensors();
  loss = (images) => trainer.evaluate({ images }).loss;
  early = imageCoder(modelOf(COLOUR, trained(COLOUR, 0)));
});

/** Noise of all bytes. */
const noise = (width: number, height: number): ArchiveFile => {
  const draws = new Draws(4);
  const pixels = Uint8Array.from({ length: width * height * 3 }, () => draws.below(256));
  return { name: 'noise', bytes: writeNetpbm({ width, height, colours: 3, pixels }) };
};
const OTHERS: ArchiveFile[] = [
  { name: 'grey.pgm', bytes: pictures(1, 8, 8, 1)[0].bytes },
  { name: 'text', bytes: new TextEncoder().encode('no image\n'.repeat(30)) },
  { name: 'cut.ppm', bytes: pictures(1, 8, 8)[0].bytes.slice(0, -1) },
  { name: 'empty', bytes: new Uint8Array(0) },
];
const both = async (files: readonly ArchiveFile[], by = coder) => {
  const archive = await writeArchive(files, { coder: by });
  expect(await readArchive(archive, { coders: [by] })).toEqual(files);
  return archive;
};

describe('images come back', () => {
  test.each([
    ['at initialisation', () => early],
    ['after training', () => coder],
  ])('%s, beside other files', async (_, by) => {
    await both([...pictures(3, 8, 8), ...OTHERS, ...[noise(8, 8)]], by());
  });

  test('of all sizes: tiles go on beyond the edge', async () => {
    const sizes = [1, 2, 3, 4, 7, 8, 9, 17];
    const files = sizes.flatMap((width) =>
      sizes.map((height) => ({ ...pictures(1, width, height)[0], name: `${width}x${height}` })),
    );
    const archive = await both(files);
    expect(archiveInfo(archive)).toMatchObject({ kind: 2, model: coder.id });
    await both([]);
    await both(OTHERS);
  });

  test('in grey, by a model of one colour', async () => {
    const grey = imageCoder(modelOf(GREY, trained(GREY, 40)));
    const files = pictures(12, 20, 11, 1);
    const archive = await both([...files, ...pictures(1, 8, 8)], grey);
    expect(archiveInfo(archive).model).toBe(grey.id);
  });

  test('with comments and blanks before the pixels', async () => {
    const [{ bytes }] = pictures(1, 8, 8);
    const start = new TextEncoder().encode('P6 # of\n# two lines\r\n 8\t8\n255 ');
    const file = Uint8Array.of(...start, ...bytes.subarray(-BYTES));
    expect(readNetpbm(file).pixels).toEqual(bytes.slice(-BYTES));
    const plain = await both(Array.from({ length: 9 }, (_, i) => ({ name: `${i}`, bytes: file })));
    expect(plain.length).toBeLessThan(9 * BYTES);
  });
});

describe('length', () => {
  test('is what the model’s loss says, within 0.01 bits a dimension', async () => {
    const files = pictures(600, 8, 8);
    const pixels = Uint8Array.from(files.flatMap(({ bytes }) => [...bytes.subarray(-BYTES)]));
    const own = loss(pixels);
    const stack = { width: 8, height: 8 * files.length, colours: 3, pixels };
    const archive = await both([{ name: 'a.ppm', bytes: writeNetpbm(stack) }]);
    const bits = (8 * archive.length) / pixels.length;
    console.log(`${bits.toFixed(4)} bits a dimension, the loss says ${own.toFixed(4)}`);
    expect(Math.abs(bits - own)).toBeLessThan(0.01);
  });

  test('of many files is few bytes more than that of one', async () => {
    const files = pictures(600, 8, 8);
    const pixels = Uint8Array.from(files.flatMap(({ bytes }) => [...bytes.subarray(-BYTES)]));
    const stack = writeNetpbm({ width: 8, height: 8 * files.length, colours: 3, pixels });
    const [apart, one] = [await both(files), await both([{ name: 'a.ppm', bytes: stack }])];
    expect(apart.length - one.length).toBeLessThan(4.5 * files.length);
  });

  test('is at most 32 bytes and 0.01 % more than that of the files', async () => {
    for (const files of [[noise(8, 8)], [noise(40, 100)], OTHERS, pictures(1, 2, 2)])
      for (const by of [coder, early]) {
        const archive = await both(files, by);
        expect(archive.length).toBeLessThanOrEqual(archiveInfo(archive).bytes * 1.0001 + 32);
      }
  });
});

test('numbers in no bin escape, and every one comes back', () => {
  const pixels = image(new Source(3, 3), 8, 8, 3);
  // means of the last image's elements, in steps: those beyond 2,047 are beyond all bins
  for (const [mean, escapes] of [
    [0, false],
    [1500, false],
    [2500, true],
    [-2500, true],
    [16_000, true],
  ] as const) {
    const raw = mean * 2 ** (24 - 7);
    const moved = tensors.map(({ name, data }) => ({
      name,
      data: name === 'prior.means' ? data.map(() => raw) : data,
    }));
    const tiles = new TileCoder(idfFlows(COLOUR), moved);
    const encoder = new RangeEncoder();
    let places = 0;
    tiles.encode(pixels, (start, size) => {
      places++;
      encoder.put(start, size);
    });
    // an escape is three symbols
    expect(places).toBe(BYTES + (escapes ? 2 * LAST : 0));
    const decoder = new StrictDecoder(encoder.finish());
    expect(tiles.decode(decoder)).toEqual(pixels);
    decoder.finish();
  }
});

describe('errors, one for each case', () => {
  let archive: Uint8Array<ArrayBuffer>;
  const refusal = async (bytes: Uint8Array, options: object = {}): Promise<string> => {
    const given = { coders: [coder], ...options };
    const error = await readArchive(bytes, given).catch((thrown) => thrown);
    expect(error).toBeInstanceOf(CodecError);
    return error.code;
  };
  beforeAll(async () => {
    archive = await writeArchive(pictures(4, 8, 8), { coder });
  });

  test('model: none, another, one of messages', async () => {
    expect(await refusal(archive, { coders: [] })).toBe('model');
    expect(await refusal(archive, { coders: [early] })).toBe('model');
    expect(await refusal(archive, { coders: [{ ...coder, kind: 1 }] })).toBe('model');
  });

  test('truncated, trailing, limit, version', async () => {
    for (let length = 0; length < archive.length; length += 7)
      expect(await refusal(archive.subarray(0, length))).toBe('truncated');
    expect(await refusal(Uint8Array.of(...archive, 0))).toBe('trailing');
    expect(await refusal(archive, { maxOutput: 100 })).toBe('limit');
    expect(await refusal(archive, { maxMemory: coder.bytes })).toBe('limit');
    const later = archive.slice();
    later[3] = 2;
    expect(await refusal(later)).toBe('version');
  });

  test('damaged: bits changed, and runs that nobody writes', async () => {
    const codes = new Set<string>();
    for (let at = 5 + 32; at < archive.length; at += 5) {
      const changed = archive.slice();
      changed[at] ^= 1 << (at % 8);
      codes.add(await refusal(changed));
    }
    expect(codes).toContain('damaged');
    const coded = await coder.encode(pictures(1, 8, 8)[0].bytes, progress);
    for (const length of [BYTES + 12, BYTES + 14, 5])
      await expect(coder.decode(coded, length, progress)).rejects.toThrow(CodecError);
  });

  test('of a checkpoint: another model, another file', async () => {
    const about = { vocabulary: null, dataSha256: '0'.repeat(64), libraryVersion: '0.1.0' };
    const model = gpt({ vocabulary: 4, layers: 1, channels: 4, heads: 1, context: 4 });
    const trainer = Trainer.create({ model, batch: 1, steps: 1 });
    const { options, steps: step } = trainer;
    const file = await encodeCheckpoint({ tensors: trainer.tensors(), options, step, ...about });
    await expect(ImageModel.read(file)).rejects.toThrow('is of gpt, expected idf');
    await expect(ImageModel.read(new Uint8Array(9))).rejects.toThrow(/checkpoint|safetensors/i);
    expect(() => ImageModel.of({ ...COLOUR, colours: 2 }, [])).toThrow(UsageError);
    expect(() => imageCoder({} as ImageModel)).toThrow(UsageError);
  });
});

test('a checkpoint and a trainer are one model, whatever else the tensors are', async () => {
  const trainer = trained(COLOUR, 2);
  const about = { vocabulary: null, dataSha256: '0'.repeat(64), libraryVersion: '0.1.0' };
  const { options, steps: step } = trainer;
  const run = { tensors: trainer.tensors(), options, step, ...about };
  const read = await ImageModel.read(await encodeCheckpoint(run, { models: [idf] }));
  const { id } = modelOf(COLOUR, trainer);
  expect(read.id).toBe(id);
  expect(ImageModel.of({ ...COLOUR, keeps: 'activations' }, trainer.tensors()).id).toBe(id);
  expect(ImageModel.of(COLOUR, trainer.tensors().reverse()).id).toBe(id);
  const other = trainer.tensors();
  other[0].data[0] ^= 1;
  expect(ImageModel.of(COLOUR, other).id).not.toBe(id);
  expect(ImageModel.of({ ...COLOUR, seed: 2 }, trainer.tensors()).id).not.toBe(id);
});

const CASES = runsAll ? 20_000 : 300;
test(`${CASES} fuzzed archives: 0 crashes, 0 hangs, 0 wrong outputs`, async () => {
  const files = [...pictures(2, 9, 8), ...OTHERS.slice(0, 1)];
  const archive = await writeArchive(files, { coder });
  const draws = new Draws(22);
  const found: Record<string, number> = {};
  for (let n = 0; n < CASES; n++) {
    const changed = archive.slice();
    const at = draws.below(archive.length);
    if (n % 3 === 0) changed[at] = draws.below(256);
    if (n % 3 === 1) changed[at] ^= 1 << draws.below(8);
    if (n % 3 === 2) changed.copyWithin(at, draws.below(archive.length));
    const result = await readArchive(changed, { coders: [coder] }).catch((thrown) => thrown);
    const code = result instanceof Error ? (result as CodecError).code : 'read';
    if (code === undefined) throw result;
    if (code === 'read') expect(changed).toEqual(archive);
    found[code] = (found[code] ?? 0) + 1;
  }
  console.log(JSON.stringify(found));
  expect(found.damaged).toBeGreaterThan(0);
});

test('long work tells how far it is, and ends when its signal says so', async () => {
  const files = pictures(6, 16, 16);
  const seen: number[] = [];
  const onProgress = (bytes: number): void => void seen.push(bytes);
  const archive = await writeArchive(files, { coder, onProgress });
  expect(seen.length).toBeGreaterThan(20);
  expect(seen.at(-1)).toBe(archiveInfo(archive).bytes);
  const stop = new AbortController();
  const options = { coders: [coder], signal: stop.signal };
  const work = readArchive(archive, {
    ...options,
    onProgress: (bytes) => (bytes > 900 ? stop.abort(new Error('enough')) : undefined),
  });
  await expect(work).rejects.toThrow('enough');
});

test.each([
  ['P6\n1 1\n255\n', 'three bytes short'],
  ['P6\n1 1\n255\nabcd', 'one too many'],
  ['P5\n0 1\n255\n', 'of no pixels'],
  ['P6\n1 1\n65535\nabcdef', 'of two bytes a value'],
  ['P3\n1 1\n255\n1 2 3', 'of text'],
  ['P6 #\n', 'that is a beginning'],
])('%j is no file of an image: %s', (text) => {
  expect(() => readNetpbm(new TextEncoder().encode(text))).toThrow(UsageError);
});
