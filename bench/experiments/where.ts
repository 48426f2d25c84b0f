// Where does BDIA win? Training sets from small to large, each with the same budget as the others
// of its kind, so that the plain model knows a small one by heart and a large one not: sizes of
// gamma, and dropout, held against plain at every evaluation.

import { join } from 'node:path';
import type { Cell, Experiment, Opened } from './experiment.ts';
import { type ImageSetting, openImages } from './image-experiment.ts';
import { BDIA, cell, PLAIN } from './shared.ts';
import { openText, type TextSetting } from './text-experiment.ts';

const TEXT: TextSetting = {
  layers: 2,
  channels: 64,
  heads: 2,
  context: 32,
  batch: 8,
  steps: 6000,
  learningRate: 0.006,
  points: 12,
};
const IMAGES = {
  layers: 2,
  channels: 64,
  heads: 2,
  batch: 32,
  learningRate: 0.001,
  crop: 0, // what changes the images regularises, too
  flip: false,
  points: 12,
};
const DIGITS = { ...IMAGES, patch: 2 };

interface DataSet {
  id: string;
  label: string;
  /** Where it is in the directory of --data. */
  path: string;
  open: Experiment['open'];
}

const text = (thousand: number): DataSet => ({
  id: `text-${thousand}`,
  label: `text, ${thousand} kB`,
  path: 'tinyshakespeare/input.txt',
  open: openText({ ...TEXT, characters: thousand * 1000 }),
});
const images = (id: string, label: string, path: string, setting: ImageSetting): DataSet => ({
  id,
  label,
  path,
  open: openImages(setting),
});

const SETS: readonly DataSet[] = [
  text(50),
  text(150),
  text(500),
  images('digits-400', '400 digits', 'digits', { ...DIGITS, images: 400, epochs: 120 }),
  images('digits-3823', '3,823 digits', 'digits', { ...DIGITS, epochs: 20 }),
  images('cifar-4000', 'CIFAR-10, 4,000 images', 'cifar10-exact', {
    ...IMAGES,
    patch: 4,
    epochs: 60,
  }),
];
const RULES = [
  { id: 'plain', label: 'plain', options: PLAIN },
  { id: 'bdia-1', label: 'BDIA, gamma +-1/2', options: BDIA },
  { id: 'bdia-2', label: 'BDIA, gamma +-1/4', options: { ...BDIA, gammaShift: 2 } },
  { id: 'bdia-3', label: 'BDIA, gamma +-1/8', options: { ...BDIA, gammaShift: 3 } },
  { id: 'dropout', label: 'plain, dropout 0.1', options: { ...PLAIN, dropout: 0.1 } },
];

const cellsOf = (set: DataSet): Cell[] =>
  RULES.map(({ id, label, options }) =>
    cell(`${set.id}-${id}`, `${set.label}: ${label}`, { ...options, operands: 'int8' }),
  );

/** The set of a cell. */
const setOf = ({ id }: Cell): DataSet => SETS.find((set) => id.startsWith(`${set.id}-`)) as DataSet;

const named = ({ id, label }: { id: string; label: string }) => ({ id, label });

export const where: Experiment = {
  name: 'where',
  title: 'Where does BDIA win?',
  data: 'sets',
  dataWords:
    'tinyshakespeare/input.txt, its first 50,000, 150,000 and 500,000 characters, a tenth of ' +
    'each held out; digits/, optdigits: 400 and all 3,823 images for training, 1,797 held out; ' +
    'cifar10-exact/: 4,000 original images of CIFAR-10 for training, 1,000 held out',
  paper: 'that BDIA regularises: 89.10 against 88.15 % on CIFAR-10 after long training',
  sizes:
    `${TEXT.layers} layers, ${TEXT.channels} channels, ${TEXT.heads} heads, int8 operands, ` +
    `which decide bits, too; text: context ${TEXT.context}, characters; images: patches of ` +
    '2 x 2, of CIFAR-10 4 x 4, none of them changed at random.',
  budget:
    `text: ${TEXT.steps} steps of ${TEXT.batch} windows; batches of ${IMAGES.batch} images: ` +
    '120 epochs of 400 digits, 20 of all, 60 of CIFAR-10',
  reference: 'text-50-plain',
  cells: SETS.flatMap(cellsOf),
  metrics: [
    { path: 'final.loss', title: 'held-out loss at the end', as: 'nats', better: 'lower' },
    { path: 'best.loss', title: 'lowest on the way', as: 'nats', better: 'lower' },
    { path: 'final.trainLoss', title: 'training loss at the end', as: 'nats' },
  ],
  charts: [],
  bars: [],
  grid: {
    sets: SETS.map(named),
    rules: RULES.map(named),
    against: 'plain',
    chart: {
      file: 'results-where.svg',
      title: 'Held-out loss of a rule minus that of plain, same seed and step',
      xTitle: 'training loss that plain has reached',
    },
  },
  /** Reads the sets of the cells to run, so that the others need not be there. */
  async open(path, scale, cells) {
    const opened = new Map<DataSet, Opened>();
    for (const set of new Set(cells.map(setOf)))
      opened.set(set, await set.open(join(path, set.path), scale, cells));
    const of = (one: Cell): Opened => opened.get(setOf(one)) as Opened;
    return {
      dataSha256: (one) => of(one).dataSha256(one),
      options: (one, seed) => of(one).options(one, seed),
      run: (one, seed, threads, watch) => of(one).run(one, seed, threads, watch),
    };
  },
};
