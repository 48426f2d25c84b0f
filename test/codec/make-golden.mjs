// node test/codec/make-golden.mjs: a model, a message and archives of format 1 into
// test/golden/codec/, once: every later version must read them. Nothing there is overwritten; a new
// format gets new files.

import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  encode,
  MessageModel,
  messageCoder,
  trainMessages,
  writeArchive,
} from '../../dist/codec.js';

const folder = join(import.meta.dirname, '../golden/codec');
const bytesOf = (text) => new TextEncoder().encode(text);
const NAMES = ['ann', 'bob', 'eve'];
const rows = (count) =>
  Array.from({ length: count }, (_, i) => `{"id":${i * 37},"name":"${NAMES[i % 3]}"}`);

function write(name, bytes) {
  const path = join(folder, name);
  if (existsSync(path)) throw new Error(`${name} is there: what is published stays`);
  writeFileSync(path, bytes);
  console.log(`${name}: ${bytes.length} bytes`);
}

mkdirSync(folder, { recursive: true });
const shape = { layers: 1, channels: 16, heads: 2, context: 32 };
const options = { ...shape, steps: 100, batch: 8, learningRate: 0.02 };
const file = await trainMessages(rows(60).map(bytesOf), options);
const model = MessageModel.read(file);
const files = [
  { name: 'rows.jsonl', bytes: bytesOf(rows(25).join('\n')) },
  { name: 'deep/bytes.bin', bytes: Uint8Array.from({ length: 256 }, (_, i) => (i * 89) & 255) },
  { name: 'empty', bytes: new Uint8Array(0) },
];
write('model-1.rgm', file);
write('message-1.bin', await encode(model, bytesOf(rows(12)[11])));
write('stored-1.rga', await writeArchive(files));
write('coded-1.rga', await writeArchive(files, { coder: messageCoder(model) }));
