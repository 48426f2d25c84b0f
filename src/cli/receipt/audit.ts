// retrograd audit RECEIPT: does a run again, or parts of it, and compares each step with the
// receipt. Exit code 0: equal; 1: a step differs; 2: cannot tell.

import { spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { oneLine, quote } from '../argv.ts';
import { count, table } from '../format.ts';
import { beginWith } from '../init.ts';
import type { SavedRun } from '../kinds/kind.ts';
import {
  audit as auditRun,
  compareReceipts,
  type Difference,
  findKernelFault,
  type KernelFault,
  type NamedTensor,
  RetrogradError,
  roundsOf,
  type StepReport,
  type Trainer,
  UsageError,
} from '../library.ts';
import { dataWords, type RunValues } from '../options.ts';
import { print, printJson } from '../reporters.ts';
import { createTrainer, openRun, restoreTrainer } from '../run.ts';
import { status } from '../status.ts';
import { oneStep, type Task, trainStep } from '../tasks/task.ts';
import { defaultThreads } from '../threads.ts';
import { DIGESTS_HERE, digestsBeside } from './digest-thread.ts';
import { NOT_PROVED, rowsOf, writeNew } from './receipt.ts';
import { basisOf, openReceipt, type ReceiptRun } from './receipt-run.ts';
import { about, readReceiptFile } from './run-receipt.ts';
import { onlySteps, type Segment, sampleOf, segmentsOf } from './segments.ts';
import { wrongWorkers } from './workers.ts';

export interface AuditValues extends RunValues {
  all?: boolean;
  run?: string;
  from?: string;
  steps?: never;
  only?: string;
  segments?: number;
  nonce?: string;
  bisect?: string;
  jobs?: number;
  digestThread?: boolean;
  kernels?: never;
  kernelsOf?: number;
  case?: string;
}

/** What an audit works with. */
interface Audit extends ReceiptRun {
  path: string;
  file: Uint8Array;
  values: AuditValues;
}

/** What was found: nothing, or the first difference. */
interface Found {
  difference: Difference | undefined;
  /** Steps that were done again. */
  steps: number;
}

async function open(path: string, values: AuditValues): Promise<Audit> {
  const file = readReceiptFile(path);
  const free = (batch: number): { threads: number; microBatch: number } => ({
    threads: values.threads ?? defaultThreads(batch),
    microBatch: values.microBatch ?? batch,
  });
  const run = await about(path, () => openReceipt(file, free));
  return { ...run, path, file, values };
}

/** The trainer at the beginning of a segment. Before its first step a run has the weights of
 *  another one, if any, and nothing else of it. */
async function trainerAt(
  { kind, options, values }: Audit,
  { from, checkpoint }: Segment,
): Promise<Trainer<never>> {
  if (checkpoint === undefined) return createTrainer(kind, options);
  const run = await openRun(checkpoint, kind);
  if (from > 0) return restoreTrainer(kind, run, options);
  const trainer = createTrainer(kind, options);
  beginWith(trainer, { run: run as unknown as SavedRun, values });
  return trainer;
}

/** The run at the beginning of a segment. */
async function start(one: Audit, segment: Segment) {
  const { kind, values } = one;
  const data = await kind.read(values, basisOf(one));
  const trainer = await trainerAt(one, segment);
  const taskOf = (own: Trainer<never>): Task => kind.task(own, data, values);
  return { trainer, task: taskOf(trainer), taskOf };
}

/** Does a segment again. */
async function auditSegment(one: Audit, segment: Segment): Promise<Found> {
  const { trainer, task } = await start(one, segment);
  const { until, checkpoint } = segment;
  const thread = one.values.digestThread === false ? DIGESTS_HERE : digestsBeside(trainer);
  const { sha256 } = thread;
  try {
    await trainer.ready();
    const onStep = (step: number): void => {
      if (one.values.json !== true) status(`step ${step} of ${segment.from + 1} to ${until}`);
    };
    const difference = await auditRun(
      trainer,
      async () => (await trainStep(task)) as StepReport,
      one.file,
      {
        until,
        onStep,
        sha256,
      },
    );
    if (difference?.step === segment.from && checkpoint !== undefined)
      throw new UsageError(
        `${quote(checkpoint)} is not the state that the receipt has after step ${segment.from}`,
        segment.from === 0
          ? 'give --from and --fresh what --init and --fresh of the run were'
          : 'give another --run, or none: the run is then done again from its beginning',
      );
    return { difference, steps: trainer.steps - segment.from };
  } finally {
    status('');
    trainer.close();
    thread.close();
  }
}

/** The same in a process of its own, on one thread, one of `jobs` at a time. */
function inProcess(
  { path, values, kind }: Audit,
  { from, until }: Segment,
  jobs: number,
): Promise<Found> {
  const flag = (name: string, value: string | undefined): string[] =>
    value === undefined ? [] : [name, value];
  const words = [
    ...[process.argv[1], 'audit', path, ...dataWords(kind.rows, values)],
    ...[...flag('--run', values.run), ...flag('--from', values.from)],
    ...flag('--fresh', values.fresh?.join()),
    ...['--only', `${from + 1}-${until}`, '--threads', '1', '--jobs', '1', '--json'],
    ...(jobs < availableParallelism() ? [] : ['--no-digest-thread']),
  ];
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, words, { stdio: ['ignore', 'pipe', 'inherit'] });
    let out = '';
    child.stdout.on('data', (text) => {
      out += text;
    });
    child.on('error', reject);
    child.on('close', (code) => {
      if (code !== 0 && code !== 1)
        return reject(new UsageError(`steps ${from + 1} to ${until} could not be done again`));
      const { difference, steps } = JSON.parse(out.trim().split('\n').at(-1) as string);
      resolve({ difference: difference ?? undefined, steps });
    });
  });
}

