// A translator and the pairs of sentences that it learns from.

import { asFlags, number, quote, wholeNumber } from '../argv.ts';
import { readDataFile } from '../files.ts';
import { count } from '../format.ts';
import {
  BytePairs,
  createPairBatch,
  translator as model,
  type Pair,
  PairData,
  readPairFiles,
  readPairs,
  sha256Hex,
  splitPairs,
  type TranslatorBatch,
  type TranslatorConfig,
  UsageError,
} from '../library.ts';
import { type RunValues, runNames, sharedOptions, stackOf } from '../options.ts';
import { type OptionRows, stackRows } from '../rows.ts';
import { configOf, optionsOf, type RunOptions } from '../settings.ts';
import { judge } from '../tasks/task.ts';
import { translateTask, type Vocabularies } from '../tasks/translate.ts';
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

export interface TranslateKnown extends Vocabularies {
  /** Pairs used; null: all. */
  limit: number | null;
  /** Tokens asked for. */
  vocabularySize: number;
}

export interface TranslateData extends RunData<TranslateKnown> {
  train: PairData;
  validation: readonly Pair[];
}

type Options = RunOptions<TranslatorConfig, TranslatorBatch>;
export type TranslateRun = SavedRun<TranslatorConfig, TranslatorBatch, TranslateKnown>;

const DEFAULTS = {
  layers: 3,
  channels: 128,
  heads: 4,
  batch: 32,
  steps: 2000,
  learningRate: 0.002,
  warmup: 200,
};
const CONTEXT = 32;
const VOCABULARY = 4000;
const BLEU_PAIRS = 500;
const MOST = 2 ** 24;
/** The source sentences of one in so many are held out. */
const EVERY = 50;

export const bleuRow: OptionRows['free'][number] = [
  '--bleu-pairs <n>',
  `held-out pairs to translate for BLEU at the end, 0: none (${BLEU_PAIRS})`,
  (flag) => wholeNumber(flag, 0, MOST),
];

/** Where pairs are. */
export const pairRows: OptionRows['data'] = [
  ['--pairs <file>', 'sentence, TAB, its translation on each line; may be gzipped'],
  ['--source <file>', 'instead of --pairs: a sentence on each line'],
  ['--target <file>', 'and its translation on the same line of this file'],
];

const rows: OptionRows = {
  defaults: DEFAULTS,
  data: pairRows,
  model: [
    ['--limit <n>', 'use the first n pairs (all)', (flag) => wholeNumber(flag, 1, MOST)],
    [
      '--vocabulary-size <n>',
      `tokens of both languages together, learned from the training pairs (${VOCABULARY})`,
      (flag) => wholeNumber(flag, 5, 65536),
    ],
    ...stackRows(DEFAULTS, [
      '--context <n>',
      `T, tokens of a sentence with its end; longer pairs are left out (${CONTEXT})`,
      number,
    ]),
  ],
  free: [bleuRow],
  plan: [],
};

function runOptions(values: RunValues, vocabulary: number): Options {
  const config = {
    vocabulary,
    ...stackOf(values, DEFAULTS),
    context: values.context ?? CONTEXT,
  };
  return asFlags(runNames(rows), () =>
    optionsOf(model, {
      model: config,
      ...sharedOptions(values, DEFAULTS, values.steps ?? DEFAULTS.steps),
    }),
  );
}

type Files = Pick<RunValues, 'pairs' | 'source' | 'target'>;

function checkFiles({ pairs, source, target }: Files, use: string): void {
  const given = [pairs, source, target].map((path) => path !== undefined).join();
  if (given === 'false,false,false')
    throw new UsageError(
      `--pairs is missing, expected a file of sentence pairs to ${use}, or --source and --target`,
      'for instance --pairs fra.txt',
    );
  if (given !== 'true,false,false' && given !== 'false,true,true')
    throw new UsageError(
      `${['pairs', 'source', 'target']
        .filter((name) => ({ pairs, source, target })[name as 'pairs'] !== undefined)
        .map((name) => `--${name}`)
        .join(' and ')} given, expected --pairs, or --source and --target`,
    );
}

