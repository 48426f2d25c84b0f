// retrograd train: checks everything that can be checked before the first step, trains, saves, reports. Of any kind of model.

import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { asFlags, quote } from './argv.ts';
import { BEST_FILE, Best } from './best.ts';
import { type DataPaths, pathsOf, recordedPaths } from './data-paths.ts';
import { FLOAT32_FILE, checkpointPath, directoryOf, holdsCheckpoint, isCheckpointFile, prepareDirectory } from './files.ts';
import { bytes, count } from './format.ts';
import { Interrupts } from './interrupts.ts';
import type { RunData } from './kinds/kind.ts';
import type { SomeKind } from './kinds/kinds.ts';
import { type AnyModel, type CheckedOptions, UsageError } from './library.ts';
import { runLoop, validate } from './loop.ts';
import { type RunValues, checkTogether, continueWords, dataWords, resumedOptions, runNames } from './options.ts';
import { checkExpected } from './expect.ts';
import { goOnWithoutOutput } from './output.ts';
import { doneEvent, humanReport } from './report.ts';
import { commandLine, pathWord } from './shell.ts';
import { RunLog } from './log.ts';
import { type Reporter, chooseReporter, logged, print, printJson } from './reporters.ts';
import { validationsOf } from './validation.ts';
import { checkSavable, createTrainer, openRun, restoreTrainer, saveRun } from './run.ts';
import type { AnyTrainer, Task, Validation } from './tasks/task.ts';

/** A run about to begin or to go on: nothing is written yet. */
interface Prepared {
  kind: SomeKind;
  trainer: AnyTrainer;
  task: Task;
  data: RunData<unknown>;
  /** Step at which this command ends. */
  until: number;
  /** Where the data are. */
  paths: DataPaths | undefined;
  /** Where to save, if anywhere. */
  directory: string | undefined;
}

type Begun = Pick<Prepared, 'trainer' | 'data'>;

/** Data and options of a new run. */
async function prepareNew(kind: SomeKind, values: RunValues): Promise<Begun> {
  kind.options(values); // whatever is wrong with the options is said before the data are read
  const data = await kind.read(values), options = kind.options(values, data);
  checkFits(kind, options, values);
  return { trainer: createTrainer(kind, options), data };
}

/** Data and options of a run that goes on: the data must be those that it began with. */
async function prepareResumed(kind: SomeKind, values: RunValues, directory: string, given: ReadonlySet<string>): Promise<Begun> {
  const run = await openRun(directory, kind), settings = kind.settings(run.known, run.options.model);
  const options = resumedOptions(kind.rows, { options: run.options, settings }, values, given, kind.check);
  if (run.step >= options.steps)
    throw new UsageError(`the run in ${quote(run.directory)} is complete: step ${run.step} of ${options.steps}, expected an unfinished one`, useHint(kind, values, directory));
  const data = await kind.read(values, run);
  checkFits(kind, options, values);
  return { trainer: restoreTrainer(kind, run, options), data };
}

/** Refuses a model that does not fit its memory or its checkpoint. */
function checkFits(kind: SomeKind, options: CheckedOptions<AnyModel>, values: RunValues): void {
  const { parameters } = asFlags(runNames(kind.rows), () => kind.plan(options));
  if (values.out !== undefined || values.resume !== undefined) checkSavable(parameters);
}

/** The command that continues a run. */
const goOn = (kind: SomeKind, values: RunValues, directory: string): string =>
  commandLine('train', kind.name, ...continueWords(kind.rows, values, directory));

/** What a complete run is good for. */
function useHint(kind: SomeKind, values: RunValues, directory: string): string {
  const use = kind.use === undefined ? '' : `, or use it with '${kind.use}'`;
  return `judge it${use}: ${commandLine('eval', pathWord(directory), ...dataWords(kind.rows, values))}`;
}

/** The directory to save in. Refuses to overwrite what another run has saved. */
function chooseDirectory(kind: SomeKind, values: RunValues): string | undefined {
  const { out, resume } = values;
  if (out === undefined && resume !== undefined && isCheckpointFile(resume))
    throw new UsageError(`--resume ${quote(resume)} is one checkpoint of a run, expected --out DIR too, a new directory`);
  if (out === undefined) return resume;
  if (resume !== undefined && resolve(out) === resolve(resume)) return out;
  if (holdsCheckpoint(out))
    throw new UsageError(`--out ${quote(out)} holds the checkpoint of a run, expected a new or empty directory`, `choose another --out, or continue that run: ${goOn(kind, values, out)}`);
  if (values.exportFloat32 === true && existsSync(join(out, FLOAT32_FILE)))
    throw new UsageError(`--out ${quote(out)} holds ${FLOAT32_FILE}, expected a new or empty directory`, 'choose another --out');
  return out;
}

/** The values with the paths of the data, which a run that goes on has in its log. */
function withData(kind: SomeKind, values: RunValues): RunValues {
  if (values.resume === undefined || pathsOf(kind.rows.data, values) !== undefined) return values;
  return { ...values, ...recordedPaths(kind.rows.data, directoryOf(values.resume)) };
}

