// Archives: what goes in comes out, or an error says why; nothing in between.

import { beforeAll, describe, expect, test } from 'vitest';
import { ByteReader, ByteWriter } from '../../src/codec/bytes.ts';
import {
  type ArchiveFile,
  archiveInfo,
  CodecError,
  MessageModel,
  messageCoder,
  readArchive,
  trainMessages,
  writeArchive,
} from '../../src/codec/index.ts';
import { UsageError } from '../../src/index.ts';
import { runsAll } from '../helpers/all.ts';
import { Draws } from './draws.ts';
import { bytesOf, SAMPLES, smallModel } from './small-model.ts';

let model: MessageModel;
beforeAll(async () => {
  model = await smallModel();
});

const noise = (length: number, seed = 1): Uint8Array => {
  const draws = new Draws(seed);
  return Uint8Array.from({ length }, () => draws.below(256));
};
const TEXT = bytesOf(Array.from({ length: 9 }, (_, i) => `{"id":${i},"name":"bob"}`).join('\n'));
const FILES: ArchiveFile[] = [
  { name: 'rows.jsonl', bytes: TEXT },
  { name: 'deep/er/ä.bin', bytes: Uint8Array.of(0, 255) },
  { name: 'empty', bytes: new Uint8Array(0) },
];
const refusal = async (archive: Uint8Array, options: object = {}): Promise<string> => {
  const error = await readArchive(archive, options).catch((thrown) => thrown);
  expect(error).toBeInstanceOf(CodecError);
  return error.code;
};

describe('files', () => {
  test('come back, coded and stored, in their order', async () => {
    const coder = messageCoder(model);
    const stored = await writeArchive(FILES);
    const coded = await writeArchive(FILES, { coder });
    expect(await readArchive(stored)).toEqual(FILES);
    expect(await readArchive(coded, { coders: [coder] })).toEqual(FILES);
    expect(coded.length).toBeLessThan(stored.length);
    const info = { format: 1, bytes: archiveInfo(stored).bytes };
    expect(archiveInfo(stored)).toEqual({ ...info, kind: 0, model: '' });
    expect(archiveInfo(coded)).toEqual({ ...info, kind: 1, model: model.id });
  });

  test('of any number and size around a block’s', async () => {
    for (const files of [
      [],
      [{ name: 'a', bytes: new Uint8Array(0) }],
      ...[1, 2 ** 18 - 7, 2 ** 18 - 6, 2 ** 18 - 5, 2 ** 18, 530_000].map((length) => [
        { name: 'a', bytes: noise(length) },
      ]),
      Array.from({ length: 300 }, (_, i) => ({ name: `d/${i}`, bytes: noise(i, i) })),
    ]) {
      const found = await readArchive(await writeArchive(files));
      expect(found.map(({ name }) => name)).toEqual(files.map(({ name }) => name));
      const isSame = ({ bytes }: ArchiveFile, i: number) =>
        Buffer.compare(bytes, files[i].bytes) === 0;
      expect(found.every(isSame)).toBe(true);
    }
  });

  test('are at most 32 bytes and 0.01 % more, with a model and without', async () => {
    const coder = messageCoder(model);
    for (const length of [0, 1, 10, 100, 1000, 5000])
      for (const given of [{}, { coder }]) {
        const archive = await writeArchive([{ name: 'n', bytes: noise(length) }], given);
        const { bytes } = archiveInfo(archive);
        expect(bytes).toBeLessThanOrEqual(length + 6);
        expect(archive.length).toBeLessThanOrEqual(bytes * 1.0001 + 32);
      }
    const large = await writeArchive([{ name: 'n', bytes: noise(1_000_000) }]);
    expect(large.length).toBeLessThanOrEqual(archiveInfo(large).bytes * 1.0001 + 32);
  });

  test.each([
    ['', 'has 0 bytes'],
    [`long${'a'.repeat(4093)}`, 'has 4097 bytes'],
    ['/etc/passwd', 'is no relative path'],
    ['a/../b', 'is no relative path'],
    ['..', 'is no relative path'],
    ['a//b', 'is no relative path'],
    ['a\\b', 'has a character'],
    ['C:b', 'has a character'],
    ['a\0b', 'has a character'],
    ['\ud800', 'is no Unicode text'],
  ])('the name %.20s is refused', async (name, words) => {
    const work = writeArchive([{ name, bytes: TEXT }]);
    await expect(work).rejects.toThrow(UsageError);
    await expect(work).rejects.toThrow(words);
  });

  test('with one name twice are refused', async () => {
    await expect(writeArchive([FILES[0], FILES[0]])).rejects.toThrow('comes twice');
  });
});

