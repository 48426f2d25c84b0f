// Where does BDIA win? Training sets from small to large, so that the plain model knows a small one
// by heart and a large one not: sizes of gamma, and dropout, held against plain at every
// evaluation.

import { join } from 'node:path';
import type { Cell, Experiment, GridSet, Opened } from './experiment.ts';
import { type ImageSetting, openImages } from './image-experiment.ts';
import { BDIA, cell, PLAIN } from './shared.ts';
import { openText, type TextSetting } from './text-experiment.ts';

const TEXT: Omit<TextSetting, 'steps'> = {
  layers: 2,
  channels: 64,
  heads: 2,
  context: 32,
  batch: 8,
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
  about: string;
  /** Where it is in the directory of --data. */
  path: string;
  open: Experiment['open'];
}

const text = (thousand: number, steps: number): DataSet => ({
  id: `text-${thousand}`,
  label: `text, ${thousand} kB`,
  about:
    `the first ${thousand},000 characters of tiny Shakespeare, a tenth of them held out, ` +
    `${steps.toLocaleString('en-US')} steps of ${TEXT.batch} windows`,
  path: 'tinyshakespeare/input.txt',
  open: openText({ ...TEXT, steps, characters: thousand * 1000 }),
});
const images = (known: Omit<DataSet, 'open'>, setting: ImageSetting): DataSet => ({
  ...known,
  about: `${known.about}, ${setting.epochs} epochs in batches of ${setting.batch}`,
  open: openImages(setting),
});

const SETS: readonly DataSet[] = [
  text(50, 6000),
  text(150, 3000),
  text(500, 2000),
  images(
    {
      id: 'digits-400',
      label: '400 digits',
      about: 'the first 400 images of optdigits, 1,797 held out',
      path: 'digits',
    },
    { ...DIGITS, images: 400, epochs: 80 },
  ),
  images(
    {
      id: 'digits-3823',
      label: '3,823 digits',
      about: 'all images of optdigits, 1,797 held out',
      path: 'digits',
    },
    { ...DIGITS, epochs: 10 },
  ),
  images(
    {
      id: 'cifar-4000',
      label: 'CIFAR-10, 4,000 images',
      about: '4,000 original images of CIFAR-10, 1,000 held out',
      path: 'cifar10-exact',
    },
    { ...IMAGES, patch: 4, epochs: 60 },
  ),
];
/** Runs that other experiments make anyway; their models are larger. */
const BORROWED: readonly GridSet[] = [
  {
    id: 'gpt',
    label: 'text, 50 kB, larger model',
    about: 'the runs of the section on over-fitting, 4 layers of 128 channels, int16 operands',
    from: { experiment: 'gpt', cells: { plain: 'plain', bdia: 'bdia-1' } },
  },
  {
    id: 'translation',
    label: 'translation, 20,000 pairs',
    about: 'the runs of that section, 3 + 3 layers of 128 channels, int16 operands',
    from: { experiment: 'translation', cells: { plain: 'plain', bdia: 'bdia-1' } },
  },
  {
    id: 'cifar',
    label: 'CIFAR-10, 10,000 images',
    about:
      'the runs of that section, of a JPEG copy, changed at random, 6 layers of 64 channels, ' +
      'int16 operands',
    from: {
      experiment: 'cifar',
      cells: { plain: 'plain', bdia: 'bdia-1', dropout: 'dropout' },
    },
  },
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

export const where: Experiment = {
  name: 'where',
  title: 'Where does BDIA win?',
  data: 'sets',
  dataWords:
    'a directory that has tinyshakespeare/input.txt, digits/ with optdigits and cifar10-exact/ ' +
    'with 4,000 and 1,000 original images of CIFAR-10; --cells asks for less',
  paper: 'that BDIA regularises: 89.10 against 88.15 % on CIFAR-10 after long training',
  sizes:
    `${TEXT.layers} layers, ${TEXT.channels} channels, ${TEXT.heads} heads; operands are int8, ` +
    'which decides bits, too; texts in ' +
    `characters, context ${TEXT.context}; images in patches of 2 x 2, those of CIFAR-10 of ` +
    '4 x 4, none changed at random.',
  budget: 'each set has its own, the same for every rule',
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
    sets: [...SETS.map(({ id, label, about }) => ({ id, label, about })), ...BORROWED],
    rules: RULES.map(({ id, label }) => ({ id, label })),
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