async function prepare(kind: SomeKind, values: RunValues, given: ReadonlySet<string>): Promise<Prepared> {
  kind.checkGiven(values);
  const directory = chooseDirectory(kind, values);
  const prepared = values.resume === undefined ? await prepareNew(kind, values) : await prepareResumed(kind, values, values.resume, given);
  const { trainer } = prepared, until = values.stopAt ?? trainer.options.steps;
  if (until <= trainer.steps || until > trainer.options.steps)
    throw new UsageError(`--stop-at is ${until}, expected a step from ${trainer.steps + 1} to ${trainer.options.steps}`);
  if (directory !== undefined) prepareDirectory(directory);
  return { ...prepared, kind, task: kind.task(trainer, prepared.data, values), until, directory, paths: pathsOf(kind.rows.data, values) };
}

function announce(reporter: Reporter, { kind, trainer, data, until, paths }: Prepared): void {
  const { options, plan } = trainer;
  reporter.note(`${count(trainer.parameters)} parameters, ${data.note}`);
  reporter.note(`memory ${bytes(plan.total)}, of which states ${bytes(plan.bytes.states)} and side bits ${bytes(plan.bytes.sideBits)} (stored: ${bytes(plan.storedStatesWouldBe)})`);
  reporter.note(`steps ${count(trainer.steps + 1)} to ${count(until)} of ${count(options.steps)}, ${kind.batchNote(options)}, ${options.reversible}, seed ${options.seed}, ${options.threads === 1 ? '1 thread' : `${options.threads} threads`}`);
  reporter.plan(plan, paths);
}

/** How the run ended, if not at its last step. */
function endNote({ kind, trainer, directory, until }: Prepared, values: RunValues, isInterrupted: boolean): string | undefined {
  const { steps, options } = trainer;
  if (steps === options.steps) return undefined;
  const how = isInterrupted && steps < until ? 'interrupted' : 'stopped';
  const next = directory === undefined ? 'nothing saved: no --out was given' : `continue with: ${goOn(kind, values, directory)}`;
  return `${how} after step ${steps} of ${options.steps}; ${next}`;
}

/** Returns the exit code. */
export async function train(kind: SomeKind, given: RunValues, names: ReadonlySet<string>): Promise<number> {
  checkTogether(given);
  const values = withData(kind, given);
  const prepared = await prepare(kind, values, names);
  const { trainer, task, data, until, directory } = prepared;
  const interrupts = new Interrupts();
  const shown = chooseReporter(values.json === true, { from: trainer.steps, to: until, unit: task.unit, unitsPerStep: task.unitsPerStep });
  const log = directory === undefined ? undefined : new RunLog(directory, trainer.steps, values.resume && directoryOf(values.resume));
  const reporter = log === undefined ? shown : logged(shown, log);
  let saved: string | undefined;
  const save = async (file?: string): Promise<void> => {
    if (directory === undefined) return;
    const float32 = values.exportFloat32 === true && file === undefined;
    const path = await saveRun(trainer, { directory, file, vocabulary: kind.toJson(data.known), dataSha256: data.sha256, float32 });
    if (file === undefined) saved = path;
  };
  let best: Best | undefined;
  const judged = async ({ loss }: Validation): Promise<void> => best?.judge(trainer.steps, loss);
  if (directory !== undefined) goOnWithoutOutput(`training goes on and saves in ${quote(directory)}`);
  try {
    if (directory !== undefined && values.keepBest === true) best = await Best.open(directory, trainer.steps, () => save(BEST_FILE));
    announce(reporter, prepared);
    const { every: validateEvery, scope } = validationsOf(values, trainer.options), { saveEvery = 0 } = values;
    const history = await runLoop({ task, until, validateEvery, scope, saveEvery, save, reporter, interrupts, judged });
    await save();
    const validation = interrupts.exitCode === undefined ? await validate({ task, reporter, interrupts, judged }, history, 'final') : undefined;
    const summary = { task, history, validation, weightsSha256: await trainer.weightsSha256() };
    reporter.close();
    const note = endNote(prepared, values, interrupts.exitCode !== undefined);
    const kept = best?.step === undefined ? {} : { best: best.path, bestStep: best.step, bestValidationLoss: best.loss };
    const done = { ...doneEvent(summary), ...(saved === undefined ? {} : { checkpoint: saved }), ...kept, ...(note === undefined ? {} : { note }) };
    log?.add(done);
    if (values.json === true) printJson(done);
    else {
      print(humanReport(summary));
      if (saved !== undefined) print(`checkpoint         ${checkpointPath(directory as string)}`);
      if (best?.step !== undefined) print(`best               ${best.path} (step ${best.step}, validation loss ${best.loss.toFixed(4)})`);
      if (note !== undefined) print(`\n${note}`);
    }
    if (interrupts.exitCode === undefined) checkExpected('the weights have', summary.weightsSha256, values.expect);
    return interrupts.exitCode ?? 0;
  } finally {
    reporter.close();
    log?.close();
    interrupts.release();
    trainer.close();
  }
}
