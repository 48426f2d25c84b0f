// The options of a training run, once: as the command line takes them, as the library takes them,
// and as a checkpoint that is resumed must agree with them. What only one kind of model has is in
// kinds/.

import type { Command } from 'commander';
import { asFlags, byteCount, choice, flagOf, number, quote, wholeNumber } from './argv.ts';
import { digestOf } from './expect.ts';
import {
  type CheckedOptions,
  checkTrainOptions,
  UsageError,
  type VocabularyKind,
} from './library.ts';
import { type GivenSettings, type RuleName, type Settings, settingsOf } from './settings.ts';
import { defaultThreads } from './threads.ts';

/** What a user can give; undefined where he did not. `verify` is false or true by commander's --no-
 *  rule. */
export interface RunValues {
  text?: string;
  vocabulary?: VocabularyKind;
  vocabularySize?: number;
  context?: number;
  untied?: boolean;
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
  reversible?: RuleName;
  gammaShift?: number;
  momentum?: number;
  randomMomentum?: boolean;
  dropout?: number;
  stochasticDepth?: number;
  fractionBits?: number;
  microBatch?: number;
  threads?: number;
  verify?: boolean;
  memoryLimit?: number;
  bench?: string;
  out?: string;
  saveEvery?: number;
  keepBest?: boolean;
  validateEvery?: number;
  stopAt?: number;
  resume?: string;
  exportFloat32?: boolean;
  expect?: string;
  json?: boolean;
}

export const MAX_STEPS = 2 ** 31 - 1;

export type Row = [
  flags: string,
  help: string,
  parse?: (flag: string) => (given: string) => unknown,
];

/** The command line's own defaults; the rest are the library's. */
export interface Defaults {
  layers: number;
  channels: number;
  heads: number;
  batch: number;
  learningRate: number;
  warmup: number;
  /** Steps, or what gives them. */
  steps: number | string;
}

/** The options of a kind of model. */
export interface OptionRows {
  defaults: Defaults;
  /** Where the data are. */
  data: readonly Row[];
  /** What decides bits, of data and model. */
  model: readonly Row[];
  /** What changes no bit. */
  free: readonly Row[];
  /** Of `plan` alone: what it would know from the data. */
  plan: readonly Row[];
}

/** The shape of a stack of blocks. */
export const stackRows = ({ layers, channels, heads }: Defaults, ...more: Row[]): Row[] => [
  ['-l, --layers <n>', `L, blocks (${layers})`, number],
  ['-c, --channels <n>', `C, width of the residual stream (${channels})`, number],
  ['--heads <n>', `H, attention heads, a divisor of channels (${heads})`, number],
  ...more,
  ['--mlp-ratio <n>', 'width of the MLP in units of channels (4)', number],
  ['--bias', 'biases in linear layers and layer norms'],
];

/** Options that decide bits of the weights, of every kind: a resumed run has them from its
 *  checkpoint. */
const decidingRows = ({ batch, steps, learningRate, warmup }: Defaults): Row[] => [
  ['-b, --batch <n>', `B, samples a step (${batch})`, number],
  ['-n, --steps <n>', `steps of the whole run (${steps})`, number],
  ['-s, --seed <n>', 'of weights, batches and everything drawn (1)', number],
  ['--lr, --learning-rate <x>', `at its peak (${learningRate})`, number],
  ['--warmup <n>', `steps of linear warm-up (${warmup}, at most steps)`, number],
  [
    '--decay <kind>',
    'cosine (to a tenth) or constant (cosine)',
    (flag) => choice(flag, 'cosine', 'constant'),
  ],
  ['--wd, --weight-decay <x>', 'of matrices and embeddings (0.1)', number],
  [
    '--clip <x>',
    'largest norm of the gradient; none: any (1)',
    (flag) => (given) => (given === 'none' ? given : number(flag)(given)),
  ],
  [
    '--reversible <rule>',
    'bdia, coupling, momentum, leapfrog: states rebuilt backward, the same memory for any depth; ' +
      'none: stored, learns a little better on small models, take it where they fit; ' +
      'checkpointing: none, recomputed (bdia)',
    (flag) => choice(flag, 'bdia', 'none', 'coupling', 'momentum', 'leapfrog', 'checkpointing'),
  ],
  ['--gamma-shift <m>', 'of bdia: gamma is +-2^-m (1)', number],
  ['--momentum <x>', 'of momentum: an eighth to seven eighths (0.875)', number],
  ['--random-momentum', 'of momentum: its sign drawn anew, none at inference'],
  ['--dropout <p>', "probability that an element of a sublayer's output is dropped (0)", number],
  [
    '--stochastic-depth <p>',
    'probability that the last block is left out, earlier ones in proportion (0)',
    number,
  ],
  ['--fraction-bits <l>', 'of the residual state, 6 to 14 (9)', number],
];

/** Options that change speed and memory, never a bit. */
const FREE: Row[] = [
  ['--micro-batch <n>', 'samples held at a time, a divisor of batch (batch); same bits', number],
  [
    '-j, --threads <n>',
    'threads that share the samples of a micro-batch (those of this machine, at most 4); same bits',
    number,
  ],
  ['--no-verify', 'do not check every rebuilt state against its hash'],
  ['--memory-limit <bytes>', 'refuse a run that needs more, as in 512MiB (3.75GiB)', byteCount],
];

