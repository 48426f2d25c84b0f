// Kills and signals at random moments over runs of every kind: new ones and such that go on, with
// and without saves on the way, one to three processes in one directory. After each the files must
// be whole, after the last the run must end with the weights of one that nobody disturbed, and no
// process may exit with 0 unless the run is complete.
//
//   node test/fuzz/kills.mjs [--rounds N] [--seed S] [--only WORD] [--lanes N]     after npm run
// build
//
// --rounds: kills and signals (1000). --only: runs whose name holds WORD. --lanes: runs side by
// side.

import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { bundleExperiments } from '../../bench/experiments/bundle.mjs';
import { EXPERIMENT, readResults, readRun, strangers, TRAININGS, writeData } from './kill-runs.mjs';
import { Random } from './runner.mjs';

const DIST = join(import.meta.dirname, '../../dist');
const CLI = join(DIST, 'cli.js');
const { decodeCheckpoint } = await import(join(DIST, 'index.js'));
/** What runs a command: the command line, or the repository's `experiment`. */
const experiments = await bundleExperiments();
const programOf = ([first, ...rest]) =>
  first === 'experiment' ? [experiments, ...rest] : [CLI, first, ...rest];
const names = ['rounds', 'seed', 'only', 'lanes'];
const known = Object.fromEntries(names.map((name) => [name, { type: 'string' }]));
const { values } = parseArgs({ options: known });
const ROUNDS = Number(values.rounds ?? 1000);
const SEED = Number(values.seed ?? 1);
const LANES = Number(values.lanes ?? 2);
const { only = '' } = values;
/** Directories in which a run is killed again before it may end. */
const KILLS_A_RUN = 8;

const root = mkdtempSync(join(tmpdir(), 'retrograd-kills-'));
process.on('exit', () => rmSync(root, { recursive: true, force: true }));
writeData(root);

const tally = new Map();
const faults = [];
let kills = 0;
let reads = 0;
let resumes = 0;
const count = (key) => tally.set(key, (tally.get(key) ?? 0) + 1);

function fault(scene, what) {
  faults.push(`${scene}: ${what}`);
  console.log(`FAULT ${scene}: ${what}`);
}

/** Starts a command; `ended` resolves to how it did. */
function launch(words) {
  const stdio = ['ignore', 'pipe', 'pipe'];
  const child = spawn(process.execPath, programOf(words), { cwd: root, stdio });
  const out = { text: '', err: '' };
  child.stdout.on('data', (data) => {
    out.text += data;
  });
  child.stderr.on('data', (data) => {
    out.err += data;
  });
  const ended = new Promise((resolve) =>
    child.on('close', (code, signal) => {
      resolve({ code, signal, ...out });
    }),
  );
  return { child, ended, words, out };
}

/** What a command says when nobody disturbs it. */
function undisturbed(words) {
  const how = { cwd: root, encoding: 'utf8', maxBuffer: 2 ** 28 };
  const { status, stdout, stderr } = spawnSync(process.execPath, programOf(words), how);
  if (status !== 0) throw new Error(`${words.join(' ')} ends with ${status}: ${stderr}`);
  return stdout;
}
const lastEvent = (text) => JSON.parse(text.trimEnd().split('\n').at(-1));

const DISTURBANCES = [
  ['SIGKILL'],
  ['SIGKILL'],
  ['SIGKILL'],
  ['SIGTERM'],
  ['SIGINT'],
  ['SIGHUP'],
  ['SIGQUIT'],
  ['SIGUSR2'],
  ['SIGINT', 'SIGINT'],
  ['SIGTERM', 'SIGKILL'],
  ['SIGPIPE', 'SIGTERM'],
  ['SIGSTOP', 'SIGCONT', 'SIGTERM'],
  ['stdout', 'SIGINT'],
];
/** Milliseconds between parts of a disturbance. */
const PAUSES = [0, 0, 5, 30, 600];

/** Waits for a random moment: after the start, or after a random number of lines of output. */
async function randomMoment({ child, out, ended }, random) {
  if (random.oneIn(4)) return setTimeout(random.below(700));
  const lines = 1 + random.below(60);
  const until = performance.now() + 20_000;
  let isOver = false;
  void ended.then(() => {
    isOver = true;
  });
  const isEarly = () => out.text.split('\n').length <= lines && performance.now() < until;
  while (!isOver && child.exitCode === null && isEarly()) await setTimeout(1);
  return setTimeout(random.below(20));
}

async function disturb(process, random) {
  await randomMoment(process, random);
  const parts = random.pick(DISTURBANCES);
  for (const part of parts) {
    if (process.child.exitCode !== null || process.child.signalCode !== null) return undefined;
    if (part === 'stdout') process.child.stdout.destroy();
    else process.child.kill(part);
    await setTimeout(random.pick(PAUSES));
  }
  kills++;
  return parts.join('+');
}

/** Exit codes that are right for a process of a run that was disturbed. */
const isKnownEnd = ({ code, signal }) =>
  signal !== null || [0, 1, 2].includes(code) || (code > 128 && code < 160);

/** Reads a directory again and again while others write in it. */
function watch(scene, read) {
  let isOver = false;
  const reading = (async () => {
    while (!isOver) {
      try {
        await read();
        reads++;
      } catch (error) {
        fault(scene, `while it runs, ${error.message}`);
      }
      await setTimeout(40);
    }
  })();
  return async () => {
    isOver = true;
    await reading;
  };
}

