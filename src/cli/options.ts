// The options of a training run as a command takes them: registered, brought to settings, and
// compared with those of a checkpoint that is resumed. Their words are in rows.ts.

import type { Command } from 'commander';
import { flagOf, JSON_OPTION, quote, wholeNumber } from './argv.ts';
import {
  type ImportedFormats,
  int8,
  type Rounds,
  UsageError,
  type VocabularyKind,
} from './library.ts';
import {
  BENCH,
  type Defaults,
  decidingRows,
  FREE,
  longFlag,
  type OptionRows,
  optionName,
  type Row,
  RUNNING,
} from './rows.ts';
import type { GivenSettings, Kernels, RuleName, Settings } from './settings.ts';
import { defaultThreads } from './threads.ts';

/** What a user can give; undefined where he did not. `verify` is false or true by commander's --no-
 *  rule. */
export interface RunValues {
  text?: string;
  vocabulary?: VocabularyKind;
  tokenizer?: string;
  vocabularySize?: number;
  context?: number;
  untied?: boolean;
  /** Of imported weights that a run begins with. */
  formats?: ImportedFormats | undefined;
  headBias?: boolean | undefined;
  data?: string;
  classes?: number;
  patch?: number;
  crop?: number;
  flip?: boolean;
  limit?: number;
  validation?: 'test' | number;
  epochs?: number;
  width?: number;
  height?: number;
  colours?: number;
  pairs?: string;
  source?: string;
  target?: string;
  bleuPairs?: number;
  layers?: number;
  channels?: number;
  heads?: number;
  mlpRatio?: number;
  bias?: boolean;
  batch?: number;
  steps?: number;
  seed?: number;
  learningRate?: number;
  warmup?: number;
  decay?: 'cosine' | 'constant';
  weightDecay?: number;
  clip?: Settings['clip'];
  shards?: number;
  localSteps?: number;
  reversible?: RuleName;
  gammaShift?: number;
  momentum?: number;
  randomMomentum?: boolean;
  dropout?: number;
  stochasticDepth?: number;
  fractionBits?: number;
  operands?: Settings['operands'];
  /** Of the run of --init: the matrices that have them. */
  operandsOn?: Settings['operandsOn'];
  kernels?: Kernels;
  microBatch?: number;
  threads?: number;
  verify?: boolean;
  memoryLimit?: number;
  bench?: string;
  out?: string;
  saveEvery?: number;
  receipt?: string;
  receiptFull?: boolean;
  keepStates?: boolean;
  server?: string;
  creds?: string;
  workers?: number;
  parts?: number;
  replicate?: number;
  spotChecks?: number;
  keepBest?: boolean;
  validateEvery?: number;
  stopAt?: number;
  resume?: string;
  init?: string;
  freeze?: string[];
  lora?: string;
  fresh?: string[];
  exportFloat32?: boolean;
  expect?: string;
  json?: boolean;
}

/** Options that a resumed run has from its checkpoint. */
export const deciding = (rows: OptionRows): Row[] => [
  ...rows.model,
  ...decidingRows(rows.defaults),
];

/** Names by which the library speaks of what an option sets. */
export const runNames = (rows: OptionRows): string[] =>
  [...deciding(rows), ...rows.free, ...FREE, ...RUNNING, ...rows.plan].map(optionName);

/** Registers options. */
export function addRows(command: Command, rows: readonly Row[]): Command {
  for (const row of rows) {
    const [flags, help, parse] = row;
    if (parse === undefined) command.option(flags, help);
    else command.option(flags, help, parse(longFlag(row)) as (given: string) => string);
  }
  return command;
}

/** Registers the options of a run. */
export const addRunOptions = (command: Command, rows: OptionRows, isPlan = false): Command =>
  addRows(command, [
    ...rows.data,
    ...deciding(rows),
    ...rows.free,
    ...FREE,
    ...RUNNING,
    ...(isPlan ? [...rows.plan, BENCH] : []),
  ]).option(...JSON_OPTION);

