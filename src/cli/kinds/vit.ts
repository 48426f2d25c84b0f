// A vision transformer and the images that it learns to classify.

import { asFlags, number, quote, wholeNumber } from '../argv.ts';
import { count, percent } from '../format.ts';
import { type ImageData, readImages } from '../images.ts';
import {
  checkImages,
  type ImageBatch,
  type ImageSet,
  importedVit as model,
  sha256Hex,
  UsageError,
  type VitConfig,
} from '../library.ts';
import { type RunValues, runNames, sharedOptions, stackOf } from '../options.ts';
import { MAX_STEPS, type OptionRows, stackRows } from '../rows.ts';
import { configOf, optionsOf, type RunOptions } from '../settings.ts';
import { judge } from '../tasks/task.ts';
import { vitTask } from '../tasks/vit.ts';
import {
  type Basis,
  checkSameData,
  type EvalTools,
  type Evaluation,
  type EvalValues,
  type Kind,
  type RunData,
  type SavedRun,
} from './kind.ts';
import { CROP, EPOCHS, fromJson, type Settings, settingsOf, type VitKnown } from './vit-known.ts';

export interface VitData extends RunData<VitKnown> {
  train: ImageSet;
  validation: ImageSet;
}

type Config = Required<VitConfig>;
type Options = RunOptions<VitConfig, ImageBatch>;
export type VitRun = SavedRun<VitConfig, ImageBatch, VitKnown>;

const DEFAULTS = {
  layers: 6,
  channels: 128,
  heads: 4,
  batch: 32,
  steps: `${EPOCHS} epochs`,
  learningRate: 0.0015,
  warmup: 200,
};
const MAX_IMAGES = 2 ** 24;
const PLANNED_STEPS = 1000;

const rows: OptionRows = {
  defaults: DEFAULTS,
  data: [
    [
      '-d, --data <dir>',
      'images: IDX files as of MNIST, .bin files of CIFAR, optdigits, or PNG files as CLASS/x.png',
    ],
  ],
  model: [
    ['--classes <n>', 'of IDX files, which do not say (10)', (flag) => wholeNumber(flag, 2, 65536)],
    [
      '--validation <part>',
      'test: the set for testing; a number: so many images from the end of the training set (test)',
      (flag) => (given) => {
        if (given !== 'test' && !/^\d+$/.test(given))
          throw new UsageError(
            `${flag} is ${quote(given)}, expected test or a whole number from 1 to ${MAX_IMAGES}`,
          );
        return given === 'test' ? given : wholeNumber(flag, 1, MAX_IMAGES)(given);
      },
    ],
    [
      '--limit <n>',
      'train on the first n images (all)',
      (flag) => wholeNumber(flag, 1, MAX_IMAGES),
    ],
    [
      '--crop <n>',
      `cut each image at random from itself with a margin of n pixels, 0: leave it (${CROP}, ` +
        'less below 16 pixels)',
      (flag) => wholeNumber(flag, 0, 1023),
    ],
    ['--flip', 'mirror every other image, at random'],
    [
      '--patch <n>',
      'side of a patch in pixels, a divisor of width and height (a fourth of the shorter ' +
        'side, or the next larger divisor)',
      number,
    ],
    ...stackRows(DEFAULTS),
    [
      '--epochs <n>',
      `--steps by times that each image is seen (${EPOCHS})`,
      (flag) => wholeNumber(flag, 1, MAX_STEPS),
    ],
  ],
  free: [],
  plan: [
    ['--width <n>', 'of the images, if no --data are given (28)', number],
    ['--height <n>', 'of the images (28)', number],
    ['--colours <n>', 'of the images: 1 or 3 (1)', number],
  ],
};

type Shape = Pick<ImageSet, 'width' | 'height' | 'channels' | 'classes' | 'count'>;

/** A side that divides the image: a fourth of its shorter side, or the next larger divisor, so that
 *  a step costs about the same for all sizes. */
function defaultPatch({ width, height }: Shape): number {
  const side = Math.min(width, height, 1024);
  const divisors = Array.from({ length: side }, (_, i) => i + 1).filter(
    (n) => width % n === 0 && height % n === 0,
  );
  return divisors.find((n) => n >= side / 4) ?? divisors[divisors.length - 1];
}

