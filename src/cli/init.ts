// A run that begins with the weights of another (--init): what it has from it, and what anew.

import { resolve } from 'node:path';
import { quote } from './argv.ts';
import type { Beginning } from './data-paths.ts';
import { checkpointPath } from './files.ts';
import { weightsSha256 } from './inspect.ts';
import type { SavedRun } from './kinds/kind.ts';
import type { SomeKind } from './kinds/kinds.ts';
import {
  CheckpointError,
  type ImportedFormats,
  loadWeights,
  type Trainer,
  UsageError,
} from './library.ts';
import { type RunValues, refuseDiffering } from './options.ts';
import { merged, openRun } from './run.ts';
import { settingsOf } from './settings.ts';
import { commandLine, pathWord } from './shell.ts';

/** The run that --init names, and the values of the one that begins with its weights. */
export interface Init {
  run: Pick<SavedRun, 'directory' | 'options' | 'tensors' | 'step'>;
  basis: Parameters<SomeKind['read']>[1];
  values: RunValues;
}

/** Options that say what the weights are of: they are those of the run. */
const SHAPE = [
  'vocabulary',
  'tokenizer',
  'vocabularySize',
  'layers',
  'channels',
  'heads',
  'context',
  'mlpRatio',
  'bias',
  'untied',
  'patch',
];
/** The update rule and the format of the state: those that the weights have learned with, unless
 *  another rule is given. */
const RULE = ['reversible', 'gammaShift', 'momentum', 'randomMomentum', 'fractionBits'];

/** The format of products' operands, unless one is given. */
const OPERANDS = ['operands', 'operandsOn'];

/** What the configuration of an imported model has more. */
interface Imported {
  readonly formats?: ImportedFormats;
  readonly headBias?: boolean;
}

/** Opens the run of --init. Throws UsageError for an option that its weights do not fit. */
export async function openInit(
  kind: SomeKind,
  values: RunValues,
  given: ReadonlySet<string>,
): Promise<Init | undefined> {
  if (values.init === undefined) return undefined;
  const run = await openRun(values.init, kind);
  const settings = settingsOf(run.options);
  const more = kind.settings(run.known, run.options.model.config, values);
  const before = { ...settings, ...settings.model, ...more } as Record<string, unknown>;
  const shape = SHAPE.filter((name) => before[name] !== undefined);
  const hint = 'leave them out: its weights are of a model of that shape';
  refuseDiffering(shape, before, values, given, hint);
  const rule = RULE.filter((name) => !given.has(name) && !given.has('reversible'));
  const operands = given.has('operands') ? [] : OPERANDS;
  const taken = [...shape, ...rule, ...operands].map((name) => [name, before[name]]);
  const { formats, headBias } = run.options.model.config as Imported;
  taken.push(['formats', formats], ['headBias', headBias]);
  const basis = { ...run, dataSha256: undefined };
  return {
    run: run as unknown as SavedRun,
    basis,
    values: { ...values, ...Object.fromEntries(taken) },
  };
}

/** Brings the weights of the run of --init into a new trainer. Throws CheckpointError naming the
 *  file if they do not fit. */
export function beginWith(
  trainer: Trainer<never>,
  { run, values }: Pick<Init, 'run' | 'values'>,
): Beginning {
  const { directory, tensors, step } = run;
  try {
    loadWeights(trainer, merged(run).tensors, { fresh: values.fresh });
  } catch (error) {
    if (error instanceof UsageError)
      throw new UsageError(
        `--${error.message.split('. HINT: ')[0]}`,
        `all names: ${commandLine('inspect', pathWord(directory), '--tensors')}`,
      );
    if (!(error instanceof CheckpointError)) throw error;
    throw new CheckpointError(
      `${quote(checkpointPath(directory))}: ${error.message}`,
      error.hint ?? 'weights that are to begin anew can be named with --fresh',
    );
  }
  return { run: resolve(directory), step, weightsSha256: weightsSha256(tensors) };
}
