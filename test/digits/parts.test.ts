// The parts of docs/examples/digits: the set is that of UCI to the last number, images are warped
// in whole numbers, drawings become images as those of the set were made, what is strange is told.

import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import fc from 'fast-check';
import { Trainer } from 'retrograd';
import { Generator } from 'retrograd/generate';
import { describe, expect, test } from 'vitest';
import { pictureOf, type Stroke } from '../../docs/examples/digits/picture.ts';
import { Batches, planesOf, readSet } from '../../docs/examples/digits/set.ts';
import {
  BATCH,
  DEFAULTS,
  fromHash,
  optionsOf,
  type Settings,
  toHash,
} from '../../docs/examples/digits/settings.ts';
import { distanceOf, FAR, hasForm, SURE, verdictOf } from '../../docs/examples/digits/strange.ts';
import { meanOverViews } from '../../docs/examples/digits/views.ts';
import { transform, warp } from '../../docs/examples/digits/warp.ts';
import { runsAll } from '../helpers/all.ts';

const HERE = join(import.meta.dirname, '../../docs/examples/digits');
const packed = new Uint8Array(readFileSync(join(HERE, 'data/optdigits.gz')));
const { known, unseen } = await readSet(packed);
const drawings = (name: string): [string, Stroke[]][] =>
  Object.entries(JSON.parse(readFileSync(join(HERE, 'strokes', `${name}.json`), 'utf8')));
const imageOf = (i: number): Uint8Array => unseen.pixels.subarray(i * 64, (i + 1) * 64);
const PAD = 1000;

describe('the set', () => {
  test('has both files of UCI to the last byte: their SHA-256', async () => {
    const planes = await planesOf(packed);
    const count = planes.length / 65;
    const line = (i: number): string =>
      Array.from({ length: 65 }, (_, plane) => planes[plane * count + i]).join(',');
    const lines = Array.from({ length: count }, (_, i) => `${line(i)}\n`);
    const sha = (text: string): string => createHash('sha256').update(text).digest('hex');
    expect(sha(lines.slice(0, 3823).join(''))).toBe(
      'e1b683cc211604fe8fd8c4417e6a69f31380e0c61d4af22e93cc21e9257ffedd',
    );
    expect(sha(lines.slice(3823).join(''))).toBe(
      '6ebb3d2fee246a4e99363262ddf8a00a3c41bee6014c373ed9d9216ba7f651b8',
    );
  });

  test('3,823 are learned and 1,797 by others are not: none of these is a batch', () => {
    expect([known.count, unseen.count]).toEqual([3823, 1797]);
    const batches = new Batches(known, 1, 32);
    const { images, labels } = batches.at(7);
    expect([images.length, labels.length]).toEqual([32 * 64, 32]);
    const first = Uint8Array.from(images);
    batches.at(8);
    expect(first).not.toEqual(images);
    expect(new Batches(known, 1, 32).at(7).images).toEqual(first);
  });
});

describe('an image that is warped', () => {
  const image = imageOf(0);
  const IDENTITY = { xx: 256, xy: 0, yx: 0, yy: 256, right: 0, down: 0 };

  test('by nothing is itself, by a whole pixel is moved', () => {
    const out = new Uint8Array(64);
    transform(image, out, IDENTITY);
    expect(out).toEqual(image);
    transform(image, out, { ...IDENTITY, right: 256 });
    for (let i = 0; i < 64; i++) expect(out[i]).toBe(i % 8 === 7 ? 0 : image[i + 1]);
  });

  test('has no pixel above its darkest one, is a function of its place, and has most ink', () => {
    const ink = (of: Uint8Array): number => of.reduce((sum, value) => sum + value, 0);
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: unseen.count - 1 }),
        fc.maxSafeNat(),
        fc.nat(10 ** 7),
        (i, seed, place) => {
          const from = imageOf(i);
          const [one, two] = [new Uint8Array(64), new Uint8Array(64)];
          warp(from, one, { seed, place });
          warp(from, two, { seed, place });
          expect(one).toEqual(two);
          expect(Math.max(...one)).toBeLessThanOrEqual(Math.max(...from));
          expect(ink(one)).toBeGreaterThan(0.6 * ink(from));
        },
      ),
    );
  });
});

