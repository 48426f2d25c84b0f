// retrograd train gpt: checks everything that can be checked before the first step, trains, saves, reports.

import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { quote } from './argv.ts';
import { FLOAT32_FILE, checkpointPath, holdsCheckpoint, prepareDirectory, readTextFile } from './files.ts';
import { bytes, count } from './format.ts';
import { Interrupts } from './interrupts.ts';
import { type CheckedOptions, type GptTrainer, type TextData, UsageError, planGpt, readText, sha256Hex } from './library.ts';
import { runLoop, validate } from './loop.ts';
import { RUN_NAMES, type RunValues, checkTogether, resumedOptions, trainOptions } from './options.ts';
import { asFlags } from './argv.ts';
import { doneEvent, humanReport } from './report.ts';
import { type Reporter, chooseReporter, print, printJson } from './reporters.ts';
import { type SavedRun, checkSavable, createTrainer, openRun, restoreTrainer, saveRun } from './run.ts';

/** A run about to begin or to go on: nothing is written yet. */
interface Prepared {
  trainer: GptTrainer;
  data: TextData;
  dataSha256: string;
  /** Step at which this command ends. */
  until: number;
  /** Where to save, if anywhere. */
  directory: string | undefined;
}

const describeText = (path: string): string => `text ${quote(path)}`;

/** Text and options of a new run. */
async function prepareNew(values: RunValues, path: string): Promise<Omit<Prepared, 'until' | 'directory'>> {
  const { model: { context } } = trainOptions(values, 256); // whatever is wrong with the options is said before the text is read
  const file = readTextFile(path);
  const data = readText(file, { context, vocabulary: values.vocabulary, what: describeText(path) });
  const options = trainOptions(values, data.vocabulary.size);
  checkFits(options, values);
  return { trainer: createTrainer(options), data, dataSha256: await sha256Hex(file) };
}

/** Text and options of a run that goes on: the text must be the one that it began with. */
async function prepareResumed(values: RunValues, path: string, run: SavedRun, given: ReadonlySet<string>): Promise<Omit<Prepared, 'until' | 'directory'>> {
  const options = resumedOptions(run.options, run.characters.kind, values, given);
  if (run.step >= options.steps)
    throw new UsageError(`the run in ${quote(run.directory)} is complete: step ${run.step} of ${options.steps}, expected an unfinished one`, `use it with 'retrograd eval' or 'retrograd sample'`);
  const file = readTextFile(path), dataSha256 = await sha256Hex(file);
  if (dataSha256 !== run.dataSha256)
    throw new UsageError(`${describeText(path)} has SHA-256 ${dataSha256}, expected ${run.dataSha256}, the text that the run began with`, 'give the same file');
  const data = readText(file, { context: options.model.context, vocabulary: run.characters, what: describeText(path) });
  checkFits(options, values);
  return { trainer: restoreTrainer(run, options), data, dataSha256 };
}

/** Refuses a model that does not fit its memory or its checkpoint. */
function checkFits(options: CheckedOptions, values: RunValues): void {
  const { parameters } = asFlags(RUN_NAMES, () => planGpt(options));
  if (values.out !== undefined || values.resume !== undefined) checkSavable(parameters);
}

/** The directory to save in. Refuses to overwrite what another run has saved. */
function chooseDirectory(values: RunValues): string | undefined {
  const { out, resume } = values;
  if (out === undefined) return resume;
  if (resume !== undefined && resolve(out) === resolve(resume)) return out;
  if (holdsCheckpoint(out))
    throw new UsageError(`--out ${quote(out)} holds the checkpoint of a run, expected a new or empty directory`, `continue that run with --resume ${out}, or choose another --out`);
  if (values.exportFloat32 === true && existsSync(join(out, FLOAT32_FILE)))
    throw new UsageError(`--out ${quote(out)} holds ${FLOAT32_FILE}, expected a new or empty directory`, 'choose another --out');
  return out;
}

async function prepare(values: RunValues, given: ReadonlySet<string>): Promise<Prepared> {
  checkTogether(values);
  const path = values.text as string;
  const directory = chooseDirectory(values);
  const prepared = values.resume === undefined ? await prepareNew(values, path) : await prepareResumed(values, path, await openRun(values.resume), given);
  const { trainer } = prepared, until = values.stopAt ?? trainer.options.steps;
  if (until <= trainer.steps || until > trainer.options.steps)
    throw new UsageError(`--stop-at is ${until}, expected a step from ${trainer.steps + 1} to ${trainer.options.steps}`);
  if (directory !== undefined) prepareDirectory(directory);
  return { ...prepared, until, directory };
}

function announce(reporter: Reporter, { trainer, data, until }: Prepared): void {
  const { options, plan } = trainer;
  reporter.note(`${count(trainer.parameters)} parameters, vocabulary ${data.vocabulary.size}, text of ${count(data.train.length)} + ${count(data.validation.length)} tokens`);
  reporter.note(`memory ${bytes(plan.total)}, of which states ${bytes(plan.bytes.states)} and side bits ${bytes(plan.bytes.sideBits)} (stored: ${bytes(plan.storedStatesWouldBe)})`);
  reporter.note(`steps ${count(trainer.steps + 1)} to ${count(until)} of ${count(options.steps)}, batch ${options.batch} of ${options.model.context} tokens, ${options.reversible}, seed ${options.seed}, ${options.threads === 1 ? '1 thread' : `${options.threads} threads`}`);
  reporter.plan(plan);
}

/** How the run ended, if not at its last step. */
function endNote({ trainer, directory, until }: Prepared, isInterrupted: boolean): string | undefined {
  const { steps, options } = trainer;
  if (steps === options.steps) return undefined;
  const how = isInterrupted && steps < until ? 'interrupted' : 'stopped';
  const next = directory === undefined ? 'nothing saved: no --out was given' : `continue with --resume ${directory}`;
  return `${how} after step ${steps} of ${options.steps}; ${next}`;
}

/** Returns the exit code. */
export async function trainGpt(values: RunValues, given: ReadonlySet<string>): Promise<number> {
  const prepared = await prepare(values, given);
  const { trainer, data, dataSha256, until, directory } = prepared;
  const { batch, model } = trainer.options;
  const interrupts = new Interrupts();
  const reporter = chooseReporter(values.json === true, { from: trainer.steps, to: until, tokensPerStep: batch * model.context });
  let saved: string | undefined;
  const save = async (): Promise<void> => {
    if (directory !== undefined) saved = await saveRun(trainer, { directory, characters: data.vocabulary, dataSha256, float32: values.exportFloat32 === true });
  };
  try {
    announce(reporter, prepared);
    const history = await runLoop({ trainer, data, until, validateEvery: values.validateEvery ?? 0, saveEvery: values.saveEvery ?? 0, save, reporter, interrupts });
    await save();
    const validationLoss = interrupts.exitCode === undefined ? await validate({ trainer, data, reporter, interrupts }, history) : undefined;
    const summary = { trainer, history, validationLoss, weightsSha256: await trainer.weightsSha256() };
    reporter.close();
    const note = endNote(prepared, interrupts.exitCode !== undefined);
    if (values.json === true) {
      printJson({ ...doneEvent(summary), ...(saved === undefined ? {} : { checkpoint: saved }), ...(note === undefined ? {} : { note }) });
    } else {
      print(humanReport(summary));
      if (saved !== undefined) print(`checkpoint         ${checkpointPath(directory as string)}`);
      if (note !== undefined) print(`\n${note}`);
    }
    return interrupts.exitCode ?? 0;
  } finally {
    reporter.close();
    interrupts.release();
    trainer.close();
  }
}