/** Does all segments again, `jobs` at a time; the first difference is that of the earliest step. */
async function auditAll(one: Audit, segments: readonly Segment[], jobs: number): Promise<Found> {
  const queue = [...segments];
  const found: Found[] = [];
  const first = (): Difference | undefined =>
    found
      .flatMap(({ difference }) => difference ?? [])
      .sort((a, b) => a.step - b.step)
      .at(0);
  const work = async (): Promise<void> => {
    for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
      if (next.from >= (first()?.step ?? Infinity)) continue; // what follows is different anyway
      found.push(jobs > 1 ? await inProcess(one, next, jobs) : await auditSegment(one, next));
    }
  };
  await Promise.all(Array.from({ length: Math.min(jobs, segments.length) }, work));
  return { difference: first(), steps: found.reduce((sum, { steps }) => sum + steps, 0) };
}

/** The first kernel of a step that this machine computes in another way than the reference does. */
async function judgeKernels(one: Audit, segments: readonly Segment[], step: number) {
  const segment = segments.find(({ from, until }) => from < step && until >= step);
  if (segment === undefined) throw new UsageError(`the receipt has no step ${step} to look at`);
  const { trainer, task, taskOf } = await start(one, segment);
  const { values, receipt } = one;
  while (trainer.steps < step - (receipt.header.round ?? 1)) await trainStep(task);
  const workers = await wrongWorkers(one.path, task);
  if (values.json !== true) status(`judging the kernels of step ${step} ...`);
  const fault = hasRounds(one) ? undefined : faultIn(one, trainer, taskOf);
  trainer.close();
  status('');
  if (fault !== undefined && values.case !== undefined)
    writeNew(values.case, `${JSON.stringify({ ...fault, case: undefined, ...fault.case })}\n`);
  return { fault, workers };
}

/** Whether a line is of a round: its kernels, thousands of calls for each shard, are not judged. */
const hasRounds = ({ options }: Audit): boolean => roundsOf(options) !== undefined;

/** The first wrong kernel of the trainer's next step. */
function faultIn(
  { options }: Audit,
  trainer: Trainer<never>,
  taskOf: (own: Trainer<never>) => Task,
): KernelFault | undefined {
  const tensors: NamedTensor[] = trainer.tensors().map((t) => ({ ...t, data: t.data.slice() }));
  const step = (own: unknown): StepReport => oneStep(taskOf(own as Trainer<never>));
  return findKernelFault(options, { tensors, steps: trainer.steps, step });
}

function blockOf(name: string | undefined): string {
  const [, block] = /^(?:optimizer\.\w+\.)?block\.(\d+)\./.exec(name ?? '') ?? [];
  return block === undefined ? '' : ` (block ${block})`;
}

/** A difference in words. */
function inWords({ step, fields, gradient, tensor }: Difference): string {
  const first = [
    ...(gradient === undefined ? [] : [`first gradient ${gradient}${blockOf(gradient)}`]),
    ...(tensor === undefined ? [] : [`first tensor ${tensor}${blockOf(tensor)}`]),
  ];
  return `step ${step} differs: ${[fields.join(', '), ...first].join('; ')}`;
}

