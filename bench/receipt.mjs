// What a receipt costs, and an audit: bench/results/receipt.json.
//
//   node bench/receipt.mjs [--pairs 15] [--runs 5] [--steps 192] [--write]
//
// Steps of 1,024 tokens with and without a receipt, in turn and in pairs in one process: by the
// clock, by the processor's time of the process, and by that of the thread that trains, which other
// programs on the machine change least. Then whole runs of the command line of so many steps, train
// and audit in turn, by the clock and by the processor's time.

import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { build } from 'esbuild';
import { bdia, gpt, Trainer } from '../dist/index.js';
import { Recorder } from '../dist/receipt.js';
import { ROOT, readKinds, refuse, resultFile, stamp, withKind, writeResult } from './stamp.mjs';

const SHAPE = { vocabulary: 65, layers: 6, channels: 128, heads: 4, context: 128 };
const BATCH = 8;
const TOKENS = BATCH * SHAPE.context;
/** Steps of one side of a pair. */
const STEPS = 3;

const { values } = parseArgs({
  options: {
    pairs: { type: 'string', default: '15' },
    runs: { type: 'string', default: '5' },
    steps: { type: 'string', default: '192' },
    write: { type: 'boolean', default: false },
  },
});
const [pairs, runs, runSteps] = [values.pairs, values.runs, values.steps].map(Number);
if (!(pairs >= 1 && runs >= 0 && runSteps >= 2))
  refuse('--pairs, --runs and --steps are counts', 'for instance --pairs 15');

/** A module of src for Node. */
async function load(file) {
  const given = { bundle: true, write: false, format: 'esm', platform: 'node' };
  const { outputFiles } = await build({ ...given, entryPoints: [join(ROOT, file)] });
  const code = Buffer.from(outputFiles[0].contents).toString('base64');
  return import(`data:text/javascript;base64,${code}`);
}

/** Milliseconds that the thread has had a processor, where the system tells. */
function threadTime() {
  try {
    const [time] = readFileSync(`/proc/self/task/${process.pid}/schedstat`, 'utf8').split(' ');
    return Number(time) / 1e6;
  } catch {
    return Number.NaN;
  }
}

/** Clock, processor and thread, in milliseconds. */
function times() {
  const { user, system } = process.cpuUsage();
  return { clock: performance.now(), processor: (user + system) / 1e3, thread: threadTime() };
}

const KINDS = ['clock', 'processor', 'thread'];
const middle = (numbers) => numbers.toSorted((a, b) => a - b)[numbers.length >> 1];
const round = (value) => Math.round(value * 1e4) / 1e4;
const byKind = (of) => Object.fromEntries(KINDS.map((kind) => [kind, round(of(kind))]));

const tokens = Int32Array.from({ length: TOKENS + 1 }, (_, i) => (i * i) % SHAPE.vocabulary);
const batch = { inputs: tokens.subarray(0, TOKENS), targets: tokens.subarray(1) };

/** Milliseconds of a step, as the loop of train does it. */
async function steps(trainer, recorder) {
  const begun = times();
  let before;
  for (let i = 0; i < STEPS; i++) {
    const report = trainer.step(batch);
    const line = recorder?.record(report);
    await setImmediate();
    await before;
    before = line;
  }
  await before;
  const ended = times();
  return byKind((kind) => (ended[kind] - begun[kind]) / STEPS);
}

/** The cost of a receipt as a part of a step: medians of pairs. */
async function costOf(trainer, options) {
  const about = { dataSha256: '0'.repeat(64), every: 2 ** 20, ...options };
  const recorded = async () => steps(trainer, await Recorder.begin(trainer, about));
  const found = [];
  await recorded();
  for (let i = 0; i < pairs; i++) {
    const first = i % 2 === 0 ? await steps(trainer) : await recorded();
    const second = i % 2 === 0 ? await recorded() : await steps(trainer);
    found.push(i % 2 === 0 ? [first, second] : [second, first]);
  }
  return {
    step: byKind((kind) => middle(found.map(([plain]) => plain[kind]))),
    cost: byKind((kind) => middle(found.map(([plain, own]) => own[kind] / plain[kind] - 1))),
  };
}

