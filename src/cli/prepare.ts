// A run before its first step: its options, its data and its directory, checked and taken. Of any
// kind of model.

import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { quote } from './argv.ts';
import { type Beginning, type DataPaths, pathsOf, recordedPaths } from './data-paths.ts';
import { directoryOf, FLOAT32_FILE, holdsCheckpoint, isCheckpointFile } from './files.ts';
import { checkFit, fitOf } from './fit.ts';
import { beginWith, openInit } from './init.ts';
import type { RunData } from './kinds/kind.ts';
import type { SomeKind } from './kinds/kinds.ts';
import { type CheckedOptions, roundsOf, type Trainer, UsageError } from './library.ts';
import { checkBetween, continueWords, dataWords, type RunValues } from './options.ts';
import { resumedOptions } from './resume.ts';
import { checkSavable, createTrainer, openRun, restoreTrainer } from './run.ts';
import { checkFree, RunDirectory } from './run-directory.ts';
import { commandLine, pathWord } from './shell.ts';
import { status } from './status.ts';
import type { Task } from './tasks/task.ts';

/** A run about to begin or to go on: nothing is written yet. */
export interface Prepared {
  kind: SomeKind;
  trainer: Trainer<never>;
  task: Task;
  data: RunData<unknown>;
  /** The weights that it began with, if not its own. */
  began: Beginning | undefined;
  /** SHA-256 of the weights that the run once began with, if they were another run's. */
  initSha256: string | undefined;
  /** Step at which this command ends. */
  until: number;
  /** Where the data are. */
  paths: DataPaths | undefined;
  /** Where to save, if anywhere. */
  home: RunDirectory | undefined;
}

type Begun = Pick<Prepared, 'trainer' | 'data' | 'began' | 'initSha256'>;

/** The data, which may take a while to read and to learn a vocabulary from. */
async function readData(
  kind: SomeKind,
  values: RunValues,
  run?: Parameters<SomeKind['read']>[1],
): Promise<RunData<unknown>> {
  if (values.json !== true) status('reading the data ...');
  try {
    return await kind.read(values, run);
  } finally {
    if (values.json !== true) status('');
  }
}

/** Data and options of a new run. */
async function prepareNew(
  kind: SomeKind,
  given: RunValues,
  names: ReadonlySet<string>,
): Promise<Begun> {
  const init = await openInit(kind, given, names);
  const values = init?.values ?? given;
  kind.options(values); // whatever is wrong with the options is said before the data are read
  const data = await readData(kind, values, init?.basis);
  const options = kind.options(values, data);
  checkFits(kind, options, values, data);
  const trainer = createTrainer(kind, options);
  if (init === undefined) return { trainer, data, began: undefined, initSha256: undefined };
  try {
    const began = beginWith(trainer, init);
    return { trainer, data, began, initSha256: began.weightsSha256 };
  } catch (error) {
    trainer.close();
    throw error;
  }
}

/** Data and options of a run that goes on: the data must be those that it began with. */
async function prepareResumed(
  kind: SomeKind,
  values: RunValues,
  directory: string,
  given: ReadonlySet<string>,
): Promise<Begun> {
  const run = await openRun(directory, kind, values.kernels);
  const more = kind.settings(run.known, run.options.model.config, values);
  const options = resumedOptions(kind.rows, { options: run.options, more }, values, given);
  if (run.step >= options.steps)
    throw new UsageError(
      `the run in ${quote(run.directory)} is complete: step ${run.step} of ${options.steps}, ` +
        'expected an unfinished one, or more --steps to extend it',
      useHint(kind, values, directory),
    );
  const data = await readData(kind, values, run);
  checkFits(kind, options, values, data);
  const trainer = restoreTrainer(kind, run, options);
  return { trainer, data, began: undefined, initSha256: run.initSha256 };
}

/** Refuses a model that does not fit its memory or its checkpoint. */
function checkFits(
  kind: SomeKind,
  options: CheckedOptions<never>,
  values: RunValues,
  data: RunData<unknown>,
): void {
  const fit = fitOf(kind, options);
  const {
    plan: { parameters },
  } = fit;
  checkFit(fit, options);
  if (values.out !== undefined || values.resume !== undefined)
    checkSavable(parameters, kind.toJson(data.known));
}

