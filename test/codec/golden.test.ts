// What format 1 wrote: every later version reads it, byte for byte.

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect, test } from 'vitest';
import * as codec from '../../src/codec/index.ts';
import { decode, MessageModel, messageCoder, readArchive } from '../../src/codec/index.ts';
import { sha256Hex } from '../../src/index.ts';
import { archivesDigest } from '../conformance/archives.js';
import known from '../golden/archives.json';
import { bytesOf, textOf } from './small-model.ts';

const golden = (name: string): Uint8Array =>
  new Uint8Array(readFileSync(join(import.meta.dirname, '../golden/codec', name)));
const rows = (count: number): string[] =>
  Array.from({ length: count }, (_, i) => {
    const name = ['ann', 'bob', 'eve'][i % 3];
    return `{"id":${i * 37},"name":"${name}"}`;
  });
const FILES = [
  { name: 'rows.jsonl', bytes: bytesOf(rows(25).join('\n')) },
  { name: 'deep/bytes.bin', bytes: Uint8Array.from({ length: 256 }, (_, i) => (i * 89) & 255) },
  { name: 'empty', bytes: new Uint8Array(0) },
];
const model = MessageModel.read(golden('model-1.rgm'));

test('the message', async () => {
  expect(textOf(await decode(model, golden('message-1.bin')))).toBe(rows(12)[11]);
});

test.each(['stored-1.rga', 'coded-1.rga'])('the archive %s', async (name) => {
  const coders = [messageCoder(model)];
  expect(await readArchive(golden(name), { coders })).toEqual(FILES);
});

test('the archive of images', async () => {
  const model = await codec.ImageModel.read(golden('images-1.rgc'));
  const coders = [codec.imageCoder(model)];
  const archive = golden('images-1.rga');
  expect(codec.archiveInfo(archive).kind).toBe(2);
  const files = await readArchive(archive, { coders });
  const names = ['odd.ppm', 'deep/even.ppm', 'noise.ppm', 'note.txt', 'empty'];
  expect(files.map(({ name }) => name)).toEqual(names);
  const { width, height, pixels } = codec.readNetpbm(files[1].bytes);
  const value = (x: number, y: number, c: number, i: number): number =>
    60 + 9 * (x % 5) + 6 * (y % 7) + 5 * c + ((14 + i * i * 3) % 11);
  expect([width, height]).toEqual([20, 16]);
  pixels.forEach((pixel, i) => {
    const at = Math.floor(i / 3);
    expect(pixel).toBe(value(at % 20, Math.floor(at / 20), i % 3, i));
  });
});

test('what runtimes of the conformance matrix decode and write again', async () => {
  const folder = join(import.meta.dirname, '../golden');
  const { GOLDEN } = await import(pathToFileURL(join(folder, 'codec.js')).href);
  const names = readdirSync(join(folder, 'codec')).sort();
  expect(Object.keys(GOLDEN)).toEqual(names);
  for (const name of names) expect(GOLDEN[name]).toBe(Buffer.from(golden(name)).toString('hex'));
  expect(await archivesDigest({ sha256Hex }, codec)).toBe(known.digest);
});
