// Experiments on images: a vision transformer, every cell with the same data, order, augmentation
// and budget.

import { readImages } from '../images.ts';
import {
  type CheckedOptions,
  type ImageSet,
  type VitConfig,
  VitTrainer,
  checkVitOptions,
  hex,
  sha256,
} from '../library.ts';
import { vitTask } from '../tasks/vit.ts';
import {
  type Cell,
  type Description,
  type Experiment,
  type Found,
  type Watch,
  deciding,
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
export function imagesSha256(parts: readonly ImageSet[]): string {
  const bytes = parts.flatMap(({ width, height, channels, classes, pixels, labels }) => [
    new TextEncoder().encode(`${width} ${height} ${channels} ${classes} ${labels.length}\n`),
    pixels,
    ...[0, 8].map((shift) => Uint8Array.from(labels, (label) => (label >> shift) & 255)),
  ]);
  return hex(sha256(bytes));
}

export function imageExperiment(
  about: Omit<Description, 'data'>,
  setting: ImageSetting,
): Experiment {
  const {
    images,
    patch,
    layers,
    channels,
    heads,
    mlpRatio,
    batch,
    epochs,
    learningRate,
    crop,
    flip,
    points,
    gammas = [],
  } = setting;
  return {
    ...about,
    data: 'images',
    async open(path, scale) {
      const { train: all, test } = readImages(path);
      const train = first(all, images);
      const { width, height, channels: colours, classes } = train;
      const model: VitConfig = {
        kind: 'vit',
        width,
        height,
        colours,
        classes,
        patch,
        layers,
        channels,
        heads,
        mlpRatio,
      };
      const steps = Math.max(1, Math.round((epochs * train.count * scale) / batch));
      const augmentation = { crop, flip };
      const checked = (
        cell: Cell,
        seed: number,
        threads: number,
      ): CheckedOptions<Required<VitConfig>> =>
        checkVitOptions({ model, batch, steps, seed, learningRate, threads, ...cell.options });
      async function run(
        cell: Cell,
        seed: number,
        threads: number,
        watch: Watch,
      ): Promise<Found | undefined> {
        const trainer = VitTrainer.create(checked(cell, seed, threads));
        const hasGamma = ['none', 'bdia', 'checkpointing'].includes(trainer.options.reversible);
        const task = (gamma?: number) =>
          vitTask(trainer, { train, validation: test, augmentation, gamma });
        async function atGammas(): Promise<Found | undefined> {
          const found = [];
          for (const gamma of hasGamma ? gammas : []) {
            const validation = await task(gamma).validate(
              () => undefined,
              () => watch.isInterrupted(),
            );
            if (validation === undefined) return undefined;
            found.push({ gamma, ...validation });
          }
          return found.length === 0 ? {} : { gammas: found };
        }
        try {
          return await measure(
            task(),
            { steps, points: pointsOf(points, steps, scale) },
            watch,
            atGammas,
          );
        } finally {
          trainer.close();
        }
      }
      return {
        dataSha256: imagesSha256([train, test]),
        options: (cell, seed) => ({
          ...deciding(checked(cell, seed, 1)),
          augmentation,
          trainImages: train.count,
          testImages: test.count,
          gammas,
          points,
        }),
        run,
      };
    },
  };
}