/** The kernels of a step, in words; undefined if they could not be judged. */
async function kernelsInWords(one: Audit, segments: readonly Segment[], step: number) {
  try {
    const { fault, workers } = await judgeKernels(one, segments, step);
    const equal = hasRounds(one)
      ? 'kernels are not judged where a line is of a round: try verify'
      : `every kernel of step ${step} computes here what the reference does`;
    const kernels =
      fault === undefined
        ? equal
        : `call ${fault.call} of step ${step}, ${fault.kernel}, does not compute here what the ` +
          `reference does: this machine cannot be trusted (expected ${fault.expected}, computed ` +
          `${fault.computed})`;
    const names = workers.map(oneLine).join(', ');
    const who = names === '' ? '' : `\nparts of it were computed wrongly by ${names}`;
    return { fault, kernels: kernels + who, workers };
  } catch (error) {
    if (!(error instanceof RetrogradError)) throw error;
    const kernels = `the kernels were not judged: ${error.message}`;
    return { fault: undefined, kernels, workers: [] };
  }
}

/** Says what was found; returns the exit code. */
async function conclude(
  one: Audit,
  segments: readonly Segment[],
  { difference, steps }: Found,
  nonce: string | undefined,
): Promise<number> {
  const { values } = one;
  const at = values.kernelsOf ?? (difference && difference.step > 0 ? difference.step : undefined);
  const judged = at === undefined ? undefined : await kernelsInWords(one, segments, at);
  const isOwnFault = judged?.fault !== undefined;
  const differs = difference === undefined ? 0 : 1;
  const code = isOwnFault ? 2 : differs;
  const said =
    difference === undefined ? `equal: ${count(steps)} steps done again` : inWords(difference);
  if (values.json === true) {
    const kernel = judged?.fault && { ...judged.fault, case: undefined };
    const found = { steps, nonce: nonce ?? null, difference: difference ?? null };
    const { workers } = judged ?? { workers: [] };
    printJson({ event: 'audit', equal: code === 0, ...found, kernel: kernel ?? null, workers });
    return code;
  }
  print(said);
  if (judged !== undefined) print(judged.kernels);
  if (nonce !== undefined)
    print(`a sample, drawn with --nonce ${nonce}: a fault elsewhere is not seen`);
  print(`\n${NOT_PROVED}`);
  return code;
}

/** Says what is audited, once the words of the command are known to be right. */
function announce({ receipt, values }: Audit): void {
  if (values.json !== true) print(`${table(rowsOf(receipt))}\n`);
}

/** A case is written when all is done: that it can be is asked before. */
function checkNew(path: string | undefined): void {
  if (path === undefined || !existsSync(path)) return;
  throw new UsageError(`--case ${quote(path)} is there already, expected a new file`);
}

/** Two receipts, without training; returns the exit code. */
async function bisect(one: Audit, other: string): Promise<number> {
  const { file, path, values } = one;
  const compared = await about(other, () => compareReceipts(file, readReceiptFile(other)));
  const difference = compared ?? null;
  announce(one);
  if (values.json === true) printJson({ event: 'bisect', equal: difference === null, difference });
  else if (difference === null) print('equal, as far as both go');
  else
    print(
      `${quote(path)} and ${quote(other)} part: ${inWords(difference)}\n` +
        'until there they agree, so this step alone is in dispute: ' +
        `--only ${Math.max(1, difference.step)} and the data tell who is right`,
    );
  return difference === null ? 0 : 1;
}

async function work(path: string, values: AuditValues): Promise<number> {
  const one = await open(path, values);
  const { receipt, kind } = one;
  if (values.bisect !== undefined) return bisect(one, values.bisect);
  kind.checkGiven(values);
  checkNew(values.case);
  const all = segmentsOf(receipt, values.run, values.from);
  const nonce = values.nonce ?? randomBytes(8).toString('hex');
  const digest = (words: string): string =>
    createHash('sha256')
      .update(`${receipt.seals.at(-1)} ${nonce} ${words}`)
      .digest('hex');
  const isSample = values.segments !== undefined && values.segments < all.length;
  const sampled = isSample ? sampleOf(all, values.segments as number, digest) : all;
  const only = values.kernelsOf === undefined ? values.only : String(values.kernelsOf);
  const segments = only === undefined ? sampled : onlySteps(all, only);
  const jobs = Math.min(values.jobs ?? availableParallelism(), segments.length);
  announce(one);
  const found = await auditAll(one, segments, jobs);
  return conclude(one, all, found, isSample ? nonce : undefined);
}

/** Returns the exit code: 2 for whatever keeps the audit from telling. */
export async function audit(path: string, values: AuditValues): Promise<number> {
  try {
    return await work(path, values);
  } catch (error) {
    if (!(error instanceof RetrogradError) || error instanceof UsageError) throw error;
    const [message] = error.message.split('. HINT: ');
    throw new UsageError(`cannot tell: ${message}`, error.hint ?? 'see docs/receipts.md');
  }
}
