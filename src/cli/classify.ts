// retrograd classify DIR image.png ...: what a vision transformer sees in images. The same on every
// machine.

import type { Command } from 'commander';
import { JSON_OPTION, quote } from './argv.ts';
import { readImageFile } from './files.ts';
import { table } from './format.ts';
import { vit } from './kinds/vit.ts';
import { Generator, type VitConfig } from './library.ts';
import { readPng } from './png.ts';
import { printableLine } from './printable.ts';
import { print, printJson } from './reporters.ts';
import { openRun } from './run.ts';

export interface ClassifyValues {
  invert?: boolean;
  json?: boolean;
}

type Image = ReturnType<typeof readPng>;
type Shape = Pick<VitConfig, 'width' | 'height' | 'colours'>;

/** Classes that are printed of each image. */
const SHOWN = 5;

/** A pixel in as many colours as a model has: grey is the luma of ITU-R BT.601 in 256ths. */
function inColours(pixel: readonly number[], colours: number): number[] {
  if (pixel.length === colours) return [...pixel];
  if (colours === 3) return [pixel[0], pixel[0], pixel[0]];
  return [(77 * pixel[0] + 150 * pixel[1] + 29 * pixel[2] + 128) >> 8];
}

/** The part of `from` pixels that falls into each of `to`: first pixel, and the shares of it and of
 *  those that follow, in `to`ths of a pixel. */
function parts(from: number, to: number): { first: number; shares: number[] }[] {
  return Array.from({ length: to }, (_, i) => {
    const [low, high] = [i * from, (i + 1) * from];
    const first = Math.floor(low / to);
    const count = Math.ceil(high / to) - first;
    const shares = Array.from({ length: count }, (_unused, j) => {
      const at = (first + j) * to;
      return Math.min(high, at + to) - Math.max(low, at);
    });
    return { first, shares };
  });
}

/** The largest part in the middle of an image that has a shape's proportions. */
function middle(
  { width, height }: Image,
  shape: Shape,
): { left: number; top: number; width: number; height: number } {
  const isWide = width * shape.height > height * shape.width;
  const w = isWide ? Math.max(1, Math.round((height * shape.width) / shape.height)) : width;
  const h = isWide ? height : Math.max(1, Math.round((width * shape.height) / shape.width));
  return { left: (width - w) >> 1, top: (height - h) >> 1, width: w, height: h };
}

/** An image as a model takes it: the middle of it, each pixel the mean of those that fall into it,
 *  exactly, rounded half up. */
export function fitImage(image: Image, shape: Shape, invert: boolean): Uint8Array {
  const { channels, pixels } = image;
  const { width: w, height: h, colours } = shape;
  const cut = middle(image, shape);
  const columns = parts(cut.width, w);
  const rows = parts(cut.height, h);
  const area = cut.width * cut.height; // of an output pixel, in wth times hth parts of a pixel
  const mean = (x: number, y: number, channel: number): number => {
    let sum = 0;
    rows[y].shares.forEach((tall, dy) => {
      columns[x].shares.forEach((wide, dx) => {
        const row = cut.top + rows[y].first + dy;
        const column = cut.left + columns[x].first + dx;
        sum += tall * wide * pixels[(row * image.width + column) * channels + channel];
      });
    });
    return Math.floor((2 * sum + area) / (2 * area));
  };
  const out = new Uint8Array(w * h * colours);
  for (let i = 0; i < w * h; i++) {
    const pixel = Array.from({ length: channels }, (_, c) => mean(i % w, Math.floor(i / w), c));
    inColours(pixel, colours).forEach((value, c) => {
      out[i * colours + c] = invert ? 255 - value : value;
    });
  }
  return out;
}

export async function classify(
  directory: string,
  files: readonly string[],
  { invert = false, json }: ClassifyValues,
): Promise<number> {
  const run = await openRun(directory, vit);
  const { config } = run.options.model;
  const { names } = run.known;
  const images = files.map((file) => {
    const what = `image ${quote(file)}`;
    return fitImage(readPng(readImageFile(file), what), config, invert);
  });
  const generator = Generator.create(run);
  files.forEach((file, i) => {
    const probabilities = Array.from(generator.classify(images[i]));
    const order = probabilities
      .map((_, k) => k)
      .sort((a, b) => probabilities[b] - probabilities[a]);
    if (json === true) {
      const [label] = order;
      printJson({ event: 'classification', file, label, name: names[label], probabilities });
      return;
    }
    if (files.length > 1) print(printableLine(file));
    const rows = order.slice(0, SHOWN).map((k) => {
      return [printableLine(names[k]), `${(100 * probabilities[k]).toFixed(2)} %`];
    });
    print(table(rows));
  });
  return 0;
}

/** The command, added to a program. */
export function addClassify(program: Command, finish: (code: number) => void): void {
  program
    .command('classify')
    .description('what a saved vision transformer sees in images')
    .argument('<DIR>', 'directory of a run')
    .argument('<image...>', 'PNG files: their middle, scaled to the size of the model')
    .option('--invert', 'dark on light becomes light on dark, as MNIST has its digits')
    .option(...JSON_OPTION)
    .action(async (directory: string, files: string[], values: ClassifyValues) =>
      finish(await classify(directory, files, values)),
    );
}