const stepsOf = (
  { steps, epochs = EPOCHS, batch = DEFAULTS.batch }: RunValues,
  images: number,
): number => steps ?? Math.min(MAX_STEPS, Math.ceil((epochs * images) / Math.max(1, batch)));

/** The library's options for images of a shape. Without one everything is checked that can be. */
function runOptions(values: RunValues, shape?: Shape): Options {
  const { patch = shape === undefined ? 4 : defaultPatch(shape) } = values;
  const side = Number.isInteger(patch) && patch >= 1 && patch <= 1024 ? patch : 4;
  const some = { width: side, height: side, channels: 1, classes: 2, count: MAX_IMAGES };
  const { width, height, channels: colours, classes, count: images } = shape ?? some;
  const config = {
    width,
    height,
    colours,
    classes,
    patch,
    ...stackOf(values, DEFAULTS),
    formats: values.formats,
    headBias: values.headBias,
  };
  return asFlags(runNames(rows), () =>
    optionsOf(model, {
      model: config,
      ...sharedOptions(values, DEFAULTS, stepsOf(values, images)),
    }),
  );
}

const part = (set: ImageSet, from: number, to: number): ImageSet => {
  const size = set.width * set.height * set.channels;
  return {
    ...set,
    count: to - from,
    pixels: set.pixels.subarray(from * size, to * size),
    labels: set.labels.subarray(from, to),
  };
};

/** Training and validation images, as the options divide them. */
function divide(
  { train, test, names, what }: ImageData,
  { validation, limit }: Settings,
): { train: ImageSet; validation: ImageSet } {
  const rest = train.count - (validation === 'test' ? 0 : validation);
  if (rest < 1)
    throw new UsageError(
      `--validation is ${validation}, expected less than the ${train.count} training images ` +
        `of ${what}`,
      'hold out fewer images, or take test',
    );
  if (limit !== null && limit > rest)
    throw new UsageError(
      `--limit is ${limit}, expected 1 to ${rest}, the training images of ${what}`,
      'leave it out to use all',
    );
  const parts = {
    train: part(train, 0, limit ?? rest),
    validation: validation === 'test' ? test : part(train, rest, train.count),
  };
  checkImages(parts.train, `${what} (the first ${parts.train.count} images, for training)`, {
    names,
  });
  return parts;
}

/** Digest of what was read, whatever files it came from. */
async function digest({ train, test }: ImageData): Promise<string> {
  const line = async ({
    width,
    height,
    channels,
    classes,
    count: images,
    pixels,
    labels,
  }: ImageSet): Promise<string> => {
    const bytes = new DataView(new ArrayBuffer(4 * images));
    labels.forEach((label, i) => {
      bytes.setInt32(4 * i, label, true);
    });
    return (
      `${[width, height, channels, classes, images].join(' ')} ${await sha256Hex(pixels)} ` +
      `${await sha256Hex(new Uint8Array(bytes.buffer))}\n`
    );
  };
  return sha256Hex(new TextEncoder().encode((await line(train)) + (await line(test))));
}

async function read(
  values: RunValues,
  saved?: Basis<VitConfig, ImageBatch, VitKnown>,
): Promise<VitData> {
  const path = values.data as string;
  const isSame = saved?.dataSha256 !== undefined;
  const images = readImages(path, {
    classes: values.classes ?? saved?.options.model.config.classes,
  });
  const sha256 = await digest(images);
  checkSameData(
    `the data set ${quote(path)}`,
    'data set',
    sha256,
    saved,
    'give the same directory',
  );
  const {
    train: { width, height, channels, classes },
  } = images;
  if (values.classes !== undefined && values.classes !== classes)
    throw new UsageError(
      `--classes is ${values.classes}, expected ${classes}, the classes of ${images.what}`,
      'leave it out',
    );
  const known: VitKnown = (isSame ? saved?.known : undefined) ?? {
    names: images.names ?? Array.from({ length: classes }, (_, label) => String(label)),
    ...settingsOf(values, images.train),
  };
  const parts = divide(images, known);
  const note =
    `${count(parts.train.count)} + ${count(parts.validation.count)} images of ${width} x ` +
    `${height} x ${channels} in ${classes} classes (${images.format})`;
  return { ...parts, sha256, known, note };
}

