// A vision transformer that arrives, and the images and names of classes that go with it.

import { oneLine } from './argv.ts';
import { type Arriving, beside, type ImportValues, named } from './arriving.ts';
import { fitImage } from './classify.ts';
import type { FoundFile } from './foreign.ts';
import { readImages } from './images.ts';
import { vit } from './kinds/vit.ts';
import { settingsOf } from './kinds/vit-known.ts';
import {
  type ImageBatch,
  type ImageSet,
  type ImportedVitConfig,
  importVit,
  UsageError,
} from './library.ts';

/** Images to calibrate with. */
const IMAGES = 4;

type Shape = Pick<ImportedVitConfig, 'width' | 'height' | 'colours'>;

/** Pictures that a formula gives: a slope, stripes, noise, and white. */
const PICTURES: readonly ((x: number, y: number, c: number) => number)[] = [
  (x, y, c) => 3 * x + 2 * y + 60 * c,
  (x, y, c) => ((x + y + 2 * c) & 4 ? 230 : 20),
  (x, y, c) => x * x * 31 + x * y * 17 + y * 7919 + c * 101,
  () => 255,
];

const madeUp = ({ width, height, colours }: Shape): Uint8Array[] =>
  PICTURES.map((picture) =>
    Uint8Array.from({ length: width * height * colours }, (_, i) => {
      const at = Math.floor(i / colours);
      return picture(at % width, Math.floor(at / width), i % colours) & 255;
    }),
  );

/** Images of a data set, evenly spaced, in the size of the model. */
function someOf({ width, height, channels, count, pixels }: ImageSet, shape: Shape): Uint8Array[] {
  const size = width * height * channels;
  const most = Math.min(IMAGES, count);
  return Array.from({ length: most }, (_, i) => {
    const at = Math.floor((i * count) / most) * size;
    const image = { width, height, channels, pixels: pixels.subarray(at, at + size) };
    return fitImage(image as Parameters<typeof fitImage>[0], shape as never, false);
  });
}

/** Names of the classes: those of the configuration, or their numbers. */
function namesOf(config: object, classes: number): string[] {
  const { id2label } = config as { id2label?: Record<string, unknown> };
  return Array.from({ length: classes }, (_, i) => String(Object(id2label)[i] ?? i));
}

/** A vision transformer of a file. */
export async function arrivingVit(
  path: string,
  found: FoundFile,
  config: object,
  values: ImportValues,
): Promise<Arriving<ImportedVitConfig, ImageBatch>> {
  const { source } = found;
  for (const name of ['text', 'tokenizer'] as const)
    if (values[name] !== undefined)
      throw new UsageError(
        `--${name} is of GPTs, expected --data of a vision transformer`,
        'leave it out',
      );
  const preprocessor = beside(found, 'preprocessor_config.json') as object | undefined;
  const { options: seen } = await named(path, () => importVit(source, config, { preprocessor }));
  const shape = seen.model.config;
  const images =
    values.data === undefined
      ? madeUp(shape)
      : someOf(readImages(values.data, { classes: shape.classes }).train, shape);
  const names = namesOf(config, shape.classes);
  const settings = settingsOf({ steps: 1 }, shape as never);
  return {
    kind: 'vit',
    blocks: shape.layers,
    calibratedOn:
      values.data === undefined ? 'made-up images; better with --data' : oneLine(values.data),
    known: vit.toJson({ names, ...settings }),
    next: ['--data', 'DIR'],
    calibrated: (onBlock) =>
      named(path, () => importVit(source, config, { calibrate: images, preprocessor, onBlock })),
    evaluate(trainer) {
      for (const image of images) trainer.evaluate({ images: image, labels: Int32Array.of(0) });
    },
  };
}