const RUNNING: Row[] = [
  ['-o, --out <dir>', 'save checkpoints in this directory'],
  [
    '--save-every <n>',
    'save every n steps too, not only at the end',
    (flag) => wholeNumber(flag, 1, MAX_STEPS),
  ],
  ['--export-float32', 'save the weights as float32 beside each checkpoint'],
  ['--keep-best', 'keep best.safetensors too, the checkpoint of the lowest validation loss so far'],
  [
    '--validate-every <n>',
    'validation loss of all held-out data every n steps, 0: only at the end ' +
      '(about twenty times, of a few samples)',
    (flag) => wholeNumber(flag, 0, MAX_STEPS),
  ],
  [
    '--stop-at <step>',
    'end early, as Ctrl-C would: checkpoint written, schedule unchanged',
    (flag) => wholeNumber(flag, 1, MAX_STEPS),
  ],
  ['-r, --resume <dir>', 'continue this run bit for bit to its --steps'],
  [
    '--expect <sha>',
    'exit with 1 if the weights have another SHA-256 at the end, for CI',
    digestOf,
  ],
];

/** Of `plan` alone. */
const BENCH: Row = [
  '--bench <file>',
  'say the time too, by what `bench --json` printed on this machine into this file',
];

/** `--lr, --learning-rate <x>` → `--learning-rate`: the long form, by which errors and hints name
 *  the option. */
export const longFlag = ([flags]: Row): string =>
  flags.replace(/ <.*/, '').split(', ').at(-1) as string;
/** `--learning-rate` → learningRate. */
export const optionName = (row: Row): string =>
  longFlag(row)
    .replace(/^--(no-)?/, '')
    .replace(/-([a-z])/g, (_, letter: string) => letter.toUpperCase());

/** Options that a resumed run has from its checkpoint. */
const deciding = (rows: OptionRows): Row[] => [...rows.model, ...decidingRows(rows.defaults)];

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
  ]).option('--json', 'one JSON object a line instead of words');

/** Registers the options of `bench`: of a run, but for data and checkpoints. */
export const addBenchOptions = (command: Command, rows: OptionRows): Command =>
  addRows(command, [
    ['--profile', 'every kernel of a step timed too, on one thread'],
    ['--repeat <n>', 'steps that are timed (10)', (flag) => wholeNumber(flag, 1, 100_000)],
    ...deciding(rows),
    ...rows.free,
    ...FREE,
    ...rows.plan,
  ]).option('--json', 'one JSON object a line instead of words');

/** Names of the options that were on the command line. */
export const givenNames = (command: Command): ReadonlySet<string> =>
  new Set(
    command.options
      .map((option) => option.attributeName())
      .filter((name) => command.getOptionValueSource(name) === 'cli'),
  );

/** What changes no bit. */
type Free = Partial<Pick<Settings, 'microBatch' | 'threads' | 'verify' | 'memoryLimit'>>;

const freeOptions = (values: RunValues, batch: number): Free => ({
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
    reversible,
    gammaShift,
    momentum,
    randomMomentum,
    dropout,
    stochasticDepth,
    fractionBits,
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
    reversible,
    gammaShift,
    momentum,
    randomMomentum,
    dropout,
    stochasticDepth,
    fractionBits,
    ...freeOptions(values, batch),
  };
}

/** What a checkpoint says of its run. */
export interface SavedOptions<Options> {
  options: Options;
  /** Options that the library does not know, by name. */
  more: object;
}

/** The options of a resumed run: the checkpoint's, with those that change no bit as given now.
 *  Throws UsageError naming every given option that differs from the checkpoint's. */
export function resumedOptions<Options extends CheckedOptions<never>>(
  rows: OptionRows,
  { options: saved, more }: SavedOptions<Options>,
  values: RunValues,
  given: ReadonlySet<string>,
): Options {
  const settings = settingsOf(saved);
  const before = { ...settings, ...settings.model, ...more } as Record<string, unknown>;
  const now = values as Record<string, unknown>;
  const differing = deciding(rows)
    .map(optionName)
    .filter((name) => given.has(name) && now[name] !== before[name]);
  if (differing.length > 0) {
    const both = differing.map(
      (name) =>
        `${flagOf(name)} is ${String(now[name])} (checkpoint: ` +
        `${String(before[name] ?? 'not given')})`,
    );
    throw new UsageError(
      `${both.join(', ')}, expected the checkpoint's`,
      'leave them out: a resumed run has its options from the checkpoint',
    );
  }
  const free = freeOptions(values, saved.microBatch);
  return asFlags(runNames(rows), () => checkTrainOptions({ ...saved, ...free }) as Options);
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
  'saveEvery',
  'validateEvery',
  'exportFloat32',
  'keepBest',
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
  for (const flag of ['out', 'resume'] as const)
    if (values[flag] === '')
      throw new UsageError(`--${flag} is ${quote('')}, expected a directory`);
}