/** Registers the options of `bench`: of a run, but for data and checkpoints. */
export const addBenchOptions = (command: Command, rows: OptionRows): Command =>
  addRows(command, [
    ['--profile', 'every kernel of a step timed too, on one thread'],
    ['--repeat <n>', 'steps that are timed (10)', (flag) => wholeNumber(flag, 1, 100_000)],
    ...deciding(rows),
    ...rows.free,
    ...FREE,
    ...rows.plan,
  ]).option(...JSON_OPTION);

/** Names of the options that were on the command line. */
export const givenNames = (command: Command): ReadonlySet<string> =>
  new Set(
    command.options
      .map((option) => option.attributeName())
      .filter((name) => command.getOptionValueSource(name) === 'cli'),
  );

/** What changes no bit. */
type Free = Partial<Pick<Settings, 'microBatch' | 'threads' | 'verify' | 'memoryLimit'>>;

export const freeOptions = (values: RunValues, batch: number): Free => ({
  ...(values.microBatch === undefined ? {} : { microBatch: values.microBatch }),
  threads: values.threads ?? defaultThreads(values.microBatch ?? batch),
  ...(values.verify === false ? { verify: false } : {}),
  ...(values.memoryLimit === undefined ? {} : { memoryLimit: values.memoryLimit }),
});

/** The shape of a stack of blocks, as given or by default. */
export const stackOf = (values: RunValues, { layers, channels, heads }: Defaults) => ({
  layers: values.layers ?? layers,
  channels: values.channels ?? channels,
  heads: values.heads ?? heads,
  mlpRatio: values.mlpRatio,
  bias: values.bias,
});

/** The settings, but for the model and defaults that the library has itself. */
export function sharedOptions(
  values: RunValues,
  defaults: Defaults,
  steps: number,
): Omit<GivenSettings<never>, 'model'> {
  const {
    seed,
    decay,
    weightDecay,
    clip,
    shards,
    localSteps,
    reversible,
    gammaShift,
    momentum,
    randomMomentum,
    dropout,
    stochasticDepth,
    fractionBits,
    operands,
    operandsOn,
    kernels,
    freeze,
    lora,
  } = values;
  const {
    batch = defaults.batch,
    learningRate = defaults.learningRate,
    warmup = Math.min(defaults.warmup, steps),
  } = values;
  return {
    batch,
    steps,
    seed,
    learningRate,
    warmup,
    decay,
    weightDecay,
    clip,
    shards,
    localSteps,
    reversible,
    gammaShift,
    momentum,
    randomMomentum,
    dropout,
    stochasticDepth,
    fractionBits,
    operands,
    operandsOn,
    kernels,
    freeze,
    lora,
    ...freeOptions(values, batch),
  };
}

/** Throws UsageError naming every given option among `names` that differs from the checkpoint's. */
export function refuseDiffering(
  names: readonly string[],
  before: Record<string, unknown>,
  values: RunValues,
  given: ReadonlySet<string>,
  hint: string,
): void {
  const now = values as Record<string, unknown>;
  const differing = names.filter(
    (name) => given.has(name) && String(now[name]) !== String(before[name]),
  );
  if (differing.length === 0) return;
  const both = differing.map(
    (name) =>
      `${flagOf(name)} is ${String(now[name])} (checkpoint: ` +
      `${String(before[name] ?? 'not given')})`,
  );
  throw new UsageError(`${both.join(', ')}, expected the checkpoint's`, hint);
}

/** The options among `names` that were given, as words of a command. */
export function givenWords(
  rows: readonly Row[],
  values: RunValues,
  names: readonly string[],
): string[] {
  return rows.flatMap((row) => {
    const name = optionName(row);
    const value = (values as Record<string, unknown>)[name];
    if (!names.includes(name) || value === undefined || value === longFlag(row).startsWith('--no-'))
      return [];
    return typeof value === 'boolean' ? [longFlag(row)] : [longFlag(row), String(value)];
  });
}

