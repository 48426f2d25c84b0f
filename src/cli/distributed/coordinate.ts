// train --server, train --workers: the run's steps are computed by workers. This process keeps the
// run: it makes every update, writes the receipt and the checkpoints, and begins again from them.

import { type ChildProcess, spawn } from 'node:child_process';
import fs from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { quote } from '../argv.ts';
import { directoryOf } from '../files.ts';
import type { Interrupts } from '../interrupts.ts';
import {
  type CheckedOptions,
  Coordinator,
  type CoordinatorEvent,
  openCoordinator,
  RetrogradError,
  type RunCourier,
  readReceipt,
  roundsOf,
  type StepReport,
  UsageError,
} from '../library.ts';
import type { RunValues } from '../options.ts';
import type { Prepared } from '../prepare.ts';
import type { RunReceipt } from '../receipt/run-receipt.ts';
import type { Reporter } from '../reporters.ts';
import type { Task } from '../tasks/task.ts';
import { connectTo } from './connection.ts';
import { COORDINATOR, type LocalServer, startServer } from './local-server.ts';
import { dataFiles, manifestOf } from './manifest.ts';

/** Milliseconds in which workers hear that the run has ended. */
const FAREWELL = 2500;
/** What workers hear of a run that is not complete. */
const STOPPED = 'the coordinator ends';
/** Milliseconds without a worker after which that is said, once. */
const LONELY = 5000;
const RECEIPT_FILE = 'receipt.jsonl';
const PARTS_FILE = 'parts.jsonl';

/** Whether the steps of a run are computed by others. */
export const isDivided = ({ server, workers }: RunValues): boolean =>
  server !== undefined || workers !== undefined;

/** The values of a divided run: its receipt is the log that others check. Throws UsageError. */
export function dividedValues(values: RunValues): RunValues {
  const { out, resume, parts, replicate } = values;
  if (!isDivided(values)) {
    const given = Object.entries({ parts, replicate, 'spot-checks': values.spotChecks });
    const alone = given.find(([, value]) => value !== undefined);
    if (alone !== undefined)
      throw new UsageError(
        `--${alone[0]} is given, but no workers, expected --server or --workers too`,
      );
    return values;
  }
  const home = out ?? (resume === undefined ? undefined : directoryOf(resume));
  if (home === undefined)
    throw new UsageError(
      '--out is missing, expected a directory: what workers lose is begun again from there',
      'for instance --out run',
    );
  return { ...values, receipt: values.receipt ?? join(home, RECEIPT_FILE) };
}

/** Forgets what a try has left that was killed before its first save. `home`: the directory of a
 *  run that begins, which is known to hold no checkpoint. */
export function forgetTry(given: RunValues, home: string): void {
  if (!isDivided(given) || given.resume !== undefined) return;
  const own = given.receipt === undefined ? [RECEIPT_FILE] : [];
  for (const file of [...own, PARTS_FILE]) fs.rmSync(join(home, file), { force: true });
}

/** A way to the workers of a run. */
interface Line {
  readonly courier: RunCourier;
  /** The server that was started for it. */
  readonly server: LocalServer | undefined;
  hangUp(): Promise<void>;
}

/** Most bytes of a gradient in a worker's result, and of what is beside them: no more is kept of
 *  one that is on its way. */
const PART_BYTES = 9;
const SLACK = 2 ** 17;

/** Connects to the server of --server, or to one that is started for these workers. */
async function openLine(
  values: RunValues,
  run: string,
  { names, most }: { names: readonly string[]; most: number },
): Promise<Line> {
  const server = values.server === undefined ? await startServer(run, names) : undefined;
  let hangUp = async (): Promise<void> => server?.stop();
  try {
    const address = server?.address(COORDINATOR) ?? values.server;
    const connection = await connectTo({ ...values, server: address });
    hangUp = async () => {
      await connection.close(); // as long as it is open no process ends
      server?.stop();
    };
    const courier = await openCoordinator(connection, run, most);
    if (!(await courier.isTaken())) return { courier, server, hangUp };
    throw new UsageError(
      `another process coordinates the run ${quote(run)} at this server, expected none`,
      'wait for its end, or stop it and go on with --resume',
    );
  } catch (error) {
    await hangUp();
    throw error;
  }
}

/** Parts of a step; those of a round are its shards. */
function partsOf(options: CheckedOptions<never>, { parts }: RunValues, workers: number): number {
  const { shards } = roundsOf(options) ?? {};
  return shards ?? Math.min(options.batch, parts ?? Math.max(2, workers));
}

/** A run whose steps others compute. */
export class DividedRun {
  private readonly children: ChildProcess[] = [];
  private lastWorker = performance.now();

  private constructor(
    private readonly coordinator: Coordinator<never>,
    private readonly line: Line,
    private readonly partsLog: number,
    readonly run: string,
  ) {}

