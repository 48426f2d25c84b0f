// retrograd train: checks everything that can be checked before the first step, trains, saves,
// reports. Of any kind of model.

import { oneLine, quote } from './argv.ts';
import { BEST_FILE, Best } from './best.ts';
import { DividedRun, dividedValues, forgetTry, isDivided } from './distributed/coordinate.ts';
import { checkExpected } from './expect.ts';
import { checkpointPath, directoryOf } from './files.ts';
import { bytes, count } from './format.ts';
import { Interrupts } from './interrupts.ts';
import type { SomeKind } from './kinds/kinds.ts';
import {
  OverflowError,
  ReconstructionError,
  RetrogradError,
  roundsOf,
  type StepReport,
} from './library.ts';
import { logPath, RunLog } from './log.ts';
import { runLoop, validate } from './loop.ts';
import { checkTogether, type RunValues } from './options.ts';
import { goOnWithoutOutput } from './output.ts';
import { goOn, type Prepared, prepare, withData } from './prepare.ts';
import { RunReceipt } from './receipt/run-receipt.ts';
import { doneEvent, humanReport, type RunSummary } from './report.ts';
import {
  chooseReporter,
  logged,
  print,
  printJson,
  printWhole,
  type Reporter,
} from './reporters.ts';
import { encodeRun } from './run.ts';
import { RunSaver } from './run-saver.ts';
import { moveHint, type Rescue, wordsOf } from './saving.ts';
import { settingsOf } from './settings.ts';
import type { Validation } from './tasks/task.ts';
import { allThreadsUp, threadsText } from './threads.ts';
import { validationsOf } from './validation.ts';