/** The command that continues a run. */
export const goOn = (kind: SomeKind, values: RunValues, directory: string): string =>
  commandLine('train', kind.name, ...continueWords(kind.rows, values, directory));

/** What a complete run is good for. */
function useHint(kind: SomeKind, values: RunValues, directory: string): string {
  const use = kind.use === undefined ? '' : `, or use it with '${kind.use}'`;
  return (
    `judge it${use}: ` +
    `${commandLine('eval', pathWord(directory), ...dataWords(kind.rows, values))}`
  );
}

/** Refuses a directory that holds what another run has saved. */
function checkDirectory(kind: SomeKind, values: RunValues): void {
  const { out, resume } = values;
  if (out === undefined && resume !== undefined && isCheckpointFile(resume))
    throw new UsageError(
      `--resume ${quote(resume)} is one checkpoint of a run, expected --out DIR too, a new ` +
        'directory',
    );
  if (out === undefined || (resume !== undefined && resolve(out) === resolve(resume))) return;
  if (holdsCheckpoint(out)) {
    checkFree(out);
    throw new UsageError(
      `--out ${quote(out)} holds the checkpoint of a run, expected a new or empty directory`,
      `choose another --out, or continue that run: ${goOn(kind, values, out)}`,
    );
  }
  if (values.exportFloat32 === true && existsSync(join(out, FLOAT32_FILE)))
    throw new UsageError(
      `--out ${quote(out)} holds ${FLOAT32_FILE}, expected a new or empty directory`,
      'choose another --out',
    );
}

/** The values with the paths of the data, which a run that goes on has in its log. */
export function withData(kind: SomeKind, values: RunValues): RunValues {
  if (values.resume === undefined || pathsOf(kind.rows.data, values) !== undefined) return values;
  return { ...values, ...recordedPaths(kind.rows.data, directoryOf(values.resume)) };
}

/** Takes the directory of a run that goes on where it is, before its checkpoint is read: another
 *  process may be about to replace it. */
function holdResumed({ out, resume }: RunValues): RunDirectory | undefined {
  const isInPlace = resume !== undefined && (out === undefined || resolve(out) === resolve(resume));
  return isInPlace && holdsCheckpoint(resume) ? RunDirectory.hold(resume, '--resume') : undefined;
}

/** Takes a new directory for a run that is about to begin. */
function holdNew(kind: SomeKind, values: RunValues, directory: string): RunDirectory {
  const home = RunDirectory.hold(directory, '--out');
  try {
    checkDirectory(kind, values); // another process may have saved there meanwhile
    return home;
  } catch (error) {
    home.release();
    throw error;
  }
}

/** Takes the directory of a run, if there is one to take and it is not `held` yet. */
function holdFor(
  { kind, trainer }: Pick<Prepared, 'kind' | 'trainer'>,
  values: RunValues,
  held: RunDirectory | undefined,
): RunDirectory | undefined {
  const directory = values.out ?? values.resume;
  try {
    return directory === undefined ? undefined : (held ?? holdNew(kind, values, directory));
  } catch (error) {
    trainer.close();
    throw error;
  }
}

/** Everything that a run needs, checked; its directory is taken. Throws UsageError. */
export async function prepare(
  kind: SomeKind,
  values: RunValues,
  given: ReadonlySet<string>,
): Promise<Prepared> {
  kind.checkGiven(values);
  checkDirectory(kind, values);
  const held = holdResumed(values);
  try {
    const begun = await begin(kind, values, given);
    return { ...begun, home: holdFor(begun, values, held) };
  } catch (error) {
    held?.release();
    throw error;
  }
}

async function begin(
  kind: SomeKind,
  values: RunValues,
  given: ReadonlySet<string>,
): Promise<Omit<Prepared, 'home'>> {
  const prepared =
    values.resume === undefined
      ? await prepareNew(kind, values, given)
      : await prepareResumed(kind, values, values.resume, given);
  const { trainer } = prepared;
  const until = values.stopAt ?? trainer.options.steps;
  if (until <= trainer.steps || until > trainer.options.steps)
    throw new UsageError(
      `--stop-at is ${until}, expected a step from ${trainer.steps + 1} to ` +
        `${trainer.options.steps}`,
    );
  checkBetween(values, roundsOf(trainer.options));
  return {
    ...prepared,
    kind,
    task: kind.task(trainer, prepared.data, values),
    until,
    paths: pathsOf(kind.rows.data, values),
  };
}