/** The pairs of one file or two, of which checkFiles knows that they are given. */
function pairsOf({ pairs, source = '', target = '' }: Files): {
  pairs: readonly Pair[];
  what: string;
} {
  const name = (file: string): string => `file ${quote(file)}`;
  const read = (file: string): Uint8Array => readDataFile(file, 'a file of sentences');
  if (pairs !== undefined)
    return { pairs: readPairs(read(pairs), name(pairs)).pairs, what: name(pairs) };
  const both = readPairFiles(read(source), read(target), name(source), name(target));
  return { pairs: both.pairs, what: `${name(source)} with ${name(target)}` };
}

/** The same, and the digest of their sentences. */
async function readFiles(
  files: Files,
): Promise<{ pairs: readonly Pair[]; what: string; sha256: string }> {
  const { pairs, what } = pairsOf(files);
  const sha256 = await sha256Hex(
    new TextEncoder().encode(pairs.map((pair) => `${pair.source}\t${pair.target}\n`).join('')),
  );
  return { pairs, sha256, what };
}

/** Pairs that fit a context on both sides. */
const fitting = (
  pairs: readonly Pair[],
  { source, target }: Vocabularies,
  context: number,
): Pair[] =>
  pairs.filter(
    (pair) =>
      source.encode(pair.source).length < context && target.encode(pair.target).length < context,
  );

/** The held-out pairs that fit. Throws UsageError if there are none. */
function held(pairs: readonly Pair[], known: Vocabularies, context: number, what: string): Pair[] {
  const fit = fitting(pairs, known, context);
  if (fit.length > 0) return fit;
  throw new UsageError(
    `none of the ${pairs.length} held-out pairs of ${what} fits a context of ${context} ` +
      'tokens, expected at least one',
    'use a larger --context',
  );
}

async function read(
  values: RunValues,
  saved?: Basis<TranslatorConfig, TranslatorBatch, TranslateKnown>,
): Promise<TranslateData> {
  const { pairs, what, sha256 } = await readFiles(values);
  const context = saved?.options.model.config.context ?? values.context ?? CONTEXT;
  checkSameData(
    `the set of pairs in ${what}`,
    'set of pairs',
    sha256,
    saved,
    'give the same files',
  );
  const isSame = saved?.dataSha256 !== undefined;
  const limit = (isSame ? saved.known.limit : values.limit) ?? null;
  const { vocabularySize = VOCABULARY } = values;
  if (limit !== null && limit > pairs.length)
    throw new UsageError(
      `--limit is ${limit}, expected 1 to ${pairs.length}, the pairs of ${what}`,
      'leave it out to use all',
    );
  const parts = splitPairs(pairs.slice(0, limit ?? pairs.length), EVERY);
  let known: TranslateKnown;
  if (saved !== undefined) known = { ...saved.known, limit };
  else {
    const joint = BytePairs.learn(
      parts.train.flatMap(({ source, target }) => [source, target]),
      vocabularySize,
    );
    known = { source: joint, target: joint, limit, vocabularySize };
  }
  const train = PairData.encode(parts.train, {
    source: known.source,
    target: known.target,
    context,
  });
  const validation = held(parts.validation, known, context, what);
  const omitted = train.omitted + parts.validation.length - validation.length;
  const note =
    `vocabulary ${count(known.source.size)}, ${count(train.count)} + ` +
    `${count(validation.length)} pairs, ${count(omitted)} left out as longer than ${context} ` +
    'tokens';
  return { sha256, known, train, validation, note };
}

/** The pairs that it was trained on are judged by those that were held out; any others as a whole.
 */
