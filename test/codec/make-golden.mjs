// node test/codec/make-golden.mjs: models, a message and archives of format 1 into
// test/golden/codec/, once: every later version must read them. Nothing there is overwritten; a new
// format gets new files. And all of it as a module, which runtimes without files read.

import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { checkpointOf } from '../../bench/image-run.mjs';
import {
  encode,
  ImageModel,
  imageCoder,
  MessageModel,
  messageCoder,
  trainMessages,
  writeArchive,
  writeNetpbm,
} from '../../dist/codec.js';
import { idf, sgd, Trainer } from '../../dist/index.js';

const folder = join(import.meta.dirname, '../golden/codec');
const bytesOf = (text) => new TextEncoder().encode(text);
const NAMES = ['ann', 'bob', 'eve'];
const rows = (count) =>
  Array.from({ length: count }, (_, i) => `{"id":${i * 37},"name":"${NAMES[i % 3]}"}`);

function write(name, bytes) {
  const path = join(folder, name);
  if (existsSync(path)) return; // what is published stays
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

/** An image of 4 x 4 pixels that goes up to the right and down, and a little more. */
const pixelsOf = (n, width, height) =>
  Uint8Array.from({ length: width * height * 3 }, (_, i) => {
    const [x, y] = [Math.floor(i / 3) % width, Math.floor(i / 3 / width)];
    return 60 + 9 * (x % 5) + 6 * (y % 7) + 5 * (i % 3) + ((n * 7 + i * i * 3) % 11);
  });
const config = { width: 4, height: 4, levels: 2, flows: 1, channels: 2, components: 2 };
const training = { batch: 4, steps: 400, learningRate: 0.05, optimizer: sgd({ momentumShift: 0 }) };
const trainer = Trainer.create({ model: idf(config), ...training });
while (trainer.steps < 400) {
  const images = [0, 1, 2, 3].flatMap((n) => [...pixelsOf(4 * trainer.steps + n, 4, 4)]);
  trainer.step({ images: Uint8Array.from(images) });
}
const pictures = [
  { name: 'odd.ppm', pixels: pixelsOf(1, 7, 5), width: 7, height: 5 },
  { name: 'deep/even.ppm', pixels: pixelsOf(2, 20, 16), width: 20, height: 16 },
  { name: 'noise.ppm', pixels: Uint8Array.from({ length: 48 }, (_, i) => (i * 89) & 255) },
].map(({ name, width = 4, height = 4, pixels }) => ({
  name,
  bytes: writeNetpbm({ width, height, colours: 3, pixels }),
}));
const others = [{ name: 'note.txt', bytes: bytesOf('no image') }, files[2]];
const images = ImageModel.of(config, trainer.tensors());
write('images-1.rgc', await checkpointOf(trainer, idf));
write('images-1.rga', await writeArchive([...pictures, ...others], { coder: imageCoder(images) }));

/** Digits of files, 92 a line. */
const linesOf = (name) =>
  readFileSync(join(folder, name), 'hex')
    .match(/.{1,92}/g)
    .map((line) => `    '${line}',\n`)
    .join('');
const entries = readdirSync(folder)
  .sort()
  .map((name) => `  '${name}': [\n${linesOf(name)}  ].join(''),\n`);
writeFileSync(
  join(import.meta.dirname, '../golden/codec.js'),
  '// The files of test/golden/codec in hexadecimal: node test/codec/make-golden.mjs.\n\n' +
    `export const GOLDEN = {\n${entries.join('')}};\n`,
);
