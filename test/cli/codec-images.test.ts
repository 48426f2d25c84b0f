// retrograd compress, decompress and test with a model of images: PNG files come out with the same
// pixels, all others byte for byte.

import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { decode } from 'fast-png';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { encodeCheckpoint, idf, type PixelBatch, type Trainer } from '../../src/index.ts';
import { COLOUR, GREY, image, pictures, trained } from '../codec/small-images.ts';
import { Source } from '../helpers/data.ts';
import { events, retrograd, workspace } from './command.ts';
import { pngOf } from './png-files.ts';

let cwd: string;
let remove: () => void;
const file = (...names: string[]): string => join(cwd, ...names);
const checkpointOf = (trainer: Trainer<PixelBatch>) =>
  encodeCheckpoint(
    {
      tensors: trainer.tensors(),
      options: trainer.options,
      step: trainer.steps,
      vocabulary: null,
      dataSha256: '0'.repeat(64),
      libraryVersion: '0.1.0',
    },
    { models: [idf] },
  );

/** Images below each other, of which a PNG makes little. */
const COUNT = 40;
const SIZE = { width: 8, height: 8 * COUNT };
const stack = (source: Source, colours: number): Uint8Array => {
  const images = Array.from({ length: COUNT }, () => [...image(source, 8, 8, colours)]);
  return Uint8Array.from(images.flat());
};
const rgb = stack(new Source(7, 7), 3);
const grey = stack(new Source(8, 8), 1);
/** Rows as a PNG has them are these pixels. */ const picture = (
  colours: number,
  data: Uint8Array,
  alpha?: number[],
) => pngOf({ ...SIZE, depth: 8, colours, data, ...(alpha === undefined ? {} : { alpha }) });
const KEPT = ['notes.txt', 'grey.png', 'alpha.png', 'damaged.png', 'see-through.png', 'a.ppm'];

beforeAll(async () => {
  ({ path: cwd, remove } = workspace());
  writeFileSync(file('m.rgc'), await checkpointOf(trained(COLOUR, 60)));
  writeFileSync(file('g.rgc'), await checkpointOf(trained(GREY, 40)));
  mkdirSync(file('in', 'deep'), { recursive: true });
  const colour = picture(2, rgb);
  writeFileSync(file('in', 'deep', 'colour.png'), colour);
  writeFileSync(file('in', 'notes.txt'), 'no image');
  writeFileSync(file('in', 'grey.png'), picture(0, grey));
  const four = Uint8Array.from({ length: (4 * rgb.length) / 3 }, (_, i) => rgb[i % rgb.length]);
  writeFileSync(file('in', 'alpha.png'), picture(6, four));
  writeFileSync(file('in', 'see-through.png'), picture(2, rgb, [0, 1, 0, 2, 0, 3]));
  writeFileSync(file('in', 'damaged.png'), colour.slice(0, -20));
  writeFileSync(file('in', 'a.ppm'), pictures(1, 9, 9)[0].bytes);
});
afterAll(() => remove());

test('images go in and come out', () => {
  const model = ['--model', 'm.rgc'];
  const [made] = events(['compress', 'in', ...model, '-o', 'a.rga'], { cwd });
  expect(made).toMatchObject({ event: 'compress', files: 7 });
  expect(made.model).toHaveLength(64);
  const [{ sha256, name }] = events(['test', 'a.rga', ...model], { cwd }).slice(3);
  expect([name, sha256.length]).toEqual(['deep/colour.png', 64]);
  events(['decompress', 'a.rga', ...model, '-o', 'out'], { cwd });
  const { width, height, channels, depth, data } = decode(
    readFileSync(file('out', 'deep', 'colour.png')),
  );
  expect({ width, height, channels, depth }).toEqual({ ...SIZE, channels: 3, depth: 8 });
  expect(Buffer.compare(data as Uint8Array, rgb)).toBe(0);
  for (const one of KEPT)
    expect(Buffer.compare(readFileSync(file('out', one)), readFileSync(file('in', one)))).toBe(0);
});

test('grey ones by a model of one colour', () => {
  const model = ['--model', 'g.rgc'];
  events(['compress', 'in/grey.png', ...model, '-o', 'g.rga'], { cwd });
  events(['decompress', 'g.rga', ...model, '-o', 'grey'], { cwd });
  const { channels, data } = decode(readFileSync(file('grey', 'grey.png')));
  expect([channels, Buffer.compare(data as Uint8Array, grey)]).toEqual([1, 0]);
});

test('a PNG file that is smaller than its pixels coded stays as it is', () => {
  const flat = picture(2, new Uint8Array(rgb.length));
  writeFileSync(file('flat.png'), flat);
  const [made] = events(['compress', 'flat.png', '--model', 'm.rgc', '-o', 'f.rga'], { cwd });
  expect([made.model, made.coded <= flat.length + 48]).toEqual(['', true]);
  events(['decompress', 'f.rga', '-o', 'flat'], { cwd });
  expect(Buffer.compare(readFileSync(file('flat', 'flat.png')), flat)).toBe(0);
});

test.each([
  [['test', 'a.rga'], 1, /needs model [\da-f]{64} \(kind 2\).*HINT: give it by --model/],
  [['test', 'a.rga', '--model', 'g.rgc'], 1, /needs model .*HINT: give that one by --model/],
  [['test', 'a.rga', '--model', 'bad.rgc'], 1, /'bad.rgc': /],
])('retrograd %j is refused', (words, expected, message) => {
  const bytes = readFileSync(file('m.rgc'));
  bytes[bytes.length - 9] ^= 1;
  writeFileSync(file('bad.rgc'), bytes);
  const { code, stderr } = retrograd(words, { cwd });
  expect(stderr).toMatch(message);
  expect(code).toBe(expected);
});
