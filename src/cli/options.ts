// The options of a training run, once: as the command line takes them, as the library takes them, and as a checkpoint that is
// resumed must agree with them.

import type { Command } from 'commander';
import { asFlags, byteCount, choice, flagOf, number, quote, wholeNumber } from './argv.ts';
import { type CheckedOptions, type TrainOptions, UsageError, type VocabularyKind, checkTrainOptions } from './library.ts';
import { defaultThreads } from './threads.ts';

/** What a user can give; undefined where he did not. `verify` is false or true by commander's --no- rule. */
export interface RunValues {
  text?: string; vocabulary?: VocabularyKind; vocabularySize?: number;
  layers?: number; channels?: number; heads?: number; context?: number; mlpRatio?: number; bias?: boolean; untied?: boolean;
  batch?: number; steps?: number; seed?: number; learningRate?: number; warmup?: number; decay?: 'cosine' | 'constant'; weightDecay?: number; clip?: number;
  reversible?: 'bdia' | 'none'; gammaShift?: number; fractionBits?: number;
  microBatch?: number; threads?: number; verify?: boolean; memoryLimit?: number;
  out?: string; saveEvery?: number; validateEvery?: number; stopAt?: number; resume?: string; exportFloat32?: boolean; json?: boolean;
}

/** The command line's own defaults; the rest are the library's. */
const DEFAULTS = { layers: 6, channels: 128, heads: 4, context: 128, batch: 8, steps: 1000 };
const MAX_STEPS = 2 ** 31 - 1;

type Row = [flags: string, help: string, parse?: (flag: string) => (given: string) => unknown];

/** Options that decide bits of the weights: a resumed run has them from its checkpoint. */
const DECIDING: Row[] = [
  ['--vocabulary <kind>', 'characters: of the text; bytes: any file (characters)', (flag) => choice(flag, 'characters', 'bytes')],
  ['--layers <n>', `L, blocks (${DEFAULTS.layers})`, number],
  ['--channels <n>', `C, width of the residual stream (${DEFAULTS.channels})`, number],
  ['--heads <n>', `H, attention heads, a divisor of channels (${DEFAULTS.heads})`, number],
  ['--context <n>', `T, tokens the model sees (${DEFAULTS.context})`, number],
  ['--mlp-ratio <n>', 'width of the MLP in units of channels (4)', number],
  ['--bias', 'biases in linear layers and layer norms'],
  ['--untied', 'a head of its own instead of the token embedding'],
  ['--batch <n>', `B, sequences a step (${DEFAULTS.batch})`, number],
  ['--steps <n>', `steps of the whole run (${DEFAULTS.steps})`, number],
  ['--seed <n>', 'of weights, batches and gamma (1)', number],
  ['--learning-rate <x>', 'at its peak (0.001)', number],
  ['--warmup <n>', 'steps of linear warm-up (100, at most steps)', number],
  ['--decay <kind>', 'cosine (to a tenth) or constant (cosine)', (flag) => choice(flag, 'cosine', 'constant')],
  ['--weight-decay <x>', 'of matrices and embeddings (0.1)', number],
  ['--clip <x>', 'largest norm of the gradient (1)', number],
  ['--reversible <rule>', 'bdia: states rebuilt backward; none: stored (bdia)', (flag) => choice(flag, 'bdia', 'none')],
  ['--gamma-shift <m>', 'gamma is +-2^-m (1)', number],
  ['--fraction-bits <l>', 'of the residual state, 6 to 14 (9)', number],
];

/** Options that change speed and memory, never a bit. */
const FREE: Row[] = [
  ['--micro-batch <n>', 'sequences held at a time, a divisor of batch (batch); same bits', number],
  ['--threads <n>', 'threads that share the sequences of a micro-batch (those of this machine, at most 4); same bits', number],
  ['--no-verify', 'do not check every rebuilt state against its hash'],
  ['--memory-limit <bytes>', 'refuse a run that needs more, as in 512MiB (3.75GiB)', byteCount],
];

const RUNNING: Row[] = [
  ['--out <dir>', 'save checkpoints in this directory'],
  ['--save-every <n>', 'save every n steps too, not only at the end', (flag) => wholeNumber(flag, 1, MAX_STEPS)],
  ['--export-float32', 'save the weights as float32 beside each checkpoint'],
  ['--validate-every <n>', 'validation loss every n steps too, 0: only at the end (0)', (flag) => wholeNumber(flag, 0, MAX_STEPS)],
  ['--stop-at <step>', 'end early, as Ctrl-C would: checkpoint written, schedule unchanged', (flag) => wholeNumber(flag, 1, MAX_STEPS)],
  ['--resume <dir>', 'continue this run bit for bit to its --steps'],
];

