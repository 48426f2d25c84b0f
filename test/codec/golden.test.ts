// What format 1 wrote: every later version reads it, byte for byte.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { decode, MessageModel, messageCoder, readArchive } from '../../src/codec/index.ts';
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