  /** Announces the run and begins to answer workers. Throws UsageError, RetrogradError. */
  static async open(
    { kind, trainer, home }: Prepared,
    values: RunValues,
    { header }: RunReceipt,
    reporter: Reporter,
  ): Promise<DividedRun> {
    const data = dataFiles(kind, values);
    const files = data.map(({ file }) => file);
    const manifest = manifestOf(kind, values, header, files);
    const { run } = manifest;
    const names = Array.from({ length: values.workers ?? 0 }, (_, i) => `w${i + 1}`);
    const most = PART_BYTES * trainer.parameters + SLACK;
    const { kernels } = readReceipt(Buffer.from(header)).header;
    const partsLog = fs.openSync(join(home?.path ?? '.', PARTS_FILE), 'a');
    const line = await openLine(values, run, { names, most });
    const onEvent = (event: CoordinatorEvent): void => heard(event, reporter, partsLog);
    const parts = partsOf(trainer.options, values, names.length);
    const { replicate, spotChecks } = values;
    const options = { run, kernels, parts, replicate, spotChecks, onEvent };
    try {
      const coordinator = new Coordinator(trainer, line.courier, options);
      await coordinator.open();
      await line.courier.announce(Buffer.from(JSON.stringify(manifest)), async () => {
        for (const { file, at } of data)
          await line.courier.put(file.sha256, new Uint8Array(fs.readFileSync(at)));
      });
      const own = new DividedRun(coordinator, line, partsLog, run);
      for (const name of names) own.startWorker(name, values);
      const where = values.server ?? '(this machine)';
      reporter.note(
        `run ${run}, ${parts} parts a step; workers: retrograd worker --server ${where} ` +
          `--run ${run}`,
      );
      return own;
    } catch (error) {
      fs.closeSync(partsLog);
      await line.hangUp();
      throw error;
    }
  }

  private startWorker(name: string, { server, creds }: RunValues): void {
    const at = this.line.server?.address(name) ?? (server as string);
    const words = ['worker', '--server', at, '--run', this.run, '--name', name];
    const login = creds === undefined ? [] : ['--creds', creds];
    const more = [...login, '--threads', '1', '--with-parent', '--json'];
    const child = spawn(process.execPath, [process.argv[1], ...words, ...more], {
      stdio: ['pipe', 'ignore', 'inherit'],
    });
    this.children.push(child);
  }

  /** Has the next step computed; undefined if the run is interrupted meanwhile. */
  async step(
    { batch }: Task,
    interrupts: Interrupts,
    reporter: Reporter,
  ): Promise<StepReport | undefined> {
    const made = this.coordinator.step(batch as never);
    for (;;) {
      const found = await Promise.race([made, sleep(100)]);
      if (found !== undefined) return found;
      if (interrupts.exitCode !== undefined) break;
      this.complain(reporter);
    }
    // whatever becomes of the step is over before the run is saved
    this.coordinator.close(STOPPED);
    return made.catch(() => undefined);
  }

  /** Says once that nobody works. */
  private complain(reporter: Reporter): void {
    if (this.coordinator.workers.length > 0) this.lastWorker = performance.now();
    if (performance.now() - this.lastWorker < LONELY) return;
    this.lastWorker = Infinity;
    reporter.note(`waiting for workers of the run ${this.run}`);
  }

  /** Puts the line of a step into the log of the server: a line of another coordinator has to be
   *  the same. */
  async append(step: number, line: string): Promise<void> {
    const there = await this.line.courier.append(step, line);
    if (there !== line)
      throw new RetrogradError(
        `another coordinator of the run ${quote(this.run)} has done step ${step} otherwise`,
        'compare the receipts: retrograd audit --bisect',
      );
  }

  /** Ends the run's part on the server; workers hear so if it is complete. */
  async close(isComplete: boolean): Promise<void> {
    if (isComplete) {
      this.coordinator.close('the run is complete');
      const gone = this.children.map((child) => new Promise((done) => child.once('exit', done)));
      const isAlone = this.children.length === 0 && this.coordinator.workers.length === 0;
      if (!isAlone)
        await Promise.race([sleep(FAREWELL), ...(gone.length ? [Promise.all(gone)] : [])]);
      await this.line.courier.remove();
    } else this.coordinator.close(STOPPED);
    for (const child of this.children) child.stdin?.end();
    fs.closeSync(this.partsLog);
    await this.line.hangUp();
  }
}

function heard(event: CoordinatorEvent, reporter: Reporter, partsLog: number): void {
  if (event.kind === 'part') fs.writeSync(partsLog, `${JSON.stringify(event)}\n`);
  else if (event.kind === 'wrong')
    reporter.warning(
      `worker ${event.worker} is wrong in step ${event.step + 1}: ${event.why}; ` +
        'it gets nothing more',
    );
  else reporter.note(`worker ${event.worker} ${event.kind}`);
}