describe('a drawing', () => {
  test('is the same image wherever and however large it is drawn', () => {
    const [, strokes] = drawings('digits')[2];
    const half = strokes.map((points) =>
      points.map(([x, y]) => [x / 2 + 64, y / 2 + 300] as const),
    );
    expect(pictureOf(half)).toEqual(pictureOf(strokes));
  });

  test('of nothing is none, of a dot has no form, of one point has an image', () => {
    expect(pictureOf([])).toBeUndefined();
    expect(hasForm([], PAD)).toBe(false);
    expect(hasForm([[[5, 5]]], PAD)).toBe(false);
    expect(pictureOf([[[5, 5]]])).toHaveLength(64);
  });

  test('has about the ink of the set: 0.8 to 1.2 of its mean', () => {
    const mean = (all: Uint8Array[]): number =>
      all.reduce((sum, one) => sum + one.reduce((ink, value) => ink + value, 0), 0) / all.length;
    const drawn = drawings('digits').map(([, strokes]) => pictureOf(strokes) ?? new Uint8Array(64));
    const ratio = mean(drawn) / (mean([known.pixels]) / known.count);
    expect(ratio).toBeGreaterThan(0.8);
    expect(ratio).toBeLessThan(1.2);
  });

  test('30 of digits and 30 strange ones are what make.mjs makes of shapes.json', async () => {
    const { FILES } = await import(pathToFileURL(join(HERE, 'strokes/make.mjs')).href);
    for (const [name, make] of Object.entries<() => string>(FILES))
      expect(make()).toBe(readFileSync(join(HERE, 'strokes', name), 'utf8'));
    expect(
      drawings('digits')
        .map(([name]) => name[0])
        .sort()
        .join(''),
    ).toBe(Array.from('0123456789', (digit) => digit.repeat(3)).join(''));
    expect(drawings('strange')).toHaveLength(30);
  });
});

describe('what is strange', () => {
  test('no digit of the people who were not learned from is FAR, 1 more of 255 is needed', () => {
    let farthest = 0;
    for (let i = 0; i < unseen.count; i++)
      farthest = Math.max(farthest, distanceOf(imageOf(i), known));
    expect(farthest).toBeLessThan(FAR);
    expect(farthest).toBeGreaterThan(FAR - 5); // the bound is no wider than the set asks for
  });

  test('at the bounds themselves', () => {
    const sure = (top: number): number[] => [top, 1 - top, ...new Array(8).fill(0)];
    expect(verdictOf(FAR, sure(SURE))).toBe('digit');
    expect(verdictOf(FAR + 1e-9, sure(1))).toBe('far');
    expect(verdictOf(0, [SURE - 1e-9, ...new Array(9).fill(0.05)])).toBe('unsure');
    expect(verdictOf(0, undefined)).toBe('unlearned');
  });
});

describe('an address', () => {
  test('says a run, and what of it is wrong', () => {
    const settings: Settings = { steps: 40, seed: 2 ** 53 - 1 };
    expect(fromHash(`#${toHash(settings)}`)).toMatchObject({ settings, problems: [] });
    const wrong = fromHash('#steps=9&seed=1.5&start=1');
    expect(wrong).toMatchObject({ settings: DEFAULTS, starts: true });
    expect(wrong.problems).toHaveLength(2);
    expect(fromHash('#steps=&seed=x').problems).toHaveLength(2);
  });
});

describe.skipIf(!runsAll)('a network that has learned', () => {
  test('97 of 100 unseen digits, 24 of 30 drawn ones, and 24 of 30 strange ones', () => {
    const trainer = Trainer.create(optionsOf(DEFAULTS));
    const batches = new Batches(known, DEFAULTS.seed, BATCH);
    while (trainer.steps < DEFAULTS.steps) trainer.step(batches.at(trainer.steps));
    const judged = trainer.evaluate({ images: unseen.pixels, labels: unseen.labels });
    expect(judged.accuracy).toBeGreaterThanOrEqual(0.97);
    const generator = Generator.create(trainer);
    const see = (image: Uint8Array): number[] =>
      meanOverViews(image, (view) => generator.classify(view));
    const looks = (name: string) =>
      drawings(name).map(([title, strokes]) => {
        const picture = pictureOf(strokes) ?? new Uint8Array(64);
        const found = see(picture);
        const digit = String(found.indexOf(Math.max(...found)));
        return { title, digit, verdict: verdictOf(distanceOf(picture, known), found) };
      });
    const right = looks('digits').filter(({ title, digit }) => title[0] === digit);
    expect(right.length).toBeGreaterThanOrEqual(24);
    const noticed = looks('strange').filter(({ verdict }) => verdict !== 'digit');
    expect(noticed.length).toBeGreaterThanOrEqual(24);
    let unsure = 0;
    for (let i = 0; i < unseen.count; i += 6) if (Math.max(...see(imageOf(i))) < SURE) unsure++;
    expect(unsure / (unseen.count / 6)).toBeLessThan(0.04);
  });
});
