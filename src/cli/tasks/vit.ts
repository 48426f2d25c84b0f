// Classification of images by a vision transformer: epochs in shuffled order, each image changed at
// random before it is shown.

import { setImmediate } from 'node:timers/promises';
import {
  type AugmentOptions,
  augment,
  EpochOrder,
  type ImageBatch,
  type ImageSet,
  type Trainer,
  type VitConfig,
} from '../library.ts';
import { configOf } from '../settings.ts';
import { exactSum, spread, type Task, type Validation } from './task.ts';

export interface VitTaskOptions {
  train: ImageSet;
  validation: ImageSet;
  augmentation: AugmentOptions;
  /** gamma of inference (0). */
  gamma?: number;
}

/** Images judged between two looks at the event loop. */
const SLICE = 256;

/** `most` images, evenly from first to last; the set itself if it has not more. */
function someOf(set: ImageSet, most: number): ImageSet {
  if (set.count <= most) return set;
  const size = set.width * set.height * set.channels;
  const chosen = spread(set.count, most);
  const pixels = new Uint8Array(chosen.length * size);
  chosen.forEach((image, at) => {
    pixels.set(set.pixels.subarray(image * size, (image + 1) * size), at * size);
  });
  return {
    ...set,
    count: chosen.length,
    pixels,
    labels: Int32Array.from(chosen, (image) => set.labels[image]),
  };
}

export function vitTask(
  trainer: Trainer<ImageBatch>,
  { train, validation, augmentation, gamma = 0 }: VitTaskOptions,
): Task {
  const { batch, seed } = trainer.options;
  const { width, height, colours } = configOf<VitConfig>(trainer.options);
  const size = width * height * colours;
  const images = new Uint8Array(batch * size);
  const labels = new Int32Array(batch);
  const order = new EpochOrder(seed, train.count);
  return {
    trainer,
    unit: 'images',
    unitsPerStep: batch,
    batch(step) {
      for (let sample = 0; sample < batch; sample++) {
        const image = order.at(step * batch + sample);
        augment(train, image, images.subarray(sample * size, (sample + 1) * size), augmentation, {
          seed,
          step,
          sample,
        });
        labels[sample] = train.labels[image];
      }
      return { images, labels };
    },
    async validate(
      progress,
      isInterrupted = () => false,
      scope = 'all',
    ): Promise<Validation | undefined> {
      const judged = typeof scope === 'number' ? someOf(validation, scope) : validation;
      const sum = { loss: 0, accuracy: 0 };
      const { count, pixels, labels: truth } = judged;
      const { microBatch } = trainer.options;
      const slice = microBatch * Math.ceil(SLICE / microBatch);
      for (let first = 0; first < count; first += slice) {
        if (isInterrupted()) return undefined;
        const end = Math.min(count, first + slice);
        const part = {
          images: pixels.subarray(first * size, end * size),
          labels: truth.subarray(first, end),
        };
        const found = trainer.evaluate(part, { gamma });
        sum.loss += exactSum(found.loss, end - first);
        sum.accuracy += Math.round(found.accuracy * (end - first));
        progress(end, count);
        await setImmediate();
      }
      const share = count < validation.count ? { share: count / validation.count } : {};
      return { loss: sum.loss / count, accuracy: sum.accuracy / count, ...share };
    },
  };
}