/** What a person gives again to go on: where the data are, and what changes no bit. */
const AGAIN = [
  'text',
  'data',
  'pairs',
  'source',
  'target',
  'bleuPairs',
  'threads',
  'verify',
  'microBatch',
  'memoryLimit',
  'kernels',
  'saveEvery',
  'validateEvery',
  'exportFloat32',
  'keepBest',
  'receipt',
  'receiptFull',
  'keepStates',
];

/** The words after `train` that continue a run begun or continued with these values. */
export const continueWords = (rows: OptionRows, values: RunValues, directory: string): string[] => [
  ...givenWords([...rows.data, ...rows.free, ...FREE, ...RUNNING], values, AGAIN),
  '--resume',
  directory,
];

/** The words that name the data. */
export const dataWords = (rows: OptionRows, values: RunValues): string[] =>
  givenWords(rows.data, values, AGAIN);

function checkInit({ init, resume, fresh, lora }: RunValues): void {
  if (init !== undefined && resume !== undefined)
    throw new UsageError(
      '--init and --resume are given, expected one of them',
      '--resume goes on with a run, --init begins another one with its weights',
    );
  if (fresh !== undefined && init === undefined && resume === undefined)
    throw new UsageError('--fresh is given, but no weights to begin with, expected --init DIR too');
  if (lora !== undefined && init === undefined && resume === undefined)
    throw new UsageError('--lora is given, but no weights to begin with, expected --init DIR too');
}

function checkPaths(values: RunValues): void {
  for (const flag of ['out', 'resume', 'init', 'receipt'] as const)
    if (values[flag] === '')
      throw new UsageError(
        `--${flag} is ${quote('')}, expected a ${flag === 'receipt' ? 'file' : 'directory'}`,
      );
}

function checkReceipt(values: RunValues): void {
  if (values.receiptFull === true && values.receipt === undefined)
    throw new UsageError('--receipt-full is given, but no receipt, expected --receipt FILE too');
  if (values.keepStates === true && values.saveEvery === undefined)
    throw new UsageError('--keep-states is given, but no saves, expected --save-every too');
}

/** Throws UsageError for what is to happen at a step within a round, where there are no weights. */
export function checkBetween(values: RunValues, rounds: Rounds | undefined): void {
  if (rounds === undefined) return;
  if (values.parts !== undefined)
    throw new UsageError(
      `--parts is ${values.parts}, expected none: the parts of a round are its ${rounds.shards} ` +
        'shards',
    );
  for (const name of ['saveEvery', 'validateEvery', 'stopAt'] as const) {
    const at = values[name] ?? 0;
    if (at % rounds.steps !== 0)
      throw new UsageError(
        `${flagOf(name)} is ${at}, expected a multiple of the ${rounds.steps} steps of a round`,
        `for instance ${Math.ceil(at / rounds.steps) * rounds.steps}`,
      );
  }
}

/** Throws UsageError for options that only make sense together. */
export function checkTogether(values: RunValues): void {
  const isSaving = values.out !== undefined || values.resume !== undefined;
  if (values.saveEvery !== undefined && !isSaving)
    throw new UsageError(
      `--save-every is ${values.saveEvery}, but there is no directory to save in, expected ` +
        '--out DIR too',
    );
  if (values.exportFloat32 === true && !isSaving)
    throw new UsageError(
      '--export-float32 is given, but there is no directory to save in, expected --out DIR too',
    );
  if (values.keepBest === true && !isSaving)
    throw new UsageError(
      '--keep-best is given, but there is no directory to save in, expected --out DIR too',
    );
  if (values.keepBest === true && values.validateEvery === 0)
    throw new UsageError(
      '--keep-best is given and --validate-every is 0, expected validations to choose by',
    );
  checkReceipt(values);
  checkInit(values);
  if (values.kernels !== undefined) int8({ build: values.kernels }); // refuses what is not here
  checkPaths(values);
}
