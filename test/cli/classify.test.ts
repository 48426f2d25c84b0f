// Images of any size and colour as a model takes them, and what it says of them.

import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { encode } from 'fast-png';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { fitImage } from '../../src/cli/classify.ts';
import { events, retrograd, workspace } from './command.ts';

let cwd: string;
let remove: () => void;
const grey = (width: number, height: number, at: (x: number, y: number) => number) => ({
  width,
  height,
  channels: 1 as const,
  pixels: Uint8Array.from({ length: width * height }, (_, i) =>
    at(i % width, Math.floor(i / width)),
  ),
});

describe('an image as a model takes it', () => {
  test('as it is, inverted, in three colours and in one', () => {
    const image = grey(2, 2, (x, y) => 10 * x + y);
    const shape = { width: 2, height: 2, colours: 1 };
    expect(Array.from(fitImage(image, shape, false))).toEqual([0, 10, 1, 11]);
    expect(Array.from(fitImage(image, shape, true))).toEqual([255, 245, 254, 244]);
    const colours = fitImage(image, { ...shape, colours: 3 }, false);
    expect(Array.from(colours.slice(0, 6))).toEqual([0, 0, 0, 10, 10, 10]);
    const red = { width: 1, height: 1, channels: 3 as const, pixels: Uint8Array.of(255, 0, 0) };
    expect(Array.from(fitImage(red, { width: 1, height: 1, colours: 1 }, false))).toEqual([77]);
  });

  test('the mean of what falls into a pixel, in parts, rounded half up', () => {
    const image = grey(3, 3, (x) => [0, 90, 255][x]);
    const shape = { width: 2, height: 2, colours: 1 };
    expect(Array.from(fitImage(image, shape, false))).toEqual([30, 200, 30, 200]);
    const large = fitImage(
      grey(2, 2, (x) => 100 * x),
      { ...shape, width: 4, height: 4 },
      false,
    );
    expect(Array.from(large.slice(0, 4))).toEqual([0, 0, 100, 100]);
  });

  test('the middle of an image of other proportions', () => {
    const wide = grey(6, 2, (x) => x);
    expect(Array.from(fitImage(wide, { width: 2, height: 2, colours: 1 }, false))).toEqual([
      2, 3, 2, 3,
    ]);
  });
});

describe('the command', () => {
  beforeAll(() => {
    ({ path: cwd, remove } = workspace());
    for (const [k, name] of ['dark', 'light'].entries()) {
      mkdirSync(join(cwd, 'set', name), { recursive: true });
      for (let i = 0; i < 20; i++) {
        const data = Uint8Array.from({ length: 64 }, (_, p) => ((p * 7 + i) % 20) + 235 * k);
        const png = encode({ width: 8, height: 8, channels: 1, data });
        writeFileSync(join(cwd, 'set', name, `${i}.png`), png);
      }
    }
    writeFileSync(join(cwd, 'text.png'), 'no image');
    const shape = ['--layers', '1', '--channels', '16', '--heads', '2', '--patch', '4'];
    const words = ['train', 'vit', '--data', 'set', ...shape, '--epochs', '60', '--batch', '8'];
    events([...words, '--lr', '0.01', '--out', 'run'], { cwd });
    for (const [name, value] of [
      ['dark', 10],
      ['light', 240],
    ] as const)
      writeFileSync(
        join(cwd, `${name}.png`),
        encode({ width: 20, height: 20, channels: 1, data: new Uint8Array(400).fill(value) }),
      );
  });
  afterAll(() => remove());

  test('tells dark from light, and the other way round with --invert', () => {
    const words = ['classify', 'run', 'dark.png', 'light.png'];
    const labels = (...more: string[]) => events([...words, ...more], { cwd }).map((e) => e.label);
    expect(labels()).toEqual([0, 1]);
    expect(labels('--invert')).toEqual([1, 0]);
    const [{ probabilities, file }] = events(words, { cwd });
    expect(file).toBe('dark.png');
    expect(probabilities.reduce((a: number, b: number) => a + b, 0)).toBeCloseTo(1, 12);
    expect(retrograd(words, { cwd }).stdout).toMatch(/^dark\.png\ndark +\d+\.\d\d %\n/);
  });

  test.each([
    [['classify', 'run'], /image/],
    [['classify', 'run', 'nowhere.png'], /image 'nowhere\.png' does not exist/],
    [['classify', 'run', 'text.png'], /does not begin as a PNG file/],
    [['classify', 'nowhere', 'dark.png'], /nowhere/],
  ])('%j is refused', (words, message) => {
    const { code, stderr } = retrograd(words, { cwd });
    expect(code).toBe(2);
    expect(stderr).toMatch(message);
  });
});
