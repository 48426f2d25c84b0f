// Runs dist/cli.js as a user does, in a directory of its own.

import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'vitest';

export const CLI = join(import.meta.dirname, '../../dist/cli.js');

/** What runs a command: the command line, or the repository's `experiment`. */
export const programOf = ([first, ...rest]: readonly string[]): string[] =>
  first === 'experiment'
    ? [join(import.meta.dirname, '../../bench/experiments/run.mjs'), ...rest]
    : [CLI, ...(first === undefined ? [] : [first]), ...rest];

export interface Outcome {
  code: number | null;
  stdout: string;
  stderr: string;
}

export interface RunOptions {
  cwd?: string;
  env?: Record<string, string>;
  uid?: number;
}

const environment = (extra: Record<string, string> = {}): NodeJS.ProcessEnv => ({
  ...process.env,
  NO_COLOR: '1',
  RETROGRAD_DEBUG: '',
  ...extra,
});

export function retrograd(words: readonly string[], { cwd, env, uid }: RunOptions = {}): Outcome {
  const { status, stdout, stderr, error } = spawnSync(process.execPath, programOf(words), {
    cwd,
    uid,
    gid: uid,
    env: environment(env),
    encoding: 'utf8',
    maxBuffer: 2 ** 28,
    timeout: 100_000,
    killSignal: 'SIGKILL',
  });
  if (error !== undefined) throw error;
  return { code: status, stdout, stderr };
}

/** A line of --json, or of a log. */
// biome-ignore lint/suspicious/noExplicitAny: what is printed is looked at field by field
export type Event = Record<string, any>;

/** Expects that a use is refused: exit code 2, nothing on stdout, one line that matches, with what
 *  was given, what is expected and a hint. */
export function expectRefusal(words: readonly string[], cwd: string, message: RegExp): void {
  const { code, stdout, stderr } = retrograd(words, { cwd });
  expect(stderr, words.join(' ')).toMatch(message);
  expect(stderr).toMatch(/^retrograd: [^\n]+\. HINT: [^\n]+\n$/);
  expect([code, stdout]).toEqual([2, '']);
}

/** The JSON events of a command that must succeed. */
export function events(words: readonly string[], options: RunOptions = {}): Event[] {
  const { code, stdout, stderr } = retrograd([...words, '--json'], options);
  if (code !== 0) throw new Error(`retrograd ${words.join(' ')} exited with ${code}: ${stderr}`);
  return stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
}

/** Starts a command and leaves it running. */
export function start(words: readonly string[], cwd: string): ChildProcess {
  return spawn(process.execPath, programOf(words), {
    cwd,
    env: environment(),
    stdio: ['ignore', 'pipe', 'pipe'],
  });
}

export const ended = (
  child: ChildProcess,
): Promise<{ code: number | null; signal: NodeJS.Signals | null }> =>
  new Promise((resolve) => child.once('close', (code, signal) => resolve({ code, signal })));

/** A text that repeats, but not too soon, of `length` characters. */
export const textOf = (length: number): string =>
  Array.from(
    { length },
    (_, i) => 'the quick brown fox jumps over a lazy dog\n'[(i * i + (i >> 3)) % 42],
  ).join('');

/** A temporary directory with text.txt (2,000 characters). */
export function workspace(): { path: string; remove: () => void } {
  const path = mkdtempSync(join(tmpdir(), 'retrograd-cli-'));
  writeFileSync(join(path, 'text.txt'), textOf(2000));
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}

/** A model that trains in a moment. */
export const TINY = [
  '--layers',
  '2',
  '--channels',
  '32',
  '--heads',
  '2',
  '--context',
  '8',
  '--batch',
  '4',
];
export const TRAIN = ['train', 'gpt', '--text', 'text.txt', ...TINY];
