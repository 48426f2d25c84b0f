// retrograd worker: computes parts of a run's steps until the run ends.

import fs from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { quote } from '../argv.ts';
import { count, bytes as inBytes } from '../format.ts';
import {
  fetchManifest,
  openWorker,
  RetrogradError,
  UsageError,
  verify,
  type WorkerCourier,
  type WorkReport,
  work,
} from '../library.ts';
import type { RunValues } from '../options.ts';
import { basisOf, openReceipt } from '../receipt/receipt-run.ts';
import { print, printJson } from '../reporters.ts';
import { createTrainer } from '../run.ts';
import { status } from '../status.ts';
import { addressOf, connectTo } from './connection.ts';
import { type Manifest, readingValues, readManifest, sha256Of } from './manifest.ts';

export interface WorkerValues {
  server?: string;
  creds?: string;
  run?: string;
  name?: string;
  threads?: number;
  microBatch?: number;
  maxTransfer?: number;
  withParent?: boolean;
  json?: boolean;
}

/** Milliseconds between two looks whether a run is there. */
const LOOK = 500;
/** Looks for a file that was announced. */
const TRIES = 60;
/** Bytes of a message beside its numbers. */
const SLACK = 2 ** 17;

/** The worker's name: as given, the user's of the server's address, or made of host and process. */
function nameOf({ name, server = '' }: WorkerValues): string {
  const made = `${hostname()}-${process.pid}`.replace(/[^\w-]/g, '-').slice(-64);
  return name ?? addressOf(server).user ?? made;
}

/** What is there sooner or later: a coordinator puts again what a server has lost. */
async function patiently<T>(find: () => Promise<T | undefined>): Promise<T | undefined> {
  for (let i = 0; i < TRIES; i++) {
    const found = await find();
    if (found !== undefined) return found;
    await sleep(LOOK);
  }
  return undefined;
}

/** The files of the run's data, fetched into a directory; the values that name them. */
async function fetchData(
  courier: WorkerCourier,
  { files, run }: Manifest,
  directory: string,
): Promise<RunValues> {
  const values: Record<string, string> = {};
  for (const { option, path, sha256, bytes } of files) {
    const found = await patiently(() => courier.fetch(sha256));
    if (found?.length !== bytes || sha256Of(found) !== sha256)
      throw new RetrogradError(`a file of the run ${quote(run)} is not on the server any more`);
    const at = join(directory, option, path);
    fs.mkdirSync(path === '' ? directory : dirname(at), { recursive: true });
    fs.writeFileSync(at, found);
    values[option] = join(directory, option);
  }
  return values;
}

/** Most bytes of the run's data, and of its weights as they are sent: no more are taken. */
const largestOf = ({ files }: Manifest): number => Math.max(1, ...files.map((file) => file.bytes));
const weightBytes = (parameters: number): number => 5 * parameters + SLACK;

/** A trainer of the run, and what makes its batches. */
async function prepare(courier: WorkerCourier, manifest: Manifest, values: WorkerValues) {
  const free = (batch: number): { threads: number; microBatch: number } => ({
    threads: values.threads ?? 1,
    microBatch: values.microBatch ?? batch,
  });
  const run = openReceipt(Buffer.from(manifest.header), free);
  const { kind, options } = run;
  const directory = fs.mkdtempSync(join(tmpdir(), 'retrograd-worker-'));
  try {
    const paths = await fetchData(courier, manifest, directory);
    const all = { ...readingValues(kind, manifest.values), ...paths, json: true };
    const data = await kind.read(all, basisOf(run));
    const trainer = createTrainer(kind, options);
    await trainer.ready();
    return { trainer, task: kind.task(trainer, data, all) };
  } finally {
    fs.rmSync(directory, { recursive: true, force: true });
  }
}

/** Ends with the process that has started this one: its end of the standard input closes. */
function endWithParent(): void {
  process.stdin.on('end', () => process.exit(0)).resume();
}

async function manifestFor(
  connection: Parameters<typeof fetchManifest>[0],
  run: string,
): Promise<Manifest> {
  for (;;) {
    const found = await fetchManifest(connection, run);
    if (found !== undefined) return readManifest(found, run);
    status(`waiting for the run ${run} ...`);
    await sleep(LOOK);
  }
}

function checkGiven({ server, run }: WorkerValues): { server: string; run: string } {
  if (server === undefined || run === undefined)
    throw new UsageError(
      `--${server === undefined ? 'server' : 'run'} is missing, expected what train --server said`,
      'for instance --server nats://127.0.0.1:4222 --run 0123456789abcdef',
    );
  return { server, run };
}

const inWords = ({ parts, uploaded, downloaded }: WorkReport): string =>
  `${count(parts)} parts, ${inBytes(uploaded)} up, ${inBytes(downloaded)} down`;

/** Returns the exit code. */
export async function runWorker(values: WorkerValues): Promise<number> {
  const { server, run } = checkGiven(values);
  const name = nameOf(values);
  if (values.withParent === true) endWithParent();
  const report = verify();
  if (!report.equal)
    throw new RetrogradError('this machine does not compute the published answers', 'try: verify');
  const connection = await connectTo({ ...values, server }, name);
  try {
    const manifest = await manifestFor(connection, run);
    const line = (most: number): Promise<WorkerCourier> => openWorker(connection, run, name, most);
    const { trainer, task } = await prepare(await line(largestOf(manifest)), manifest, values);
    const courier = await line(weightBytes(trainer.parameters));
    const { maxTransfer = Infinity } = values;
    const onTask = (_: unknown, done: WorkReport): boolean => {
      if (values.json !== true) status(`${name}: ${inWords(done)}`);
      return done.uploaded + done.downloaded < maxTransfer;
    };
    const batchOf = (step: number): never => task.batch(step) as never;
    const about = { run, name, courier, kernels: report.digest };
    const done = await work({ trainer, batchOf, onTask, ...about });
    trainer.close();
    status('');
    if (values.json === true) printJson({ event: 'worked', worker: name, ...done });
    else print(`${done.ended}: ${inWords(done)}`);
    return 0;
  } finally {
    await connection.close();
  }
}