/** `learning-rate <x>` → learningRate. */
const nameOf = ([flags]: Row): string => flags.split(' ')[0].replace(/^--(no-)?/, '').replace(/-([a-z])/g, (_, letter: string) => letter.toUpperCase());

/** Names by which the library speaks of what an option sets. */
export const RUN_NAMES: readonly string[] = [...DECIDING, ...FREE, ...RUNNING].map(nameOf);

/** Registers the options of a run. */
export function addRunOptions(command: Command): Command {
  command.option('--text <file>', 'UTF-8 text, split into 90 % training and 10 % validation');
  for (const [flags, help, parse] of [...DECIDING, ...FREE, ...RUNNING]) {
    const flag = flags.split(' ')[0];
    if (parse === undefined) command.option(flags, help);
    else command.option(flags, help, parse(flag) as (given: string) => string);
  }
  return command.option('--json', 'one JSON object a line instead of words');
}

/** Names of the options that were on the command line. */
export const givenNames = (command: Command): ReadonlySet<string> =>
  new Set(command.options.map((option) => option.attributeName()).filter((name) => command.getOptionValueSource(name) === 'cli'));

const freeOptions = (values: RunValues, batch: number): Partial<TrainOptions> => ({
  ...(values.microBatch === undefined ? {} : { microBatch: values.microBatch }),
  threads: values.threads ?? defaultThreads(values.microBatch ?? batch),
  ...(values.verify === false ? { verify: false } : {}),
  ...(values.memoryLimit === undefined ? {} : { memoryLimit: values.memoryLimit }),
});

/** The library's options. Throws UsageError naming flags. */
export function trainOptions(values: RunValues, vocabulary: number): CheckedOptions {
  const { layers, channels, heads, context, batch, steps } = { ...DEFAULTS, ...dropUndefined(values) };
  const model = { vocabulary, layers, channels, heads, context, mlpRatio: values.mlpRatio, bias: values.bias, tied: values.untied === true ? false : undefined };
  const { seed, learningRate, warmup, decay, weightDecay, clip, reversible, gammaShift, fractionBits } = values;
  const options = { model, batch, steps, seed, learningRate, warmup, decay, weightDecay, clip, reversible, gammaShift, fractionBits, ...freeOptions(values, batch) };
  return asFlags(RUN_NAMES, () => checkTrainOptions(options));
}

const dropUndefined = <T extends object>(values: T): Partial<T> =>
  Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as Partial<T>;

/** What a checkpoint says of an option that decides bits. */
function savedValue(name: string, options: CheckedOptions, vocabulary: VocabularyKind): unknown {
  if (name === 'vocabulary') return vocabulary;
  if (name === 'untied') return !options.model.tied;
  return name in options.model ? options.model[name as 'layers'] : options[name as 'steps'];
}

/** The options of a resumed run: the checkpoint's, with those that change no bit as given now. Throws UsageError naming every
 *  given option that differs from the checkpoint's. */
export function resumedOptions(saved: CheckedOptions, vocabulary: VocabularyKind, values: RunValues, given: ReadonlySet<string>): CheckedOptions {
  const differing = DECIDING.map(nameOf).filter((name) => given.has(name) && values[name as keyof RunValues] !== savedValue(name, saved, vocabulary));
  if (differing.length > 0) {
    const both = differing.map((name) => `${flagOf(name)} is ${String(values[name as keyof RunValues])} (checkpoint: ${String(savedValue(name, saved, vocabulary))})`);
    throw new UsageError(`${both.join(', ')}, expected the checkpoint's`, 'leave them out: a resumed run has its options from the checkpoint');
  }
  return asFlags(RUN_NAMES, () => checkTrainOptions({ ...saved, ...freeOptions(values, saved.microBatch) }));
}

/** Throws UsageError for options that only make sense together. */
export function checkTogether(values: RunValues): void {
  const isSaving = values.out !== undefined || values.resume !== undefined;
  if (values.text === undefined) throw new UsageError('--text is missing, expected a text file to train on', 'for instance --text input.txt');
  if (values.saveEvery !== undefined && !isSaving) throw new UsageError(`--save-every is ${values.saveEvery}, but there is no directory to save in, expected --out DIR too`);
  if (values.exportFloat32 === true && !isSaving) throw new UsageError('--export-float32 is given, but there is no directory to save in, expected --out DIR too');
  for (const flag of ['out', 'resume'] as const) if (values[flag] === '') throw new UsageError(`--${flag} is ${quote('')}, expected a directory`);
}