describe('errors, one for each case', () => {
  let archive: Uint8Array<ArrayBuffer>;
  let coded: Uint8Array<ArrayBuffer>;
  beforeAll(async () => {
    archive = await writeArchive(FILES);
    coded = await writeArchive(FILES, { coder: messageCoder(model) });
  });

  test('foreign: another file', async () => {
    expect(await refusal(bytesOf('PK and so on'))).toBe('foreign');
    expect(await refusal(bytesOf('{}'))).toBe('foreign');
  });

  test('version: a format to come, whatever follows', async () => {
    for (const format of [0, 2, 255]) {
      const later = archive.slice(0, 4);
      later[3] = format;
      expect(await refusal(later)).toBe('version');
    }
  });

  test('truncated: cut at any byte', async () => {
    for (let length = 0; length < archive.length; length++)
      expect(await refusal(archive.subarray(0, length))).toBe('truncated');
    const coders = [messageCoder(model)];
    for (let length = 0; length < coded.length; length++)
      expect(await refusal(coded.subarray(0, length), { coders })).toBe('truncated');
  });

  test('trailing: a byte more', async () => {
    expect(await refusal(Uint8Array.of(...archive, 0))).toBe('trailing');
  });

  test('model: none, or another', async () => {
    expect(await refusal(coded)).toBe('model');
    const small = { layers: 1, channels: 16, heads: 2, context: 32, steps: 2 };
    const other = messageCoder(MessageModel.read(await trainMessages(SAMPLES, small)));
    expect(await refusal(coded, { coders: [other] })).toBe('model');
    const coder = messageCoder(model);
    expect(await refusal(coded, { coders: [{ ...coder, kind: 2 }] })).toBe('model');
    expect(await readArchive(coded, { coders: [other, coder] })).toEqual(FILES);
  });

  test('limit: more than maxOutput or maxMemory, before anything is decoded', async () => {
    const coder = {
      ...messageCoder(model),
      decode: () => Promise.reject(new Error('it was decoded')),
    };
    const coders = [coder];
    const { bytes } = archiveInfo(coded);
    expect(await refusal(coded, { coders, maxOutput: bytes - 1 })).toBe('limit');
    const needed = 3 * bytes + coder.bytes;
    expect(await refusal(coded, { coders, maxMemory: needed - 1 })).toBe('limit');
    await expect(readArchive(coded, { coders, maxMemory: needed })).rejects.toThrow('decoded');
  });

  test('forged lengths: of the stream, of a block, of a file, of a list', async () => {
    const long = new ByteWriter().number(2 ** 40).finish();
    const forged = Uint8Array.of(...archive.subarray(0, 5), ...long, ...archive.subarray(7));
    expect(await refusal(forged)).toBe('limit');
    expect(await refusal(forged, { maxOutput: 2 ** 45, maxMemory: 2 ** 48 })).toBe('truncated');
    const other = archive.slice();
    other[5] -= 1;
    expect(await refusal(other)).toBe('damaged');
    other[5] += 2;
    expect(await refusal(other)).toBe('damaged');
  });

  test('damaged: any bit changed', async () => {
    const codes = new Set<string>();
    for (let at = 5; at < archive.length; at++)
      for (let bit = 0; bit < 8; bit += 3) {
        const changed = archive.slice();
        changed[at] ^= 1 << bit;
        codes.add(await refusal(changed));
      }
    expect([...codes].sort()).toEqual(['damaged', 'truncated']);
  });

  test('a coder that gives other bytes is not believed', async () => {
    const right = messageCoder(model);
    const wrong = {
      ...right,
      decode: async (bytes: Uint8Array, length: number) =>
        new Uint8Array(bytes.length > 0 ? length : 0),
    };
    expect(await refusal(coded, { coders: [wrong] })).toBe('damaged');
  });
});

