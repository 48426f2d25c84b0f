// node bench/codec-images.mjs --model FILE --data DIR [--test 1000] [--write]: how many bits a
// value of a pixel takes of images that a discrete flow did not see: in an archive by it, by its
// own loss, and beside that PNG, WebP lossless and xz, all in one run. FILE: what bench/idf.mjs
// wrote; DIR: as there. Programs that are not here (cwebp, xz) are left out, and named. --write
// keeps the figures, of which docs/codec.md is made.

import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { gunzipSync } from 'node:zlib';
import { ImageModel, imageCoder, readArchive, writeArchive, writeNetpbm } from '../dist/codec.js';
import { decodeCheckpoint, idf, joinImages, readCifar, Trainer } from '../dist/index.js';
import { pngOf } from './codec/png.mjs';
import { refuse, resultFile, stamp, writeResult } from './stamp.mjs';

const { values } = parseArgs({
  options: {
    model: { type: 'string' },
    data: { type: 'string' },
    test: { type: 'string', default: '1000' },
    write: { type: 'boolean', default: false },
  },
});
if (values.model === undefined || values.data === undefined)
  refuse('--model or --data is missing', 'give the file and the folder of bench/idf.mjs');

const SIDE = 32;
const BYTES = SIDE * SIDE * 3;
/** Images of a row of the mosaic. */
const ROW = 40;

function testImages() {
  const files = readdirSync(values.data).filter((name) => name.startsWith('test_batch'));
  const sets = files.sort().map((name) => {
    const bytes = readFileSync(join(values.data, name));
    return readCifar(name.endsWith('.gz') ? gunzipSync(bytes) : bytes, 10, name);
  });
  const { pixels, count } = joinImages(sets, 'test');
  // rows of the mosaic are full
  const used = Math.min(Number(values.test), count);
  return pixels.slice(0, (used - (used % ROW)) * BYTES);
}

const pixels = testImages();
const count = pixels.length / BYTES;
if (count === 0) refuse(`--test ${values.test} is too few`, `give ${ROW} or more`);
const images = Array.from({ length: count }, (_, i) => ({
  width: SIDE,
  height: SIDE,
  colours: 3,
  pixels: pixels.slice(i * BYTES, (i + 1) * BYTES),
}));

/** All images as one. */
function mosaicOf() {
  const [width, height] = [SIDE * ROW, (SIDE * count) / ROW];
  const all = new Uint8Array(pixels.length);
  images.forEach((image, n) => {
    const corner = (Math.floor(n / ROW) * SIDE * width + (n % ROW) * SIDE) * 3;
    for (let y = 0; y < SIDE; y++)
      all.set(image.pixels.subarray(y * SIDE * 3, (y + 1) * SIDE * 3), corner + y * width * 3);
  });
  return { width, height, colours: 3, pixels: all };
}

const mosaic = mosaicOf();
const perValue = (bytes) => (8 * bytes) / pixels.length;
const sum = (files) => files.reduce((total, { length }) => total + length, 0);
const seconds = (since) => {
  const { user, system } = process.cpuUsage(since);
  return (user + system) / 1e6;
};

/** An archive of images, decoded again; kB a second of the processor's time. */
async function archived(coder, given) {
  const files = given.map((image, i) => ({ name: `${i}.ppm`, bytes: writeNetpbm(image) }));
  const start = process.cpuUsage();
  const archive = await writeArchive(files, { coder });
  const encoding = seconds(start);
  const middle = process.cpuUsage();
  const read = await readArchive(archive, { coders: [coder] });
  const decoding = seconds(middle);
  const isSame = read.every(({ bytes }, i) => Buffer.compare(bytes, files[i].bytes) === 0);
  if (!isSame) throw new Error('other bytes came out than went in');
  const rate = (time) => pixels.length / 1000 / time;
  return { bytes: archive.length, encode: rate(encoding), decode: rate(decoding) };
}

/** What a program prints, or undefined where it is not. */
function program(name, words, input) {
  try {
    return execFileSync(name, words, { input, maxBuffer: 2 ** 30, stdio: 'pipe' });
  } catch (error) {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  }
}
const versionOf = (name, words) => /[\d.]{3,}/.exec(String(program(name, words)))?.[0];

/** The size of a PNG file as WebP. */
function webpSize(folder, png) {
  writeFileSync(join(folder, 'a.png'), png);
  const words = ['-lossless', '-z', '9', '-exact', '-quiet', join(folder, 'a.png'), '-o', '-'];
  return program('cwebp', words).length;
}

/** [what, bits a value image by image, and as a mosaic], of those whose program is here. */
function others() {
  const pngs = images.map(pngOf);
  const large = pngOf(mosaic);
  const rows = [{ what: 'PNG', each: perValue(sum(pngs)), mosaic: perValue(large.length) }];
  const webp = versionOf('cwebp', ['-version']);
  if (webp !== undefined) {
    const folder = mkdtempSync(join(tmpdir(), 'retrograd-webp-'));
    const each = pngs.reduce((total, png) => total + webpSize(folder, png), 0);
    const whole = webpSize(folder, large);
    rmSync(folder, { recursive: true });
    const what = `WebP ${webp}, lossless`;
    rows.push({ what, each: perValue(each), mosaic: perValue(whole) });
  }
  const xz = versionOf('xz', ['--version']);
  if (xz !== undefined) {
    const stream = program('xz', ['-9e', '-c'], Buffer.from(pixels));
    rows.push({ what: `xz ${xz}, -9e`, stream: perValue(stream.length) });
  }
  const missing = [webp ?? 'cwebp', xz ?? 'xz'].filter((name) => /[a-z]/.test(name));
  return { rows, missing };
}

const file = new Uint8Array(readFileSync(values.model));
const { options, step, tensors } = await decodeCheckpoint(file, { models: [idf] });
const model = await ImageModel.read(file);
console.log(`model ${model.id}, ${model.parameters} weights, ${step} of ${options.steps} steps`);
const trainer = Trainer.create({ ...options, threads: 1 });
trainer.restore(tensors, step);
const { loss } = trainer.evaluate({ images: pixels });
console.log(`${count} images, ${loss.toFixed(4)} bits a value by its loss`);
const coder = imageCoder(model);
const each = await archived(coder, images);
const whole = await archived(coder, [mosaic]);
const [apart, together] = [each, whole].map(({ bytes }) => perValue(bytes));
console.log(
  `archive: ${apart.toFixed(4)}, of the mosaic ${together.toFixed(4)}; ` +
    `${each.encode.toFixed(0)} kB/s to encode, ${each.decode.toFixed(0)} kB/s to decode`,
);
const { rows, missing } = others();
for (const row of rows) {
  const bits = [row.each, row.mosaic, row.stream].map((n) => n?.toFixed(2) ?? '-');
  console.log(`${row.what}: ${bits.join(', ')}`);
}
if (missing.length > 0) console.log(`not here: ${missing.join(', ')}`);
const { width, height, colours, levels, flows, channels, components } = options.model.config;
if (values.write)
  writeResult(resultFile('codec-images'), {
    ...stamp(),
    images: count,
    values: pixels.length,
    model: { width, height, colours, levels, flows, channels, components },
    id: model.id,
    weights: model.parameters,
    step,
    steps: options.steps,
    batch: options.batch,
    loss,
    archive: { each: apart, mosaic: together },
    encode: each.encode,
    decode: each.decode,
    others: rows,
    missing,
  });
