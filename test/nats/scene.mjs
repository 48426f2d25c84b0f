// Runs that are divided among processes of this machine, over a real server: what starts, stops and
// kills each of them. A server, its store and everything else are in a folder of their own.

import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { freePort } from '../helpers/free-port.mjs';
import { BadProxy } from './proxy.mjs';

export const CLI = fileURLToPath(new URL('../../dist/cli.js', import.meta.url));

const KILL_AT = new URL('kill-at.mjs', import.meta.url).href;

/** Where nats-server cannot be had these tests are skipped, and say so. */
export const hasServer = spawnSync('nats-server', ['--version']).status === 0;

const TEXT = Array.from(
  { length: 300 },
  (_, i) => `${i} ${i * i} the ${['red', 'blue', 'green'][i % 3]} fox ${i % 7}\n`,
).join('');

/** A small run of some steps. */
export const MODEL = [
  ...['--layers', '2', '--channels', '16', '--heads', '2', '--context', '16'],
  ...['--batch', '8', '--threads', '1', '--validate-every', '0', '--learning-rate', '0.01'],
];

const answers = (port) =>
  new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('data', () => socket.destroy() && resolve(true));
    socket.once('error', () => resolve(false));
  });

/** Everything of one test; `close` ends and removes it. */
export class Scene {
  #children = new Set();
  #server;
  port = 0;

  constructor() {
    this.folder = mkdtempSync(join(tmpdir(), 'retrograd-scene-'));
    writeFileSync(join(this.folder, 'text.txt'), TEXT);
  }

  get server() {
    return `nats://127.0.0.1:${this.proxyPort ?? this.port}`;
  }

  path(name) {
    return join(this.folder, name);
  }

  /** Puts a bad network before the server: who connects from now on goes through it. */
  async startProxy(random) {
    this.proxy = new BadProxy(this.port, random);
    this.proxyPort = await this.proxy.open();
    return this.proxy;
  }

  /** Starts the server, with a configuration of users if there is one. */
  async startServer(configuration = {}) {
    this.port ||= await freePort();
    this.#configure(configuration);
    this.#server = spawn('nats-server', ['-c', this.path('server.conf')], { stdio: 'ignore' });
    for (let i = 0; i < 200 && !(await answers(this.port)); i++) await sleep(50);
  }

  #configure(configuration) {
    this.configuration = configuration;
    const jetstream = { store_dir: this.path('store') };
    const text = { jetstream, ...configuration, listen: `127.0.0.1:${this.port}` };
    writeFileSync(this.path('server.conf'), JSON.stringify(text));
  }

  /** Lets the server that runs have another configuration. */
  reload(configuration) {
    this.#configure(configuration);
    this.#server.kill('SIGHUP');
  }

  /** Kills the server; with `wipe` its store is gone too. It comes back after some milliseconds. */
  async killServer({ wipe = false, away = 300 } = {}) {
    const gone = new Promise((resolve) => this.#server.once('exit', resolve));
    this.#server.kill('SIGKILL');
    await gone;
    if (wipe) rmSync(this.path('store'), { recursive: true, force: true });
    await sleep(away);
    await this.startServer(this.configuration);
  }

  /** Runs a command of retrograd; `ended` resolves to its exit code and what it said. */
  start(words, { program = [process.execPath], env = {} } = {}) {
    const [command, ...before] = program;
    const script = words.length === 0 ? [] : [CLI, ...words];
    const child = spawn(command, [...before, ...script], {
      cwd: this.folder,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, ...env },
    });
    this.#children.add(child);
    const said = { out: '', error: '' };
    child.stdout.on('data', (text) => {
      said.out += text;
    });
    child.stderr.on('data', (text) => {
      said.error += text;
    });
    const ended = new Promise((resolve) =>
      child.once('close', (code, signal) => {
        this.#children.delete(child);
        resolve({ code, signal, ...said });
      }),
    );
    return { child, said, ended };
  }

  /** The words that train a run in a directory: as begun, or going on if something is saved. */
  trainWords(directory, steps, more = []) {
    const isSaved = existsSync(join(this.path(directory), 'checkpoint.safetensors'));
    if (isSaved) return ['train', 'gpt', '--resume', directory, ...more, '--json'];
    const about = [...MODEL, '--steps', String(steps), '--text', 'text.txt'];
    return ['train', 'gpt', ...about, '--out', directory, ...more, '--json'];
  }

  /** A coordinator at the server; with `killAt` it is killed at that point (crash-points.mjs). */
  coordinator(directory, steps, more = [], { killAt } = {}) {
    const words = this.trainWords(directory, steps, ['--server', this.server, ...more]);
    if (killAt === undefined) return this.start(words);
    const program = [process.execPath, '--import', KILL_AT];
    return this.start(words, { program, env: { RETROGRAD_KILL_AT: JSON.stringify(killAt) } });
  }

  /** A worker of a run. */
  worker(run, name, { program, server = this.server, more = [] } = {}) {
    const words = ['worker', '--server', server, '--run', run, '--name', name, '--json'];
    return this.start([...words, ...more], { program });
  }

  /** A worker that lies. */
  liar(run, name) {
    const liar = fileURLToPath(new URL('liar.mjs', import.meta.url));
    return this.start([], { program: [process.execPath, liar, this.server, run, name] });
  }

  /** The weights' digest of one machine alone. */
  async alone(steps, more = []) {
    const { out } = await this.start(this.trainWords(`alone-${steps}`, steps, more)).ended;
    return digestOf(out);
  }

  /** The weights' digest of what a run has saved. */
  async saved(directory) {
    const { out } = await this.start(['inspect', directory, '--json']).ended;
    return events(out)[0].weightsSha256;
  }

  /** The run's name, once its coordinator has written its receipt. */
  async runOf(directory) {
    const words = ['runs', '--server', `nats://127.0.0.1:${this.port}`, '--json'];
    for (let i = 0; i < 100; i++) {
      const { out } = await this.start(words).ended;
      const [found] = events(out).filter(({ event }) => event === 'run');
      if (found !== undefined) return found.run;
      await sleep(100);
    }
    throw new Error(`no run of ${directory} on the server`);
  }

  async close() {
    for (const child of this.#children) child.kill('SIGKILL');
    this.proxy?.close();
    this.#server?.kill('SIGKILL');
    await sleep(50);
    rmSync(this.folder, { recursive: true, force: true, maxRetries: 5 });
  }

  read(name) {
    return readFileSync(this.path(name), 'utf8');
  }
}

/** The events that a command printed. */
export const events = (out) =>
  out
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line));

/** The weights' digest that a run ended with; what it said instead, if it did not. */
export const digestOf = (out) =>
  events(out).find(({ event }) => event === 'done')?.weightsSha256 ?? `none: ${out.slice(-200)}`;
