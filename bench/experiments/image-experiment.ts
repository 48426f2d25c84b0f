// Experiments on images: a vision transformer, every cell with the same data, order, augmentation
// and budget.

import { readImages } from '../../src/cli/images.ts';
import { type ImageSet, sha256Hex, Trainer, vit } from '../../src/cli/library.ts';
import { optionsOf, settingsOf } from '../../src/cli/settings.ts';
import type { Task } from '../../src/cli/tasks/task.ts';
import { vitTask } from '../../src/cli/tasks/vit.ts';
import {
  type Cell,
  type Description,
  deciding,
  type Experiment,
  type Found,
} from './experiment.ts';
import { measure, pointsOf } from './measure.ts';

export interface ImageSetting {
  /** Training images: the first so many; all if absent. */
  images?: number;
  patch: number;
  layers: number;
  channels: number;
  heads: number;
  mlpRatio?: number;
  batch: number;
  epochs: number;
  learningRate: number;
  crop: number;
  flip: boolean;
  /** Validations of a run. */
  points: number;
  /** Inference is judged at these gammas too, at the end, where the rule has a gamma. */
  gammas?: readonly number[];
}

/** The first images of a set, as views. */
function first(set: ImageSet, most = set.count): ImageSet {
  const count = Math.min(set.count, most);
  const size = set.width * set.height * set.channels;
  return {
    ...set,
    count,
    pixels: set.pixels.subarray(0, count * size),
    labels: set.labels.subarray(0, count),
  };
}

/** Of sizes, pixels and labels of both parts: the same for the same images, however they are
 *  stored. */
export function imagesSha256(parts: readonly ImageSet[]): Promise<string> {
  const bytes = parts.flatMap(({ width, height, channels, classes, pixels, labels }) => [
    new TextEncoder().encode(`${width} ${height} ${channels} ${classes} ${labels.length}\n`),
    pixels,
    ...[0, 8].map((shift) => Uint8Array.from(labels, (label) => (label >> shift) & 255)),
  ]);
  return sha256Hex(Buffer.concat(bytes));
}

/** The budget of all cells, for the images there are. */
function budgetOf(setting: ImageSetting, train: ImageSet, scale: number) {
  const { patch, layers, channels, heads, mlpRatio, batch, epochs, learningRate } = setting;
  const { width, height, channels: colours, classes } = train;
  const model = { width, height, colours, classes, patch, layers, channels, heads, mlpRatio };
  const steps = Math.max(1, Math.round((epochs * train.count * scale) / batch));
  return { model, batch, steps, learningRate };
}

/** Judges at each gamma; undefined if interrupted. */
async function atGammas(
  gammas: readonly number[],
  task: (gamma: number) => Task,
  isInterrupted: () => boolean,
): Promise<Found | undefined> {
  const found: object[] = [];
  for (const gamma of gammas) {
    const validation = await task(gamma).validate(() => undefined, isInterrupted);
    if (validation === undefined) return undefined;
    found.push({ gamma, ...validation });
  }
  return found.length === 0 ? {} : { gammas: found };
}

/** How the runs of a setting are made. */
export function openImages(setting: ImageSetting): Experiment['open'] {
  const { images, crop, flip, points, gammas = [] } = setting;
  const augmentation = { crop, flip };
  return async (path, scale) => {
    const { train: all, test } = readImages(path);
    const train = first(all, images);
    const dataSha256 = await imagesSha256([train, test]);
    const budget = budgetOf(setting, train, scale);
    const { steps } = budget;
    const checked = ({ options }: Cell, seed: number, threads: number) =>
      optionsOf(vit, { ...budget, seed, threads, ...options });
    return {
      dataSha256: () => dataSha256,
      options: (cell, seed) => ({
        ...deciding(checked(cell, seed, 1)),
        augmentation,
        trainImages: train.count,
        testImages: test.count,
        gammas,
        points,
      }),
      async run(cell, seed, threads, watch) {
        const trainer = Trainer.create(checked(cell, seed, threads));
        const { reversible } = settingsOf(trainer.options);
        const hasGamma = ['none', 'bdia', 'checkpointing'].includes(reversible);
        const task = (gamma?: number): Task =>
          vitTask(trainer, { train, validation: test, augmentation, gamma });
        const atEnd = (): Promise<Found | undefined> =>
          atGammas(hasGamma ? gammas : [], task, () => watch.isInterrupted());
        const validations = pointsOf(points, steps, scale);
        try {
          return await measure(task(), { steps, points: validations }, watch, atEnd);
        } finally {
          trainer.close();
        }
      },
    };
  };
}

export const imageExperiment = (
  about: Omit<Description, 'data'>,
  setting: ImageSetting,
): Experiment => ({ ...about, data: 'images', open: openImages(setting) });
