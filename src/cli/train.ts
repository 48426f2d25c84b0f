// retrograd train: checks everything that can be checked before the first step, trains, saves,
// reports. Of any kind of model.

import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { oneLine, quote } from './argv.ts';
import { BEST_FILE, Best } from './best.ts';
import { type DataPaths, pathsOf, recordedPaths } from './data-paths.ts';
import { checkExpected } from './expect.ts';
import {
  checkpointPath,
  directoryOf,
  FLOAT32_FILE,
  holdsCheckpoint,
  isCheckpointFile,
} from './files.ts';
import { checkFit, fitOf } from './fit.ts';
import { bytes, count } from './format.ts';
import { Interrupts } from './interrupts.ts';
import type { RunData } from './kinds/kind.ts';
import type { SomeKind } from './kinds/kinds.ts';
import {
  type CheckedOptions,
  OverflowError,
  ReconstructionError,
  RetrogradError,
  type Trainer,
  UsageError,
} from './library.ts';
import { logPath, RunLog } from './log.ts';
import { runLoop, validate } from './loop.ts';
import {
  checkTogether,
  continueWords,
  dataWords,
  type RunValues,
  resumedOptions,
} from './options.ts';
import { goOnWithoutOutput } from './output.ts';
import { doneEvent, humanReport } from './report.ts';
import {
  chooseReporter,
  logged,
  print,
  printJson,
  printWhole,
  type Reporter,
  status,
} from './reporters.ts';
import { checkSavable, createTrainer, encodeRun, openRun, restoreTrainer } from './run.ts';
import { checkFree, RunDirectory } from './run-directory.ts';
import { RunSaver } from './run-saver.ts';
import { moveHint, type Rescue, wordsOf } from './saving.ts';
import { settingsOf } from './settings.ts';
import { commandLine, pathWord } from './shell.ts';
import type { Task, Validation } from './tasks/task.ts';
import { allThreadsUp, threadsText } from './threads.ts';
import { validationsOf } from './validation.ts';

/** A run about to begin or to go on: nothing is written yet. */
interface Prepared {
  kind: SomeKind;
  trainer: Trainer<never>;
  task: Task;
  data: RunData<unknown>;
  /** Step at which this command ends. */
  until: number;
  /** Where the data are. */
  paths: DataPaths | undefined;
  /** Where to save, if anywhere. */
  home: RunDirectory | undefined;
}

type Begun = Pick<Prepared, 'trainer' | 'data'>;

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
async function prepareNew(kind: SomeKind, values: RunValues): Promise<Begun> {
  kind.options(values); // whatever is wrong with the options is said before the data are read
  const data = await readData(kind, values);
  const options = kind.options(values, data);
  checkFits(kind, options, values, data);
  return { trainer: createTrainer(kind, options), data };
}