async function evaluate(
  run: TranslateRun,
  values: EvalValues,
  { restore, progress }: EvalTools<TranslatorBatch>,
): Promise<Evaluation> {
  checkFiles(values, 'evaluate on');
  const { pairs, what, sha256 } = await readFiles(values);
  const { known } = run;
  const { context } = run.options.model.config;
  const isTrainingData = sha256 === run.dataSha256;
  const judged = isTrainingData
    ? splitPairs(pairs.slice(0, known.limit ?? pairs.length), EVERY).validation
    : pairs;
  const validation = held(judged, known, context, what);
  const task = translateTask(restore(), {
    train: PairData.encode(validation, { source: known.source, target: known.target, context }),
    validation,
    vocabularies: known,
    bleuPairs: values.bleuPairs ?? BLEU_PAIRS,
    gamma: values.gamma,
  });
  const found = await judge(task, progress, 'final');
  const omitted = judged.length - validation.length;
  const own = isTrainingData ? ', held out of those it was trained on' : '';
  const left = omitted === 0 ? '' : `; ${count(omitted)} left out as longer than ${context} tokens`;
  return {
    event: { ...found, pairs: validation.length, omitted, step: run.step, isTrainingData },
    rows: [
      ['loss', `${found.loss.toFixed(4)} nats a token`],
      ...(found.bleu === undefined
        ? []
        : [['BLEU', `${found.bleu.toFixed(2)} (${found.bleuSignature})`] as [string, string]]),
      ['over', `${count(validation.length)} pairs${own}${left}`],
    ],
  };
}

function fromJson(
  value: unknown,
  { vocabulary }: Pick<TranslatorConfig, 'vocabulary'>,
): TranslateKnown | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const { kind, limit, vocabularySize, ...sides } = value as Record<string, unknown>;
  const source = BytePairs.fromJson(sides.source);
  const target = BytePairs.fromJson(sides.target);
  const isSize = (size: unknown): size is number =>
    Number.isInteger(size) && (size as number) >= 1 && (size as number) <= MOST;
  if (
    kind !== 'pairs' ||
    source?.size !== vocabulary ||
    target?.size !== vocabulary ||
    (limit !== null && !isSize(limit)) ||
    !isSize(vocabularySize)
  )
    return undefined;
  return { source, target, limit, vocabularySize };
}

export const translate: Kind<TranslatorConfig, TranslatorBatch, TranslateKnown, TranslateData> = {
  name: 'translate',
  modelName: model.modelName,
  title: 'a translator',
  unit: 'pairs',
  use: 'translate',
  rows,
  read,
  evaluate,
  fromJson,
  checkGiven: (values) => checkFiles(values, 'train on'),
  options: (values, data) => runOptions(values, data?.known.source.size ?? VOCABULARY),
  async planned(values) {
    if (values.pairs === undefined && values.source === undefined && values.target === undefined) {
      const options = runOptions(values, values.vocabularySize ?? VOCABULARY);
      return { options, note: `vocabulary ${options.model.config.vocabulary}` };
    }
    checkFiles(values, 'plan for');
    const { known, note } = await read(values);
    return { options: runOptions(values, known.source.size), note };
  },
  madeUp(trainer) {
    // sentences of a half to the whole of the context
    const { context, vocabulary } = configOf<TranslatorConfig>(trainer.options);
    const { batch } = trainer.options;
    const made = createPairBatch(batch, context);
    const half = Math.ceil(context / 2);
    for (const tokens of [made.source, made.input, made.target])
      tokens.forEach((_, i) => {
        tokens[i] = (i * i) % vocabulary;
      });
    for (const lengths of [made.sourceLengths, made.targetLengths])
      lengths.forEach((_, i) => {
        lengths[i] = half + (i % (context - half + 1));
      });
    return { unit: 'pairs', unitsPerStep: batch, step: () => trainer.step(made) };
  },
  task: (trainer, { train, validation, known }, { bleuPairs = BLEU_PAIRS }) =>
    translateTask(trainer, { train, validation, vocabularies: known, bleuPairs }),
  batchNote(options) {
    const { context } = configOf<TranslatorConfig>(options);
    return `batch ${options.batch} of ${context} + ${context} tokens`;
  },
  toJson: ({ source, target, limit, vocabularySize }) => ({
    kind: 'pairs',
    source: source.toJson(),
    target: target.toJson(),
    limit,
    vocabularySize,
  }),
  describe: ({ source }) => ['vocabulary', `${source.size} byte pairs of both languages`],
  settings: ({ limit, vocabularySize }) => ({ limit, vocabularySize }),
};