/** Images that the model can see. Throws UsageError. */
function checkShape(
  { width, height, channels, classes }: ImageSet,
  model: Config,
  what: string,
): void {
  const words = (w: number, h: number, c: number, n: number): string =>
    `images of ${w} x ${h} x ${c} in ${n} classes`;
  const given = words(width, height, channels, classes);
  const expected = words(model.width, model.height, model.colours, model.classes);
  if (given !== expected)
    throw new UsageError(
      `${what} has ${given}, expected ${expected}, what the model was trained on`,
      'give a data set of that kind',
    );
}

/** The data set that it was trained on is judged by its validation images; any other by its test
 *  images. */
async function evaluate(
  run: VitRun,
  values: EvalValues,
  { restore, progress }: EvalTools<ImageBatch>,
): Promise<Evaluation> {
  if (values.data === undefined)
    throw new UsageError(
      '--data is missing, expected a directory of images to evaluate on',
      'for instance --data mnist',
    );
  const images = readImages(values.data, { classes: run.options.model.config.classes });
  checkShape(images.train, run.options.model.config, images.what);
  const isTrainingData = (await digest(images)) === run.dataSha256;
  const set = isTrainingData ? divide(images, run.known).validation : images.test;
  const task = vitTask(restore(), {
    train: set,
    validation: set,
    augmentation: { crop: 0, flip: false },
    gamma: values.gamma,
  });
  const { loss, accuracy = 0 } = await judge(task, progress);
  const which = isTrainingData && run.known.validation !== 'test' ? 'held out' : 'of the test set';
  return {
    event: { loss, accuracy, images: set.count, step: run.step, isTrainingData },
    rows: [
      ['loss', `${loss.toFixed(4)} nats an image`],
      ['accuracy', `${percent(accuracy)}, ${count(accuracy * set.count)} right`],
      [
        'over',
        `${count(set.count)} images ` +
          `${which}${isTrainingData ? ' of the data it was trained on' : ''}`,
      ],
    ],
  };
}

export const vit: Kind<VitConfig, ImageBatch, VitKnown, VitData> = {
  name: 'vit',
  modelName: model.modelName,
  title: 'a vision transformer',
  unit: 'images',
  use: undefined,
  rows,
  read,
  evaluate,
  fromJson,
  checkGiven({ data, steps, epochs }) {
    if (data === undefined)
      throw new UsageError(
        '--data is missing, expected a directory of images to train on',
        'for instance --data mnist',
      );
    if (steps !== undefined && epochs !== undefined)
      throw new UsageError(`--steps is ${steps} and --epochs is ${epochs}, expected one of them`);
  },
  options: (values, data) => runOptions(values, data?.train),
  async planned(values) {
    const images =
      values.data === undefined
        ? undefined
        : readImages(values.data, { classes: values.classes }).train;
    const { width = 28, height = 28, colours = 1, classes = 10 } = values;
    const options = runOptions(
      { ...values, steps: values.steps ?? PLANNED_STEPS },
      images ?? { width, height, channels: colours as 1, classes, count: MAX_IMAGES },
    );
    const config = options.model.config;
    return {
      options,
      note:
        `images of ${config.width} x ${config.height} x ${config.colours}, patches of ` +
        `${config.patch} x ${config.patch}`,
    };
  },
  madeUp(trainer) {
    const { width, height, colours, classes } = configOf<VitConfig>(trainer.options);
    const { batch } = trainer.options;
    const images = Uint8Array.from({ length: batch * width * height * colours }, (_, i) => i * i);
    const labels = Int32Array.from({ length: batch }, (_, i) => i % classes);
    return { unit: 'images', unitsPerStep: batch, step: () => trainer.step({ images, labels }) };
  },
  task: (trainer, { train, validation, known: { crop, flip } }) =>
    vitTask(trainer, { train, validation, augmentation: { crop, flip } }),
  batchNote: ({ batch }) => `batch ${batch}`,
  toJson: (known) => ({ kind: 'classes', ...known }),
  describe: ({ names }) => [
    'classes',
    `${names.length}: ${names.slice(0, 20).join(', ')}${names.length > 20 ? ', ...' : ''}`,
  ],
  settings: ({ names: _, ...settings }) => settings,
};