/** Digests of a copy in ordinary memory that is used again, by WebCrypto. */
function inOneBuffer(bytes) {
  const kept = new Uint8Array(bytes);
  let at = 0;
  return (parts) => {
    const size = parts.reduce((sum, { length }) => sum + length, 0);
    if (at + size > bytes) at = 0;
    const from = at;
    for (const part of parts) {
      kept.set(part, at);
      at += part.length;
    }
    const digest = crypto.subtle.digest('SHA-256', kept.subarray(from, at));
    return digest.then((found) => Buffer.from(found).toString('hex'));
  };
}

async function receipts() {
  const { DigestThread } = await load('src/cli/receipt/digest-thread.ts');
  const model = gpt({ ...SHAPE, rule: bdia() });
  const trainer = Trainer.create({ model, batch: BATCH, steps: 2 ** 20 });
  const { parameters } = trainer;
  const thread = new DigestThread(24 * parameters);
  const { sha256 } = thread;
  await steps(trainer);
  const found = {
    receipt: await costOf(trainer, { sha256 }),
    full: await costOf(trainer, { sha256, full: true }),
    webCrypto: await costOf(trainer, {}),
    oneBuffer: await costOf(trainer, { sha256: inOneBuffer(24 * parameters) }),
  };
  thread.close();
  trainer.close();
  return { parameters, pairs, ...found };
}

/** A command, and the milliseconds that it took. */
function command(cwd, words) {
  const cpu = () => {
    const stat = readFileSync('/proc/self/stat', 'utf8').split(') ').at(-1).split(' ');
    return (Number(stat[13]) + Number(stat[14])) * 10; // of children that ended: user, system
  };
  const begun = [performance.now(), cpu()];
  const all = [join(ROOT, 'dist/cli.js'), ...words];
  const { status, stderr } = spawnSync(process.execPath, all, { cwd, stdio: 'pipe' });
  if (status !== 0) refuse(`${words.join(' ')} ended with ${status}: ${stderr}`, 'mend it first');
  return { clock: performance.now() - begun[0], processor: cpu() - begun[1] };
}

function audits() {
  const cwd = mkdtempSync(join(os.tmpdir(), 'retrograd-receipt-'));
  try {
    const letters = Array.from({ length: 12_000 }, (_, i) =>
      String.fromCharCode(32 + ((i * i + (i >> 3)) % SHAPE.vocabulary)),
    );
    writeFileSync(join(cwd, 'text.txt'), letters.join(''));
    const data = ['--text', 'text.txt', '--json'];
    const train = ['train', 'gpt', ...data, '--steps', String(runSteps), '--threads', '1'];
    const saved = [
      '--save-every',
      String(Math.ceil(runSteps / 2)),
      '--keep-states',
      '--out',
      'run',
    ];
    command(cwd, [...train, ...saved, '--receipt', 'a.jsonl']);
    const audit = ['audit', 'a.jsonl', ...data, '--threads', '1', '--all'];
    const rows = Array.from({ length: runs }, () => ({
      train: command(cwd, train),
      all: command(cwd, [...audit, '--jobs', '1']),
      two: command(cwd, [...audit, '--run', 'run', '--jobs', '2']),
    }));
    const ratio = (name) =>
      Object.fromEntries(
        ['clock', 'processor'].map((kind) => [
          kind,
          round(middle(rows.map((row) => row[name][kind] / row.train[kind]))),
        ]),
      );
    const seconds = round(middle(rows.map(({ train: { clock } }) => clock)) / 1000);
    return { steps: runSteps, runs, seconds, all: ratio('all'), two: ratio('two') };
  } finally {
    rmSync(cwd, { recursive: true, force: true });
  }
}

const before = os.loadavg()[0];
const found = { ...SHAPE, batch: BATCH, ...(await receipts()) };
const result = { stamp: stamp(), ...found, ...(runs > 0 ? { audit: audits() } : {}) };
result.load = [before, os.loadavg()[0]].map((value) => Math.round(value * 10) / 10);
console.log(JSON.stringify(result, null, 2));
const file = resultFile('receipt');
if (values.write) writeResult(file, withKind(readKinds(file), result));
