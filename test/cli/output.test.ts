// What becomes of a command whose output nobody reads, or whose output has no space left.

import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { decodeCheckpoint } from '../../src/checkpoint/checkpoint.ts';
import {
  ended,
  events,
  type Outcome,
  programOf,
  retrograd,
  start,
  TRAIN,
  workspace,
} from './command.ts';

let cwd: string;
let remove: () => void;
beforeAll(() => {
  ({ path: cwd, remove } = workspace());
  expect(retrograd([...TRAIN, '--steps', '2', '--out', 'saved'], { cwd }).code).toBe(0);
});
afterAll(() => remove());

/** Runs a command in the shell; `{}` stands for the command line. */
function shell(script: string, words: readonly string[]): Pick<Outcome, 'code' | 'stderr'> {
  const quoted = [process.execPath, ...programOf(words)].map((word) => `'${word}'`).join(' ');
  const command = script.replace('{}', () => quoted);
  const { status, stderr } = spawnSync('bash', ['-c', command], { cwd, encoding: 'utf8' });
  return { code: status, stderr };
}
const HAS_FULL = existsSync('/dev/full');
const toFullDisk = (words: readonly string[]) => shell('{} > /dev/full', words);

const PRINTING: [string, string[]][] = [
  ['train without --out', [...TRAIN, '--steps', '100000']],
  ['train --json', [...TRAIN, '--steps', '100000', '--json']],
  ['sample', ['sample', 'saved', '--length', '20']],
  ['eval', ['eval', 'saved', '--text', 'text.txt']],
  ['inspect', ['inspect', 'saved', '--json']],
  ['plan', ['plan', 'gpt', ...TRAIN.slice(2)]],
  ['demo', ['demo', '--steps', '100000']],
  ['bench', ['bench', '--layers', '1', '--channels', '16', '--heads', '1', '--repeat', '1']],
  ['verify', ['verify']],
  ['experiment --list', ['experiment', '--list']],
  ['--help', ['--help']],
  ['train gpt --help', ['train', 'gpt', '--help']],
  ['--version', ['--version']],
];

describe.skipIf(process.platform === 'win32')('a command that only prints', () => {
  test.skipIf(!HAS_FULL).each(PRINTING)(
    '%s > full disk: 1 and a line',
    (_, words) => {
      const { code, stderr } = toFullDisk(words);
      const line = /^retrograd: standard output has no space left on its device, .*\n$/;
      expect([code, stderr]).toEqual([1, expect.stringMatching(line)]);
    },
    60_000,
  );

  test.each(PRINTING)(
    '%s ends with 141 and says nothing when nobody reads',
    (_, words) => {
      // A short text may be on its way before the reader is gone.
      const late = '{ sleep 0.1; exec {}; } | true; exit ${PIPESTATUS[0]}';
      const { code, stderr } = shell(late, words);
      expect([code, stderr]).toEqual([141, '']);
    },
    60_000,
  );

  test('a file that may not grow is no success with half of the text', () => {
    const whole = retrograd(['inspect', 'saved', '--json'], { cwd }).stdout;
    expect(whole.length).toBeGreaterThan(1024);
    const { code, stderr } = shell('ulimit -f 1; {} > limited', ['inspect', 'saved', '--json']);
    expect(readFileSync(join(cwd, 'limited'), 'utf8')).toBe(whole.slice(0, 1024));
    const line = 'retrograd: standard output would be larger than the system allows, ';
    expect([code, stderr.slice(0, line.length)]).toEqual([1, line]);
  });

  test('a lost standard error changes nothing', () => {
    expect(shell('{} 2> /dev/full > /dev/null', ['inspect', 'saved']).code).toBe(0);
    expect(shell('{} 2> /dev/full', ['inspect', 'nowhere']).code).toBe(2);
    expect(shell('{} > /dev/full 2>&1', ['inspect', 'saved']).code).toBe(1);
    expect(shell('{} 2>&- >&- <&-', ['inspect', 'nowhere']).code).toBe(2);
  });
});

describe.skipIf(process.platform === 'win32')('training with --out', () => {
  const RUN = [...TRAIN, '--steps', '60'];
  const LONG = [...TRAIN, '--steps', '200000', '--json'];
  const digest = (): string => events(RUN, { cwd }).at(-1)!.weightsSha256;
  const file = (dir: string) => readFileSync(join(cwd, dir, 'checkpoint.safetensors'));
  const load = (dir: string) => decodeCheckpoint(file(dir));

  test('goes on without a reader, saves, and exits with 1', async () => {
    const toHead = '{} | head -1 > /dev/null; exit ${PIPESTATUS[0]}';
    const { code, stderr } = shell(toHead, [...RUN, '--json', '--out', 'head']);
    const says = "training goes on and saves in 'head', the exit code will be 1";
    const line = `retrograd: standard output has no reader any more; ${says}\n`;
    expect([code, stderr]).toEqual([1, line]);
    expect((await load('head')).step).toBe(60);
    expect(retrograd([...RUN, '--out', 'whole'], { cwd }).code).toBe(0);
    expect(file('head')).toEqual(file('whole'));
  });

  test.skipIf(!HAS_FULL)('goes on when the disk of its output is full', async () => {
    const { code, stderr } = toFullDisk([...RUN, '--out', 'full']);
    const line = expect.stringContaining('has no space left on its device; training goes on');
    expect([code, stderr]).toEqual([1, line]);
    expect((await load('full')).step).toBe(60);
  });

  test('without a reader it still ends by a signal, saved', async () => {
    const child = start([...LONG, '--out', 'both'], cwd);
    const end = ended(child);
    await new Promise((resolve) => child.stdout!.once('data', resolve));
    child.stdout!.destroy();
    await new Promise((resolve) => child.stderr!.once('data', resolve));
    child.kill('SIGTERM');
    expect(await end).toEqual({ code: 143, signal: null });
    expect((await load('both')).step).toBeGreaterThan(0);
  });

  test('two signals at once are one', async () => {
    const child = start([...LONG, '--out', 'twice'], cwd);
    const end = ended(child);
    await new Promise((resolve) => child.stdout!.once('data', resolve));
    child.kill('SIGHUP');
    child.kill('SIGINT');
    const { code } = await end;
    expect([129, 130]).toContain(code); // the system does not keep their order
    expect((await load('twice')).step).toBeGreaterThan(0);
  });

  test('stopping and going on changes nothing', async () => {
    const child = start([...RUN, '--out', 'stopped', '--json'], cwd);
    const end = ended(child);
    let stdout = '';
    child.stdout!.on('data', (chunk: Buffer) => {
      stdout += chunk.toString();
    });
    await new Promise((resolve) => child.stdout!.once('data', resolve));
    child.kill('SIGSTOP');
    await new Promise((resolve) => setTimeout(resolve, 300));
    child.kill('SIGCONT');
    expect(await end).toEqual({ code: 0, signal: null });
    expect(JSON.parse(stdout.trimEnd().split('\n').at(-1)!).weightsSha256).toBe(digest());
  });
});