function announce(reporter: Reporter, prepared: Prepared): void {
  const { kind, trainer, data, until, paths, began } = prepared;
  const { options, plan, kernels } = trainer;
  const trained = plan.bytes.gradients / 8;
  const some = trained < trainer.parameters ? `, ${count(trained)} of them trained` : '';
  reporter.note(`${count(trainer.parameters)} parameters${some}, ${data.note}`);
  reporter.note(
    `memory ${bytes(plan.total)}, of which states ${bytes(plan.bytes.states)} and side bits ` +
      `${bytes(plan.bytes.sideBits)} (stored: ${bytes(plan.storedStatesWouldBe)})`,
  );
  reporter.note(
    `steps ${count(trainer.steps + 1)} to ${count(until)} of ${count(options.steps)}, ` +
      `${kind.batchNote(options)}, ${settingsOf(options).reversible}, seed ${options.seed}, ` +
      `${threadsText(trainer)}`,
  );
  const rounds = roundsOf(options);
  if (rounds !== undefined)
    reporter.note(`rounds of ${rounds.steps} steps of each of ${rounds.shards} shards`);
  reporter.note(`products ${kernels}`);
  if (began !== undefined)
    reporter.note(
      `begins with the weights of ${quote(began.run)} after step ${count(began.step)}, SHA-256 ` +
        began.weightsSha256,
    );
  reporter.plan(plan, { kernels, data: paths, init: began });
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
function saverOf(
  { kind, trainer, data, home, initSha256 }: Prepared,
  values: RunValues,
  receipt: RunReceipt | undefined,
): RunSaver | undefined {
  if (home === undefined) return undefined;
  const vocabulary = kind.toJson(data.known);
  const float32 = values.exportFloat32 === true;
  const settings = { vocabulary, dataSha256: data.sha256, initSha256, float32 };
  return new RunSaver(home, async (name) => {
    await receipt?.settled();
    return encodeRun(trainer, settings, name);
  });
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

/** A run on its way. */
interface Run extends Prepared {
  values: RunValues;
  /** Steps done before. */
  from: number;
  interrupts: Interrupts;
  saver: RunSaver | undefined;
  receipt: RunReceipt | undefined;
  log: RunLog | undefined;
  reporter: Reporter;
  /** With --server or --workers: who computes the steps. */
  divided?: DividedRun | undefined;
}

function begin(prepared: Prepared, values: RunValues, receipt: RunReceipt | undefined): Run {
  const { trainer, task, until, home } = prepared;
  const from = trainer.steps;
  const interrupts = new Interrupts();
  const saver = saverOf(prepared, values, receipt);
  const { unit, unitsPerStep } = task;
  const shown = chooseReporter(values.json === true, { from, to: until, unit, unitsPerStep });
  const run = { ...prepared, values, from, interrupts, saver, receipt };
  if (home === undefined) return { ...run, log: undefined, reporter: shown };
  const log = new RunLog(home.path, from, values.resume && directoryOf(values.resume));
  return { ...run, log, reporter: logged(shown, log) };
}

/** With --receipt: what writes it. */
async function receiptOf(
  prepared: Prepared,
  values: RunValues,
  given: RunValues,
): Promise<RunReceipt | undefined> {
  if (values.receipt === undefined) return undefined;
  try {
    if (prepared.home !== undefined) forgetTry(given, prepared.home.path);
    return await RunReceipt.open(values.receipt, prepared, values);
  } catch (error) {
    prepared.trainer.close();
    prepared.home?.release();
    throw error;
  }
}

/** With --keep-best: what keeps the best checkpoint. */
async function bestOf({ values, saver, from }: Run): Promise<Best | undefined> {
  if (saver === undefined || values.keepBest !== true) return undefined;
  return Best.open(saver.directory, from, () => saver.writeAs(BEST_FILE));
}

/** Trains, saves and judges. */
async function learn(run: Run, best: Best | undefined): Promise<RunSummary> {
  const { values, trainer, task, until, from, interrupts, saver, receipt, reporter } = run;
  const { divided } = run;
  const judged = async ({ loss }: Validation): Promise<void> => best?.judge(trainer.steps, loss);
  const save = async (): Promise<void> => {
    const error = await saver?.onTheWay(values.keepStates === true ? trainer.steps : undefined);
    if (error !== undefined)
      reporter.warning(`${wordsOf(error)}; training goes on, the next save tries again`);
  };
  const { every: validateEvery, scope } = validationsOf(
    values,
    trainer.options,
    roundsOf(trainer.options)?.steps,
  );
  const { saveEvery = 0 } = values;
  const judging = { task, reporter, interrupts, judged };
  const record = receipt && ((report: StepReport) => receipt.record(report));
  const step = divided && (() => divided.step(task, interrupts, reporter));
  const saving = { saveEvery, save, record, step };
  const history = await runLoop({ ...judging, until, validateEvery, scope, ...saving }).catch(
    (error: unknown) => saveBeforeFailure(error, saver, reporter, trainer.steps - from),
  );
  await saver?.atEnd();
  const isWhole = interrupts.exitCode === undefined;
  const validation = isWhole ? await validate(judging, history, 'final') : undefined;
  return { task, history, validation, weightsSha256: await trainer.weightsSha256() };
}

/** With --server or --workers: lets others compute the steps. */
async function divide(run: Run): Promise<void> {
  const { values, receipt, reporter } = run;
  if (!isDivided(values) || receipt === undefined) return;
  const divided = await DividedRun.open(run, values, receipt, reporter);
  run.divided = divided;
  receipt.onLine = (step, line) => divided.append(step, line);
}

/** The last event. */
function doneOf({ saver }: Run, summary: RunSummary, best: Best | undefined, end?: End): object {
  const kept =
    best?.step === undefined
      ? {}
      : { best: best.path, bestStep: best.step, bestValidationLoss: best.loss };
  return {
    ...doneEvent(summary),
    ...(saver === undefined ? {} : { checkpoint: checkpointPath(saver.directory) }),
    ...kept,
    ...(end === undefined ? {} : { note: [end.said, end.command ?? []].flat().join(' ') }),
  };
}

/** The report for people, and where things are. */
function printReport(
  { saver, home, receipt }: Run,
  summary: RunSummary,
  best: Best | undefined,
  end: End | undefined,
): void {
  print(humanReport(summary));
  if (saver !== undefined) print(`\ncheckpoint  ${oneLine(checkpointPath(saver.directory))}`);
  if (best?.step !== undefined)
    print(
      `best        ${oneLine(best.path)} (step ${best.step}, validation loss ` +
        `${best.loss.toFixed(4)})`,
    );
  if (home !== undefined) print(`log         ${oneLine(logPath(home.path))}`);
  if (receipt !== undefined) print(`receipt     ${oneLine(receipt.path)}`);
  if (end !== undefined) printEnd(end);
}

/** Says how it ended; returns the exit code. */
function conclude(run: Run, summary: RunSummary, best: Best | undefined): number {
  const { values, saver, interrupts, log } = run;
  const end = endOf(run, values, saver?.directory, interrupts.exitCode !== undefined);
  const done = doneOf(run, summary, best, end);
  log?.add(done);
  if (values.json === true) printJson(done);
  else printReport(run, summary, best, end);
  if (saver?.rescue !== undefined) throw rescued(saver.rescue, run, values);
  if (interrupts.exitCode === undefined)
    checkExpected('the weights have', summary.weightsSha256, values.expect);
  return interrupts.exitCode ?? 0;
}

/** Returns the exit code. */
export async function train(
  kind: SomeKind,
  given: RunValues,
  names: ReadonlySet<string>,
): Promise<number> {
  checkTogether(given);
  const values = dividedValues(withData(kind, given));
  const prepared = await prepare(kind, values, names);
  const { trainer, home } = prepared;
  const receipt = await receiptOf(prepared, values, given);
  const run = begin(prepared, values, receipt);
  if (home !== undefined) goOnWithoutOutput(`training goes on and saves in ${quote(home.path)}`);
  try {
    const best = await bestOf(run);
    await allThreadsUp(trainer);
    announce(run.reporter, prepared);
    await divide(run);
    const summary = await learn(run, best);
    await receipt?.close();
    run.reporter.close();
    return conclude(run, summary, best);
  } finally {
    run.reporter.close();
    await receipt?.close().catch(() => undefined); // what it threw was met above
    await run.divided?.close(trainer.steps === trainer.options.steps);
    run.log?.close();
    run.interrupts.release();
    trainer.close();
    home?.release();
  }
}