/** Archives that are changed, spliced, made of noise. */
function fuzzed(draws: Draws, archives: readonly Uint8Array[]): Uint8Array {
  const archive = archives[draws.below(archives.length)].slice();
  const kind = draws.below(6);
  const at = draws.below(archive.length);
  if (kind === 0) archive[at] ^= 1 << draws.below(8);
  if (kind === 1) archive[at] = draws.below(256);
  if (kind === 2) return archive.subarray(0, at);
  if (kind === 3) return Uint8Array.of(...archive, ...noise(1 + draws.below(9), draws.u32()));
  if (kind === 4) archive.copyWithin(at, draws.below(archive.length), draws.below(archive.length));
  if (kind === 5) archive.set(noise(Math.min(8, archive.length - at), draws.u32()), at);
  return archive;
}

const CASES = runsAll ? 100_000 : 2000;
test(`${CASES} fuzzed archives: 0 crashes, 0 hangs, 0 wrong outputs`, async () => {
  const coder = messageCoder(model);
  const small = [{ name: 'a', bytes: TEXT.subarray(0, 60) }];
  const archives = [
    await writeArchive(small),
    await writeArchive(small, { coder }),
    await writeArchive(FILES),
  ];
  const known = archives.map((archive) => archive.join());
  const draws = new Draws(21);
  const found: Record<string, number> = {};
  let slowest = 0;
  for (let n = 0; n < CASES; n++) {
    const archive = fuzzed(draws, archives);
    const before = performance.now();
    const result = await readArchive(archive, { coders: [coder] }).catch((thrown) => thrown);
    slowest = Math.max(slowest, performance.now() - before);
    const code = result instanceof Error ? (result as CodecError).code : 'read';
    if (code === undefined) throw result;
    // what is read is what was written, to the byte: a change may have changed nothing
    if (code === 'read') expect(known).toContain(archive.join());
    found[code] = (found[code] ?? 0) + 1;
  }
  console.log(`${JSON.stringify(found)}, the slowest ${slowest.toFixed(1)} ms`);
  expect(Object.keys(found).length).toBeGreaterThan(5);
});

test('long work tells how far it is, and ends when its signal says so', async () => {
  const coder = messageCoder(model);
  const bytes = bytesOf('{"id":1}'.repeat(200));
  const seen: number[] = [];
  const archive = await writeArchive([{ name: 'a', bytes }], {
    coder,
    onProgress: (done) => void seen.push(done),
  });
  expect(seen.at(-1)).toBe(archiveInfo(archive).bytes);
  expect(seen).toEqual([...seen].sort((a, b) => a - b));
  const stop = new AbortController();
  const options = {
    coders: [coder],
    signal: stop.signal,
    onProgress: () => stop.abort(new Error('enough')),
  };
  await expect(readArchive(archive, options)).rejects.toThrow('enough');
});

describe('numbers', () => {
  test('come back, and are read in their shortest form only', () => {
    for (const value of [0, 1, 127, 128, 16383, 16384, 2 ** 31, 2 ** 32, 2 ** 49 - 1]) {
      const bytes = new ByteWriter().number(value).finish();
      expect(new ByteReader(bytes, 'it').number()).toBe(value);
    }
    for (const bytes of [
      [128, 0],
      [255, 255, 255, 255, 255, 255, 255, 1],
      [129, 128, 0],
    ])
      expect(() => new ByteReader(Uint8Array.from(bytes), 'it').number()).toThrow(CodecError);
  });
});

test.each([
  { coder: {} },
  { coder: { kind: 1, id: 'x', bytes: 0, encode: () => 1, decode: () => 1 } },
  { signal: 5 },
  { onProgress: 1 },
  { level: 9 },
])('options %j are refused', async (options) => {
  await expect(writeArchive(FILES, options as object)).rejects.toThrow(UsageError);
});