/** One round: some processes in one directory, some of them disturbed, until all have ended. */
async function round(scene, starts, random, read) {
  const stop = watch(scene, read);
  const processes = [];
  for (const words of starts) {
    processes.push(launch(words));
    await setTimeout(random.pick([0, 0, 50, 400]));
  }
  const how = await Promise.all(processes.map((process) => disturb(process, random)));
  const ends = await Promise.all(processes.map(({ ended }) => ended));
  await stop();
  ends.forEach((end, i) => {
    count(`${how[i] ?? 'ended before'}: ${end.signal ?? `exit ${end.code}`}`);
    if (!isKnownEnd(end)) fault(scene, `exit ${end.code} ${end.err}`);
    if (/unexpected|at .*\.js:\d+/.test(end.err)) fault(scene, `says ${end.err.slice(0, 300)}`);
  });
  return ends;
}

/** A process that said what it saved must have saved it. */
function checkSaid(scene, end, checkpoint, steps) {
  const text = end.text.trimEnd().split('\n').at(-1) ?? '';
  const has = checkpoint?.step;
  if (end.code === 0 && has !== steps) fault(scene, `exit 0 at step ${has}`);
  if (end.signal !== null || !text.startsWith('{"event":"done"') || !text.endsWith('}')) return;
  const said = JSON.parse(text);
  if (!(has >= said.steps)) fault(scene, `said step ${said.steps}, has ${has}`);
}

async function killTraining({ name, steps, begin, resume, digest }, number, random) {
  const dir = `run-${number}`;
  const path = join(root, dir);
  const scene = `${name} ${number}`;
  const decode = () => readRun(path, decodeCheckpoint);
  let step = 0;
  for (let kill = 0; kill < KILLS_A_RUN && step < steps && kills < ROUNDS; kill++) {
    const words = () => [
      ...(step === 0 ? [...begin, '--out', dir] : [...resume, '--resume', dir]),
      ...(random.oneIn(3) ? [] : ['--save-every', String(1 + random.below(30))]),
      ...(random.oneIn(4) ? ['--export-float32'] : []),
      '--threads',
      String(1 + random.below(2)),
      '--json',
    ];
    const starts = Array.from({ length: random.pick([1, 1, 1, 2, 3]) }, words);
    const ends = await round(scene, starts, random, decode);
    const checkpoint = await decode().catch((error) => fault(scene, error.message));
    const now = checkpoint?.step ?? 0;
    if (now < step) fault(scene, `step ${step}, then ${now}`);
    for (const end of ends) checkSaid(scene, end, checkpoint, steps);
    step = now;
  }
  if (step < steps) {
    undisturbed([...(step === 0 ? [...begin, '--out', dir] : [...resume, '--resume', dir])]);
    resumes++;
  }
  const { weightsSha256 } = JSON.parse(undisturbed(['inspect', dir, '--json']));
  if (weightsSha256 !== digest) fault(scene, `other weights: ${weightsSha256}`);
  const left = strangers(path);
  if (step < steps && left.length > 0) fault(scene, `left ${left.join(', ')}`);
  rmSync(path, { recursive: true });
}

async function killExperiment({ name, folder, cells, words, digests }, number, random) {
  const dir = `run-${number}`;
  const path = join(root, dir, folder);
  const scene = `${name} ${number}`;
  const command = [...words, '--out', dir, '--json'];
  const isWhole = () => cells.every((cell) => cell in readResults(path));
  const check = () => {
    for (const [cell, digest] of Object.entries(readResults(path)))
      if (digest !== digests[cell]) fault(scene, `other weights of ${cell}`);
  };
  for (let kill = 0; kill < 4 && kills < ROUNDS && !isWhole(); kill++) {
    const starts = Array.from({ length: random.pick([1, 1, 2]) }, () => command);
    const ends = await round(scene, starts, random, async () => readResults(path));
    check();
    const hasSucceeded = ends.some(({ code }) => code === 0);
    if (hasSucceeded && !isWhole()) fault(scene, 'exit 0 without all results');
  }
  if (!isWhole()) {
    undisturbed(command);
    resumes++;
  }
  check();
  if (!isWhole()) fault(scene, 'is not complete');
  rmSync(join(root, dir), { recursive: true });
}

async function prepare() {
  const chosen = [...TRAININGS, EXPERIMENT].filter(({ name }) => name.includes(only));
  return chosen.map((run) => {
    if (run !== EXPERIMENT) {
      const { weightsSha256: digest } = lastEvent(undisturbed([...run.begin, '--json']));
      return { ...run, kill: killTraining, digest };
    }
    undisturbed([...run.words, '--out', 'reference']);
    const digests = readResults(join(root, 'reference', run.folder));
    return { ...run, kill: killExperiment, digests };
  });
}

const runs = await prepare();
let next = 0;
async function lane() {
  while (kills < ROUNDS) {
    const number = next++;
    const run = runs[number % runs.length];
    try {
      await run.kill(run, number, new Random(SEED, number));
    } catch (error) {
      fault(`${run.name} ${number}`, error.message);
    }
    const done = `${kills} of ${ROUNDS} kills and signals, ${number + 1} runs`;
    if (number % 10 === 9) console.log(`${done}, ${faults.length} faults`);
  }
}
await Promise.all(Array.from({ length: LANES }, lane));

for (const [key, times] of [...tally].sort()) console.log(`${String(times).padStart(5)}  ${key}`);
console.log(
  `kills: ${kills} kills and signals over ${next} runs, seed ${SEED}: ` +
    `${faults.length} faults; ${resumes} runs were finished afterwards, ${reads} reads meanwhile`,
);
process.exitCode = faults.length === 0 ? 0 : 1;
