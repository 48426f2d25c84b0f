// node bench/workers.mjs [--rounds 3] [--steps 16] [--write]: one worker against two on a machine,
// each of one thread, over a nats-server on loopback: the README's GPT with batches of 32. Says
// milliseconds of a step, processor time of each kind of process, and bytes on the way. The runs
// take turns. --write keeps the figures, of which a table of docs/distributed.md is made.

import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { ROOT, resultFile, stamp, writeResult } from './stamp.mjs';

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '3' },
    steps: { type: 'string', default: '16' },
    write: { type: 'boolean', default: false },
  },
});
const CLI = join(ROOT, 'dist/cli.js');
const PORT = 4000 + (process.pid % 1000);
const SERVER = `nats://127.0.0.1:${PORT}`;
const STEPS = Number(values.steps);
/** Steps before those that are timed. */
const WARM = 4;
/** Clock ticks of /proc a second. */
const TICKS = Number(spawnSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }).stdout) || 100;

const folder = mkdtempSync(join(os.tmpdir(), 'retrograd-workers-'));
const text = readdirSync(join(ROOT, 'docs'))
  .filter((name) => name.endsWith('.md'))
  .sort()
  .map((name) => readFileSync(join(ROOT, 'docs', name), 'utf8'))
  .join('\n')
  .replace(/[^\n -~]/g, ''); // 96 characters
writeFileSync(join(folder, 'text.txt'), text);

const children = new Set();
function start(program, words, options = {}) {
  const child = spawn(program, words, {
    cwd: folder,
    stdio: ['ignore', 'pipe', 'inherit'],
    ...options,
  });
  children.add(child);
  const said = { out: '' };
  child.stdout?.on('data', (piece) => {
    said.out += piece;
  });
  const ended = new Promise((resolve) => child.once('close', () => resolve(said.out)));
  return { child, ended, said };
}
const cli = (...words) => start(process.execPath, [CLI, ...words]);
const events = (out) =>
  out
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line));

/** Seconds of processor time that a process has had; what it had last if it is gone. */
function clockOf({ pid }) {
  let last = 0;
  return () => {
    try {
      const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
      const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      last = (Number(fields[11]) + Number(fields[12])) / TICKS;
    } catch {
      // gone
    }
    return last;
  };
}

const median = (list) => [...list].sort((a, b) => a - b)[list.length >> 1];

/** A run of so many workers, a part for each. */
async function run(count, round) {
  const out = `run-${count}-${round}`;
  const model = ['--batch', '32', '--micro-batch', '8', '--threads', '1', '--validate-every', '0'];
  const about = ['--text', 'text.txt', ...model, '--steps', String(STEPS), '--out', out, '--json'];
  const coordinator = cli('train', 'gpt', ...about, '--server', SERVER, '--parts', String(count));
  let id;
  while (id === undefined) {
    id = events(await cli('runs', '--server', SERVER, '--json').ended).at(-1)?.run;
  }
  const names = Array.from({ length: count }, (_, i) => `w${i + 1}`);
  const micro = ['--threads', '1', '--micro-batch', '8', '--json'];
  const workers = names.map((name) =>
    cli('worker', '--server', SERVER, '--run', id, '--name', name, ...micro),
  );
  const steps = () => events(coordinator.said.out).filter(({ event }) => event === 'step');
  while (steps().length < WARM) await sleep(20);
  const clocks = {
    coordinator: clockOf(coordinator.child),
    server: clockOf(server.child),
    workers: workers.map(({ child }) => clockOf(child)),
  };
  const read = () => ({
    coordinator: clocks.coordinator(),
    server: clocks.server(),
    workers: clocks.workers.reduce((sum, clock) => sum + clock(), 0),
  });
  const before = { at: steps().length, ...read() };
  while (steps().length < STEPS - 1) await sleep(20);
  const after = { at: steps().length, ...read() };
  const done = await coordinator.ended;
  const worked = await Promise.all(workers.map(({ ended }) => ended));
  const each = (name) => ((after[name] - before[name]) * 1000) / (after.at - before.at);
  const { weightsSha256, parameters } = events(done).find(({ event }) => event === 'done');
  const bytes = worked.flatMap((said) => events(said).filter(({ event }) => event === 'worked'));
  const parts = bytes.reduce((sum, one) => sum + one.parts, 0);
  const uploaded = bytes.reduce((sum, one) => sum + one.uploaded, 0);
  const times = steps()
    .slice(WARM)
    .map(({ milliseconds }) => milliseconds);
  return {
    milliseconds: median(times),
    processor: {
      coordinator: each('coordinator'),
      server: each('server'),
      workers: each('workers'),
    },
    bytesAWeight: uploaded / parts / parameters,
    weightsSha256,
    parameters,
  };
}

const server = start('nats-server', ['-js', '-a', '127.0.0.1', '-p', String(PORT), '-sd', folder], {
  stdio: 'ignore',
});
await sleep(500);
try {
  const load = os.loadavg()[0];
  const counts = [1, 2];
  const rounds = { 1: [], 2: [] };
  for (let round = 0; round < Number(values.rounds); round++)
    for (const count of counts) {
      rounds[count].push(await run(count, round));
      const { milliseconds, processor } = rounds[count].at(-1);
      console.log(`${count}: ${milliseconds.toFixed(0)} ms a step`, processor);
    }
  const all = counts.flatMap((count) => rounds[count]);
  if (new Set(all.map(({ weightsSha256 }) => weightsSha256)).size !== 1)
    throw new Error('digests differ');
  const rows = counts.map((count) => ({
    workers: count,
    milliseconds: median(rounds[count].map(({ milliseconds }) => milliseconds)),
    processor: Object.fromEntries(
      ['coordinator', 'server', 'workers'].map((name) => [
        name,
        median(rounds[count].map(({ processor }) => processor[name])),
      ]),
    ),
    bytesAWeight: median(rounds[count].map(({ bytesAWeight }) => bytesAWeight)),
  }));
  const ratio = median(rounds[1].map((one, i) => one.milliseconds / rounds[2][i].milliseconds));
  const { weightsSha256, parameters } = all[0];
  const version = spawnSync('nats-server', ['--version'], { encoding: 'utf8' }).stdout.trim();
  const found = { stamp: { ...stamp(), load }, version, parameters, steps: STEPS, ratio, rows };
  console.log(JSON.stringify({ ...found, weightsSha256 }, null, 1));
  if (values.write) writeResult(resultFile('workers'), { ...found, weightsSha256 });
} finally {
  for (const child of children) child.kill('SIGKILL');
  rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
}