/** Data and options of a run that goes on: the data must be those that it began with. */
async function prepareResumed(
  kind: SomeKind,
  values: RunValues,
  directory: string,
  given: ReadonlySet<string>,
): Promise<Begun> {
  const run = await openRun(directory, kind);
  const more = kind.settings(run.known, run.options.model.config);
  const options = resumedOptions(kind.rows, { options: run.options, more }, values, given);
  if (run.step >= options.steps)
    throw new UsageError(
      `the run in ${quote(run.directory)} is complete: step ${run.step} of ${options.steps}, ` +
        'expected an unfinished one',
      useHint(kind, values, directory),
    );
  const data = await readData(kind, values, run);
  checkFits(kind, options, values, data);
  return { trainer: restoreTrainer(kind, run, options), data };
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
const goOn = (kind: SomeKind, values: RunValues, directory: string): string =>
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
function withData(kind: SomeKind, values: RunValues): RunValues {
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

async function prepare(
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
      ? await prepareNew(kind, values)
      : await prepareResumed(kind, values, values.resume, given);
  const { trainer } = prepared;
  const until = values.stopAt ?? trainer.options.steps;
  if (until <= trainer.steps || until > trainer.options.steps)
    throw new UsageError(
      `--stop-at is ${until}, expected a step from ${trainer.steps + 1} to ` +
        `${trainer.options.steps}`,
    );
  return {
    ...prepared,
    kind,
    task: kind.task(trainer, prepared.data, values),
    until,
    paths: pathsOf(kind.rows.data, values),
  };
}

function announce(reporter: Reporter, { kind, trainer, data, until, paths }: Prepared): void {
  const { options, plan } = trainer;
  reporter.note(`${count(trainer.parameters)} parameters, ${data.note}`);
  reporter.note(
    `memory ${bytes(plan.total)}, of which states ${bytes(plan.bytes.states)} and side bits ` +
      `${bytes(plan.bytes.sideBits)} (stored: ${bytes(plan.storedStatesWouldBe)})`,
  );
  reporter.note(
    `steps ${count(trainer.steps + 1)} to ${count(until)} of ${count(options.steps)}, ` +
      `${kind.batchNote(options)}, ${settingsOf(options).reversible}, seed ${options.seed}, ` +
      `${threadsText(trainer)}`,
  );
  reporter.plan(plan, paths);
}

/** How a run ended before its last step, and the command that continues it. */
interface End {
  said: string;
  command?: string;
}

/** Undefined if it ended at its last step. */
function endOf(
  { kind, trainer, until }: Prepared,
  values: RunValues,
  directory: string | undefined,
  isInterrupted: boolean,
): End | undefined {
  const { steps, options } = trainer;
  if (steps === options.steps) return undefined;
  const how = isInterrupted && steps < until ? 'interrupted' : 'stopped';
  const said = `${how} after step ${steps} of ${options.steps}`;
  if (directory === undefined) return { said: `${said}; nothing saved: no --out was given` };
  return { said: `${said}; continue with:`, command: goOn(kind, values, directory) };
}

/** A command has a line of its own, which is not broken. */
function printEnd({ said, command }: End): void {
  print(`\n${said}`);
  if (command !== undefined) printWhole(command);
}

/** How saves of a run are made; undefined if there is nowhere to save. */
function saverOf({ kind, trainer, data, home }: Prepared, values: RunValues): RunSaver | undefined {
  if (home === undefined) return undefined;
  const vocabulary = kind.toJson(data.known);
  const float32 = values.exportFloat32 === true;
  const settings = { vocabulary, dataSha256: data.sha256, float32 };
  return new RunSaver(home, (name) => encodeRun(trainer, settings, name));
}

/** A step that leaves the range of its numbers has touched no weight: those before it are saved. */
async function saveBeforeFailure(
  error: unknown,
  saver: RunSaver | undefined,
  reporter: Reporter,
  steps: number,
): Promise<never> {
  const isWhole = error instanceof OverflowError || error instanceof ReconstructionError;
  if (isWhole && saver !== undefined && steps > 0) {
    await saver.atEnd();
    reporter.note(`the run is saved as it was after step ${steps}, in ${quote(saver.directory)}`);
  }
  throw error;
}

/** What to say when the last save is not where it belongs. */
function rescued(
  rescue: Rescue,
  { kind, trainer, home }: Prepared,
  values: RunValues,
): RetrogradError {
  const { directory, error } = rescue;
  const isComplete = trainer.steps === trainer.options.steps;
  const hint = isComplete
    ? moveHint(rescue, home?.path ?? '.')
    : `continue with: ${goOn(kind, values, directory)}`;
  return new RetrogradError(
    `${wordsOf(error)}; saved in ${quote(directory)} instead, which the system may empty`,
    hint,
  );
}

/** Returns the exit code. */
export async function train(
  kind: SomeKind,
  given: RunValues,
  names: ReadonlySet<string>,
): Promise<number> {
  checkTogether(given);
  const values = withData(kind, given);
  const prepared = await prepare(kind, values, names);
  const { trainer, task, until, home } = prepared;
  const from = trainer.steps;
  const interrupts = new Interrupts();
  const saver = saverOf(prepared, values);
  const shown = chooseReporter(values.json === true, {
    from,
    to: until,
    unit: task.unit,
    unitsPerStep: task.unitsPerStep,
  });
  const log =
    home === undefined
      ? undefined
      : new RunLog(home.path, from, values.resume && directoryOf(values.resume));
  const reporter = log === undefined ? shown : logged(shown, log);
  const save = async (): Promise<void> => {
    const error = await saver?.onTheWay();
    if (error !== undefined)
      reporter.warning(`${wordsOf(error)}; training goes on, the next save tries again`);
  };
  let best: Best | undefined;
  const judged = async ({ loss }: Validation): Promise<void> => best?.judge(trainer.steps, loss);
  if (home !== undefined) goOnWithoutOutput(`training goes on and saves in ${quote(home.path)}`);
  try {
    if (saver !== undefined && values.keepBest === true)
      best = await Best.open(saver.directory, from, () => saver.writeAs(BEST_FILE));
    await allThreadsUp(trainer);
    announce(reporter, prepared);
    const { every: validateEvery, scope } = validationsOf(values, trainer.options);
    const { saveEvery = 0 } = values;
    const history = await runLoop({
      task,
      until,
      validateEvery,
      scope,
      saveEvery,
      save,
      reporter,
      interrupts,
      judged,
    }).catch((error: unknown) => saveBeforeFailure(error, saver, reporter, trainer.steps - from));
    await saver?.atEnd();
    const validation =
      interrupts.exitCode === undefined
        ? await validate({ task, reporter, interrupts, judged }, history, 'final')
        : undefined;
    const summary = { task, history, validation, weightsSha256: await trainer.weightsSha256() };
    reporter.close();
    const end = endOf(prepared, values, saver?.directory, interrupts.exitCode !== undefined);
    const note = end && [end.said, end.command ?? []].flat().join(' ');
    const kept =
      best?.step === undefined
        ? {}
        : { best: best.path, bestStep: best.step, bestValidationLoss: best.loss };
    const checkpoint = saver === undefined ? undefined : checkpointPath(saver.directory);
    const done = {
      ...doneEvent(summary),
      ...(checkpoint === undefined ? {} : { checkpoint }),
      ...kept,
      ...(note === undefined ? {} : { note }),
    };
    log?.add(done);
    if (values.json === true) printJson(done);
    else {
      print(humanReport(summary));
      if (checkpoint !== undefined) print(`\ncheckpoint  ${oneLine(checkpoint)}`);
      if (best?.step !== undefined)
        print(
          `best        ${oneLine(best.path)} (step ${best.step}, validation loss ` +
            `${best.loss.toFixed(4)})`,
        );
      if (home !== undefined) print(`log         ${oneLine(logPath(home.path))}`);
      if (end !== undefined) printEnd(end);
    }
    if (saver?.rescue !== undefined) throw rescued(saver.rescue, prepared, values);
    if (interrupts.exitCode === undefined)
      checkExpected('the weights have', summary.weightsSha256, values.expect);
    return interrupts.exitCode ?? 0;
  } finally {
    reporter.close();
    log?.close();
    interrupts.release();
    trainer.close();
    home?.release();
  }
}
