// Translation, English to French: an encoder-decoder transformer on fewer pairs than it could learn
// by heart.

import { readDataFile } from '../../src/cli/files.ts';
import {
  BytePairs,
  type Pair,
  PairData,
  readPairs,
  sha256Hex,
  splitPairs,
  Trainer,
  type TranslatorBatch,
  type TranslatorConfig,
  translator,
} from '../../src/cli/library.ts';
import { optionsOf, type RunOptions } from '../../src/cli/settings.ts';
import { translateTask, type Vocabularies } from '../../src/cli/tasks/translate.ts';
import { type CellOptions, deciding, type Experiment } from './experiment.ts';
import { measure, pointsOf } from './measure.ts';
import { BDIA, BDIA_INT8, COST, cell, PLAIN } from './shared.ts';

const PAIRS = 20_000;
const EVERY = 50;
const VOCABULARY = 2000;
const POINTS = 20;
const BLEU_PAIRS = 400;
export const STEPS = 5000;
const SHAPE = { layers: 3, channels: 128, heads: 4, context: 32 };
const BATCH = 32;
const LEARNING_RATE = 0.002;
const WARMUP = 200;

/** The data of a run, and its options. */
export interface TranslationData {
  sha256: string;
  train: PairData;
  validation: readonly Pair[];
  vocabularies: Vocabularies;
  bleuPairs: number;
  steps: number;
  checked(
    options: CellOptions,
    seed: number,
    threads: number,
  ): RunOptions<TranslatorConfig, TranslatorBatch>;
}

/** Reads the pairs and learns the vocabulary. */
export async function readTranslation(path: string, scale: number): Promise<TranslationData> {
  const { pairs: all } = readPairs(
    readDataFile(path, 'a file of sentence pairs'),
    'the file of pairs',
  );
  const most = Math.min(all.length, PAIRS);
  const pairs = Array.from({ length: most }, (_, i) => all[Math.floor((i * all.length) / most)]);
  const parts = splitPairs(pairs, EVERY);
  const { context } = SHAPE;
  const joint = BytePairs.learn(
    parts.train.flatMap(({ source, target }) => [source, target]),
    VOCABULARY,
  );
  const vocabularies = { source: joint, target: joint };
  const lines = pairs.map(({ source, target }) => `${source}\t${target}\n`);
  const fits = (text: string): boolean => joint.encode(text).length < context;
  const steps = Math.max(1, Math.round(STEPS * scale));
  const model = { ...SHAPE, vocabulary: joint.size };
  return {
    sha256: await sha256Hex(new TextEncoder().encode(lines.join(''))),
    train: PairData.encode(parts.train, { ...vocabularies, context }),
    validation: parts.validation.filter(({ source, target }) => fits(source) && fits(target)),
    vocabularies,
    bleuPairs: Math.max(1, Math.round(BLEU_PAIRS * scale)),
    steps,
    checked: (options, seed, threads) =>
      optionsOf(translator, {
        model,
        batch: BATCH,
        steps,
        seed,
        learningRate: LEARNING_RATE,
        warmup: Math.min(WARMUP, steps),
        threads,
        ...options,
      }),
  };
}

export const translation: Experiment = {
  name: 'translation',
  title: 'Translation from English to French',
  data: 'pairs',
  dataWords:
    '20,000 pairs spread evenly over the English-French file of Tatoeba, a fiftieth of the ' +
    'English sentences held out',
  paper:
    'the translation task: loss curves of BDIA and plain, BDIA better in validation after ' +
    'about epoch 200 (as one review reports); no BLEU there',
  sizes:
    '3 + 3 blocks, 128 channels, 4 heads, sentences of at most 32 tokens of 2,000 byte pairs; ' +
    "5,000 steps of 32 pairs, about 8 epochs: far from the paper's 200.",
  budget: '5,000 steps, batch 32',
  reference: 'bdia',
  cells: [
    cell('bdia', 'BDIA', BDIA),
    BDIA_INT8,
    cell('plain', 'plain', PLAIN),
    {
      ...cell('float32', 'plain, float32 (PyTorch)', PLAIN),
      madeBy: 'node bench/run.mjs translation',
    },
    {
      ...cell('float32-bdia', 'BDIA, float32 (PyTorch)', BDIA),
      madeBy: 'node bench/run.mjs translation',
    },
  ],
  metrics: [
    { path: 'final.bleu', title: 'BLEU, greedy', as: 'bleu', better: 'higher' },
    { path: 'final.loss', title: 'validation loss', as: 'nats', better: 'lower' },
    { path: 'best.loss', title: 'lowest on the way', as: 'nats', better: 'lower' },
    { path: 'final.trainLoss', title: 'training loss', as: 'nats' },
    ...COST,
  ],
  charts: [
    {
      file: 'results-translation.svg',
      title: 'Loss in nats a token: validation (solid), training (dashed)',
      points: 'curve',
      x: 'step',
      xTitle: 'step',
      y: ['loss', 'trainLoss'],
      as: 'nats',
    },
  ],
  bars: [
    { cell: 'bdia', path: 'final.bleu', atLeast: 0.95, of: 'float32-bdia' },
    { cell: 'bdia-int8', path: 'final.bleu', atLeast: 0.95, of: 'bdia' },
    { cell: 'plain', path: 'final.bleu', atLeast: 0.95, of: 'float32' },
  ],
  async open(path, scale) {
    const { sha256, train, validation, vocabularies, bleuPairs, steps, checked } =
      await readTranslation(path, scale);
    return {
      dataSha256: () => sha256,
      options: (one, seed) => ({
        ...deciding(checked(one.options, seed, 1)),
        trainPairs: train.count,
        validationPairs: validation.length,
        bleuPairs,
        points: POINTS,
      }),
      async run(one, seed, threads, watch) {
        const trainer = Trainer.create(checked(one.options, seed, threads));
        try {
          return await measure(
            translateTask(trainer, { train, validation, vocabularies, bleuPairs }),
            { steps, points: pointsOf(POINTS, steps, scale) },
            watch,
          );
        } finally {
          trainer.close();
        }
      },
    };
  },
};
